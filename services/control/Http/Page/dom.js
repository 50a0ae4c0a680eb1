// Elements are made here and nowhere else, and text is only ever text: what a model wrote never becomes markup.

const SVG = "http://www.w3.org/2000/svg";
const focusable = "a[href], summary, button, select, [tabindex]";

/** An element with attributes (`class`, `href`, `onclick` …) and children: nodes, texts, lists of them; null and false are left out. */
export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function s(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Puts new content into an element. */
export function show(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(isThere));
}

/** The same for what is drawn again and again: what a person has opened, focused and scrolled stays so. */
export function redraw(element, ...children) {
  const within = selector => [...element.querySelectorAll(selector)];
  const open = within("details").map(details => details.open);
  const scrolled = within(".scroll").map(region => [region.scrollLeft, region.scrollTop]);
  const focused = within(focusable).indexOf(document.activeElement);
  show(element, ...children);
  within("details").forEach((details, i) => { details.open = open[i] ?? details.open; });
  within(".scroll").forEach((region, i) => { [region.scrollLeft, region.scrollTop] = scrolled[i] ?? [0, 0]; });
  if (focused >= 0) within(focusable)[focused]?.focus({ preventScroll: true });
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(isThere));
  return element;
}

function isThere(child) {
  return child !== null && child !== undefined && child !== false && child !== "";
}
