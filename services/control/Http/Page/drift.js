// How the model's own judgements and answers change from one iteration to the next: the first place where a run goes wrong.

import { h, s } from "./dom.js";
import { count, none, number, percent } from "./format.js";

const scores = [5, 4, 3, 2, 1, 0];

export function drift({ drift: rows, statistics, discards, progress }) {
  if (rows.length === 0) return h("p", { class: "quiet" }, "No iteration has begun.");
  const reasons = [...new Set(discards.map(row => row.reason))];
  return h("div", { class: "panels" }, rows.map(row => {
    const counts = statistics.find(other => other.iteration === row.iteration), passed = progress.find(other => other.iteration === row.iteration);
    const settled = passed?.settled ?? 0;
    const share = part => settled === 0 ? none : percent(part / settled);
    return h("section", { class: "panel", "aria-label": `Drift, iteration ${row.iteration}` },
      h("h3", {}, `M${row.iteration} → M${row.iteration + 1}`),
      histogram(row),
      h("dl", { class: "rows" }, [
        ["mean score", number(row.mean_score)],
        ["unparsable judgements %", percent(row.unparsable_rate)],
        ["judge agrees with the one before %", percent(row.judge_agreement)],
        ["usable pairs %", percent(row.usable_pair_share)],
        ...reasons.map(reason => [`${reason} %`, share(discards.find(other => other.iteration === row.iteration && other.reason === reason)?.prompts ?? 0)]),
        ["drafts refused", count(passed?.refused_drafts)],
        ["truncated answers %", percent(row.truncated_rate)],
        ["mean length, characters", number(row.mean_candidate_length, 1)],
        ["chosen is longer %", percent(row.chosen_longer_share)],
        ["chosen less rejected score", number(counts?.mean_margin)],
      ].map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value)))));
  }));
}

function histogram(row) {
  const counts = scores.map(score => row[`score_${score}`]), all = counts.reduce((sum, value) => sum + value, 0);
  const told = scores.map((score, i) => `score ${score}: ${count(counts[i])}`).join(", ");
  const most = Math.max(1, ...counts);
  return h("figure", { class: "histogram" },
    h("figcaption", {}, `Scores of its own answers (${count(all)} judgements)`),
    s("svg", { viewBox: "0 0 320 132", role: "img", "aria-label": told }, scores.map((score, i) => [
      s("text", { class: "tick", x: 14, y: 17 + i * 22, "text-anchor": "end" }, String(score)),
      s("rect", { class: "track", x: 22, y: 5 + i * 22, width: 232, height: 16, rx: 3 }),
      s("rect", { class: "fill", x: 22, y: 5 + i * 22, width: 232 * counts[i] / most, height: 16, rx: 3 }),
      s("text", { class: "tick", x: 262, y: 17 + i * 22 }, all === 0 ? none : `${percent(counts[i] / all)} %`)])));
}
