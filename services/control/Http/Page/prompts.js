// The prompts of an iteration, a page at a time; each leads to its lineage.

import { get, runPath } from "./api.js";
import { h, show } from "./dom.js";
import { count, lineageLink, short } from "./format.js";

const stages = ["", "drafted", "answered", "judged", "settled"];

export class Prompts {
  #run;
  #signal;
  #failed;
  #iteration = 1;
  #iterations = 0;
  #pages = [null];
  #select = h("select", { id: "iteration", onchange: event => this.#open(Number(event.target.value), [null]) });
  #rows = h("tbody");
  #before = h("button", { type: "button", onclick: () => this.#open(this.#iteration, this.#pages.slice(0, -1)) }, "Earlier");
  #after = h("button", { type: "button", onclick: () => this.#open(this.#iteration, [...this.#pages, this.next]) }, "Later");
  #where = h("span", { role: "status" });

  constructor(run, signal, failed) {
    this.#run = run;
    this.#signal = signal;
    this.#failed = failed;
    this.element = h("div", {},
      h("h2", {}, "Prompts"),
      h("p", { class: "controls" }, h("label", { for: "iteration" }, "Iteration "), this.#select, this.#before, this.#after, this.#where),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Prompts of the iteration" }, h("table", { class: "texts" },
        h("caption", { class: "hidden" }, "Prompts of the iteration, and what came of them"),
        h("thead", {}, h("tr", {}, ["Prompt", "", "Stage", "Chosen", "Rejected", "Outcome"].map(title => h("th", { scope: "col" }, title || h("span", { class: "hidden" }, "Text"))))),
        this.#rows)));
  }

  /** Follows the run: new iterations, and the page that is shown. */
  update({ progress }) {
    if (progress.length !== this.#iterations) {
      this.#iterations = progress.length;
      show(this.#select, progress.map(row => h("option", { value: row.iteration, selected: row.iteration === this.#iteration }, String(row.iteration))));
    }
    this.#open(this.#iteration, this.#pages);
  }

  async #open(iteration, pages) {
    [this.#iteration, this.#pages] = [iteration, pages];
    if (this.#iterations === 0) {
      show(this.#where, "No iteration has begun.");
      return;
    }
    try {
      const after = pages.at(-1);
      const page = await get(runPath(this.#run, `/prompts?iteration=${iteration}${after === null ? "" : `&after=${after}`}`), this.#signal);
      this.next = page.next;
      this.#before.disabled = pages.length === 1;
      this.#after.disabled = page.next === null;
      show(this.#where, page.items.length === 0 ? "none yet" : `${page.items[0].ordinal} to ${page.items.at(-1).ordinal} of ${count(page.planned)}`);
      // A link that has the focus stays where it is.
      if (!this.#rows.contains(document.activeElement)) show(this.#rows, page.items.map(row));
    } catch (error) {
      this.#failed(error);
    }
  }
}

function row(item) {
  const answers = item.discarded ? `${item.discarded}${item.detail ? `: ${item.detail}` : ""}` : item.chosen_score !== null ? "pair" : "";
  const outcome = item.judging_pair ? `${answers}; pair of judgements` : answers;
  return h("tr", {},
    h("th", { scope: "row" }, h("a", { href: lineageLink(item.id) }, item.id.split("/").slice(-2).join("/"))),
    h("td", { class: "text" }, item.prompt ?? ""), h("td", {}, stages[item.stage]),
    h("td", {}, short(item.chosen_score)), h("td", {}, short(item.rejected_score)), h("td", { class: "text" }, outcome));
}
