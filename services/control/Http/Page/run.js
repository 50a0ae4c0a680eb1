// One run: the loop as it goes, what came of it, and its prompts.

import { follow, get, runPath } from "./api.js";
import { h, redraw, show } from "./dom.js";
import { count, duration, runLink, time } from "./format.js";
import { loop } from "./loop.js";
import { Curves } from "./curves.js";
import { drift } from "./drift.js";
import { Prompts } from "./prompts.js";

export async function runView(run, { place, signal, told, failed, fine }) {
  const parts = Object.fromEntries(["head", "loop", "table", "curves", "drift", "prompts"].map(name => [name, h("section", { id: name })]));
  const curves = new Curves(run, signal), prompts = new Prompts(run, signal, failed);
  let isDrawing = false, isAsked = false, report;

  const draw = async () => {
    report = await get(runPath(run), signal);
    await curves.update(report);
    redraw(parts.head, head(report));
    redraw(parts.loop, h("h2", {}, "The loop"), loop(report));
    redraw(parts.table, h("h2", {}, "M0 to the last model"), finalTable(report));
    redraw(parts.curves, h("h2", {}, "Curves"), curves.draw(report));
    redraw(parts.drift, h("h2", {}, "Drift"), drift(report));
    prompts.update(report);
  };
  // Facts that come while it is drawn are drawn after that.
  const changed = async () => {
    isAsked = true;
    if (isDrawing) return;
    isDrawing = true;
    while (isAsked && !signal.aborted) {
      isAsked = false;
      await draw().then(fine, failed);
    }
    isDrawing = false;
  };

  await draw();
  show(parts.prompts, prompts.element);
  show(place, Object.values(parts));
  if (!report.is_finished) follow(run, report.position, signal, changed, told);
}

function head({ run, behind, gains, tokens_per_second: rate, phases }) {
  const spent = duration(run.started_at, run.last_fact_at);
  return [
    h("h1", {}, `Run ${run.run}`),
    behind && h("p", { class: "alert" }, behind),
    h("p", { class: run.stop_reason ? "state bad" : run.ended_at ? "state good" : "state" }, run.state),
    h("dl", { class: "figures" }, [
      ["preset", run.preset], ["seed", run.seed], ["begun", time(run.started_at)], [run.ended_at ? "took" : "so far", spent],
      ["tokens generated", count(run.tokens_generated)], rate ? ["tokens a second", count(Math.round(rate))] : null,
      run.parent ? ["fork of", h("a", { href: runLink(run.parent) }, run.parent), ` at iteration ${run.forked_at_iteration}, from ${run.forked_from.toLowerCase()}`] : null,
    ].filter(Boolean).map(([label, ...value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value)))),
    gains.map(sentence => h("p", { class: "gain" }, sentence)),
    phases.length > 0 && h("details", {}, h("summary", {}, "Where the time went"),
      h("ul", { class: "plain" }, phases.map(phase => h("li", {}, `${phase.name}: ${phase.end ? duration(phase.start, phase.end) : "goes on"}`)))),
  ];
}

function finalTable({ table }) {
  if (table.columns.length === 0) return h("p", { class: "quiet" }, "No model yet.");
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Figures of every model" },
    h("table", {},
      h("caption", { class: "hidden" }, "What each model can do, and how it came to be"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "hidden" }, "Figure")), table.columns.map(model => h("th", { scope: "col" }, model)))),
      h("tbody", {}, table.rows.map(({ label, cells }) => cells
        ? h("tr", {}, h("th", { scope: "row" }, label), cells.map(cell => h("td", {}, cell ?? "–")))
        : h("tr", { class: "group" }, h("th", { scope: "colgroup", colspan: table.columns.length + 1 }, label))))));
}
