// Which view an address means. Everything is behind '#', so the server needs to know of no view.

import { get } from "./api.js";
import { h, show } from "./dom.js";
import { runLink, lineageLink } from "./format.js";
import { runsView } from "./runs.js";
import { runView } from "./run.js";
import { lineageView } from "./lineage.js";

const main = document.getElementById("main");
const trail = document.getElementById("trail");
const live = document.getElementById("live");
let current = new AbortController();

function route() {
  const [view, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  if (view === "runs" && rest.length === 1) return { title: `Run ${rest[0]}`, trail: [["Runs", "#/"], [rest[0]]], open: context => runView(rest[0], context) };
  if (view === "lineage" && rest.length > 1) {
    const steps = rest.map((part, i) => [part, i === 0 ? runLink(part) : part === "step" || (i === 1 && !/^(M\d+|SFT)$/.test(part)) ? null : lineageLink(rest.slice(0, i + 1).join("/"))]);
    steps[steps.length - 1] = [rest.at(-1)];
    return { title: `Lineage of ${rest.join("/")}`, trail: [["Runs", "#/"], ...steps], open: context => lineageView(rest.join("/"), context) };
  }
  return { title: "Runs", trail: [["Runs"]], open: runsView };
}

function crumbs(steps) {
  return h("ol", {}, steps.map(([text, href]) => h("li", {}, href ? h("a", { href }, text) : h("span", { "aria-current": text === steps.at(-1)[0] && !href ? "page" : null }, text))));
}

/** Opens the view that the address names; what the last one still waits for is broken off. */
async function open(isFirst) {
  current.abort();
  current = new AbortController();
  const signal = current.signal, target = route();
  document.title = `${target.title} · SelfRewarding`;
  show(trail, crumbs(target.trail));
  show(live);
  const told = isLive => { if (!signal.aborted) show(live, h("span", { class: isLive ? "dot on" : "dot" }), isLive ? "live" : "not live"); };
  // What draws again and again says here what is wrong meanwhile, and what was drawn stays.
  const notice = h("p", { class: "alert", role: "alert", hidden: true });
  const failed = error => {
    if (signal.aborted || error.name === "AbortError") return;
    notice.hidden = false;
    show(notice, error.message);
  };
  const fine = () => { notice.hidden = true; show(notice); };
  const place = h("div", {}, h("p", { class: "quiet" }, "Loading …"));
  show(main, notice, place);
  try {
    await target.open({ place, signal, told, failed, fine });
  } catch (error) {
    if (signal.aborted) return;
    failed(error);
    show(place, h("h1", {}, target.title));
    if (error.status === 404) show(place, h("h1", {}, target.title), h("p", {}, h("a", { href: "#/" }, "All runs")));
    else setTimeout(() => { if (!signal.aborted) open(true); }, 2000);
  }
  // A reader of the screen goes on at the new content, as after loading a page.
  if (!isFirst && !signal.aborted) main.focus({ preventScroll: true });
}

addEventListener("hashchange", () => { scrollTo(0, 0); open(false); });
document.getElementById("skip").addEventListener("click", event => { event.preventDefault(); main.focus(); });
open(true);
// Who came in without a token has nothing to go out of.
get("/health/live").then(({ needs_token: needsToken }) => { document.getElementById("logout").hidden = !needsToken; }, () => {});
