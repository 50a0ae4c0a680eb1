// Line charts as inline SVG, drawn by hand. The figures are in a table, too: for those who cannot see, and for those who want them exactly.

import { h, s } from "./dom.js";
import { short } from "./format.js";

const width = 560, height = 240, left = 52, right = 12, top = 12, bottom = 34;

/** @param series lines: { name, points: [[x, y], …] }; at most six are told apart by colour and dash. */
export function lineChart({ title, x, y, series, dots = false, labels = null }) {
  const lines = series.filter(line => line.points.length > 0);
  if (lines.length === 0) return null;
  const points = lines.flatMap(line => line.points);
  const [xs, ys] = [range(points.map(point => point[0])), range(points.map(point => point[1]), true)];
  const px = value => left + (value - xs[0]) / (xs[1] - xs[0]) * (width - left - right);
  const py = value => height - bottom - (value - ys[0]) / (ys[1] - ys[0]) * (height - top - bottom);
  const told = lines.map(line => `${line.name} from ${short(line.points[0][1])} to ${short(line.points.at(-1)[1])}`).join(", ");

  return h("figure", { class: "chart" },
    h("figcaption", {}, title),
    s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}: ${told}` },
      ticks(ys).map(value => [s("line", { class: "grid", x1: left, x2: width - right, y1: py(value), y2: py(value) }), s("text", { class: "tick", x: left - 6, y: py(value) + 4, "text-anchor": "end" }, short(value))]),
      (labels ?? ticks(xs).map(value => [value, short(value)])).map(([value, text]) => s("text", { class: "tick", x: px(value), y: height - bottom + 16, "text-anchor": "middle" }, text)),
      s("text", { class: "tick", x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle" }, x),
      lines.map((line, i) => [
        s("path", { class: `line line-${i % 6}`, d: path(thin(line.points).map(([a, b]) => [px(a), py(b)])) }),
        dots && line.points.map(([a, b]) => s("circle", { class: `dot-${i % 6}`, cx: px(a), cy: py(b), r: 3.5 }))])),
    h("ul", { class: "legend" }, lines.map((line, i) => h("li", {}, s("svg", { viewBox: "0 0 24 8", class: "key", "aria-hidden": "true" }, s("path", { class: `line line-${i % 6}`, d: "M1 4H23" })), line.name))),
    table(title, x, y, lines, labels));
}

function path(points) {
  // One point alone would draw nothing.
  return points.length === 1 ? `M${points[0]}h0.01` : `M${points.map(point => point.map(value => value.toFixed(1))).join("L")}`;
}

// More points than pixels show nothing more; the last one always counts.
function thin(points) {
  const step = Math.ceil(points.length / width);
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}

function range(values, padded = false) {
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  if (low === high) return [low - 0.5, high + 0.5];
  const space = padded ? (high - low) * 0.06 : 0;
  return [low - space, high + space];
}

/** Round figures within a range. */
function ticks([low, high]) {
  const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find(times => times * power >= rough) * power;
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

function table(title, x, y, lines, labels) {
  const rows = [...new Set(lines.flatMap(line => line.points.map(point => point[0])))].sort((a, b) => a - b);
  const every = Math.ceil(rows.length / 24), names = new Map(labels ?? []);
  const shown = rows.filter((_, i) => i % every === 0 || i === rows.length - 1);
  const values = lines.map(line => new Map(line.points));
  return h("details", {}, h("summary", {}, "Figures"),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, figures` }, h("table", {},
      h("caption", { class: "hidden" }, title),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, x), lines.map(line => h("th", { scope: "col" }, `${line.name}${y ? `, ${y}` : ""}`)))),
      h("tbody", {}, shown.map(row => h("tr", {}, h("th", { scope: "row" }, names.get(row) ?? String(row)), values.map(points => h("td", {}, short(points.get(row))))))))));
}
