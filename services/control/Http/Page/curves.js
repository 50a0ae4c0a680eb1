// Curves of a run: losses and margins by step, and what the models can do.

import { get, runPath } from "./api.js";
import { h } from "./dom.js";
import { lineChart } from "./chart.js";

export class Curves {
  #run;
  #signal;
  #steps = new Map();
  #done = new Set();

  constructor(run, signal) {
    this.#run = run;
    this.#signal = signal;
  }

  /** Reads what has come to each model's training since. */
  async update({ models }) {
    await Promise.all(models.filter(model => model.recipe && !this.#done.has(model.model)).map(async model => {
      const had = this.#steps.get(model.model) ?? [];
      const { steps } = await get(runPath(this.#run, `/training/${encodeURIComponent(model.model)}?after=${had.at(-1)?.step ?? 0}`), this.#signal);
      // Training that went back to a checkpoint after a crash repeats steps; they come to the same.
      this.#steps.set(model.model, [...had, ...steps]);
      if (model.published_at) this.#done.add(model.model);
    }));
  }

  draw({ models }) {
    const lines = (names, value) => names.map(name => ({ name, points: (this.#steps.get(name) ?? []).map(step => [step.step, value(step)]).filter(point => point[1] !== null && point[1] !== undefined) }));
    const trained = recipe => models.filter(model => model.recipe === recipe).map(model => model.model);
    const measured = models.filter(model => model.evaluated_at);
    const by = (name, value) => ({ name, points: measured.map((model, i) => [i, value(model)]).filter(point => point[1] !== null).map(([i, share]) => [i, share * 100]) });
    const charts = [
      lineChart({ title: "Loss, supervised", x: "step", series: lines(trained("sft"), step => step.loss) }),
      lineChart({ title: "Loss on preferences", x: "step", series: lines(trained("dpo"), step => step.loss) }),
      lineChart({ title: "rewards/margins", x: "step", series: lines(trained("dpo"), step => step.preference?.rewards_margins) }),
      lineChart({
        title: "What each model gets right, %", x: "model", dots: true, labels: measured.map((model, i) => [i, model.model]),
        series: [by("exact match, greedy", model => model.exact_match_greedy), by("exact match, sampled", model => model.exact_match_sampled), by("judging, pairwise", model => model.pairwise_accuracy)],
      }),
    ].filter(Boolean);
    return charts.length > 0 ? h("div", { class: "charts" }, charts) : h("p", { class: "quiet" }, "Nothing is trained yet.");
  }
}
