// The loop as a row of steps: a model, the prompts that it works on, the model that comes of them. Those that are under way move.

import { h } from "./dom.js";
import { count, lineageLink } from "./format.js";

export function loop({ run, loop: models, progress }) {
  const steps = [];
  for (const model of models) {
    const iteration = progress.find(row => `M${row.iteration + 1}` === model.model);
    if (iteration) steps.push(prompts(iteration));
    steps.push(card(run.run, model));
  }
  return h("ol", { class: "loop" }, steps);
}

function card(run, { model, is_begun: isBegun, is_published: isPublished, share, state }) {
  const status = isPublished ? "done" : isBegun ? "going" : "waiting";
  return h("li", { class: `step model ${status}` },
    h("h3", {}, isBegun ? h("a", { href: lineageLink(`${run}/${model}`), "aria-label": `${model}: lineage` }, model) : model),
    bar(`${model} made`, share, 1),
    h("p", {}, state || (isBegun ? "begins" : "to come")));
}

function prompts({ iteration, planned, generated, sampled, judged, settled, pairs, judging_pairs: judging, discarded, refused_drafts: refused, frozen_at: frozen }) {
  const stage = (name, done) => h("div", { class: "stage" }, h("span", {}, name), bar(`Iteration ${iteration}: ${name}`, done, planned), h("span", { class: "number" }, `${count(done)}/${count(planned)}`));
  return h("li", { class: `step ${frozen ? "done" : generated > 0 ? "going" : "waiting"}` },
    h("h3", {}, `Iteration ${iteration}`),
    stage("prompts", generated), stage("answered", sampled), stage("judged", judged), stage("settled", settled),
    h("p", {}, `${count(pairs)} pairs${judging === null ? "" : ` and ${count(judging)} pairs of judgements`}, ${count(discarded)} prompts without ${judging === null ? "one" : "a pair of answers"}, ${count(refused)} drafts refused`));
}

function bar(label, done, all) {
  return h("progress", { "aria-label": label, value: String(all > 0 ? Math.min(1, done / all) : 0), max: "1" });
}
