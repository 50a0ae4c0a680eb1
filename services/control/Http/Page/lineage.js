// The lineage explorer: everything that a prompt, answer, judgement, pair, step or model came from and led to. Every id leads further.

import { get } from "./api.js";
import { h, show } from "./dom.js";
import { lineageLink, short } from "./format.js";

const most = 40;

export async function lineageView(id, { place, signal }) {
  const tree = await get(`/api/lineage/${id.split("/").map(encodeURIComponent).join("/")}`, signal);
  show(place, h("h1", {}, `${tree.kind[0].toUpperCase()}${tree.kind.slice(1)} ${tree.id ?? ""}`), body(tree), children(tree, 0));
}

function body(node) {
  const facts = Object.entries(node.facts);
  return [
    node.text !== null && h("pre", { class: "said" }, node.text),
    facts.length > 0 && h("dl", { class: "figures" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, figure(value))))),
  ];
}

function figure(value) {
  return typeof value === "number" ? short(value) : Array.isArray(value) ? value.join(" ") : String(value);
}

function children(node, depth) {
  if (node.children.length === 0) return null;
  const list = h("ul", { class: "tree" });
  // A model has thousands of pairs: some at a time.
  const add = from => {
    const upTo = Math.min(node.children.length, from + most);
    list.append(...node.children.slice(from, upTo).map(child => h("li", { class: kind(child.kind) }, branch(child, depth + 1))));
    if (upTo < node.children.length) {
      const more = h("li", {}, h("button", { type: "button", onclick: () => { more.remove(); add(upTo); list.children[upTo]?.querySelector("a, summary")?.focus(); } }, `Show more (${node.children.length - upTo} left)`));
      list.append(more);
    }
  };
  add(0);
  return list;
}

function branch(node, depth) {
  const title = [h("span", { class: "kind" }, node.kind), node.id && [" ", h("a", { href: lineageLink(node.id) }, node.id)]];
  if (node.children.length === 0) return [h("p", { class: "title" }, title), body(node)];
  const inner = h("div");
  const details = h("details", { open: depth < 3 && node.children.length <= most }, h("summary", {}, title, h("span", { class: "quiet" }, ` (${node.children.length})`)), body(node), inner);
  // What is closed is drawn when it is opened.
  const fill = () => { if (details.open && inner.childNodes.length === 0) show(inner, children(node, depth)); };
  details.addEventListener("toggle", fill);
  fill();
  return details;
}

const kind = name => `is-${name.toLowerCase().replace(/[^a-z]+/g, "-")}`;
