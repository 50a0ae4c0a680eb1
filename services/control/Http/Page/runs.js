// All runs: each fork under the run that it comes from.

import { get } from "./api.js";
import { h, show } from "./dom.js";
import { runLink, time } from "./format.js";

const pause = 5000;

export async function runsView({ place, signal, failed, fine }) {
  const draw = async () => {
    const { runs, behind } = await get("/api/runs", signal);
    show(place, h("h1", {}, "Runs"), behind && h("p", { class: "alert" }, behind), runs.length === 0 ? h("p", {}, "The log has no run yet: ", h("code", {}, "selfreward run"), " makes one.") : tree(runs));
  };
  await draw();
  const again = () => setTimeout(async () => {
    if (signal.aborted) return;
    // Where a person is, the list stays as it is.
    if (!document.hidden && !place.contains(document.activeElement)) await draw().then(fine, failed);
    again();
  }, pause);
  again();
}

function tree(runs) {
  const names = new Set(runs.map(run => run.run));
  const below = parent => runs.filter(run => (names.has(run.parent) ? run.parent : null) === parent);
  const list = parent => h("ul", { class: parent === null ? "runs" : "runs forks", "aria-label": parent === null ? "Runs" : `Forks of ${parent}` }, below(parent).map(item));
  const item = run => h("li", {},
    h("a", { class: "card", href: runLink(run.run) },
      h("strong", {}, run.run),
      h("span", { class: run.state.startsWith("stopped") ? "state bad" : run.state.startsWith("completed") ? "state good" : "state" }, run.state),
      h("span", { class: "quiet" }, `${run.parent ? `fork of ${run.parent}, ` : ""}preset ${run.preset}, seed ${run.seed}, begun ${time(run.started_at)}`)),
    below(run.run).length > 0 && list(run.run));
  return list(null);
}
