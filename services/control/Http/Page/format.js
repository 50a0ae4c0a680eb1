// Figures as text, as the terminal has them. A dash stands for what is not known.

export const none = "–";

export const count = value => value === null || value === undefined ? none : value.toLocaleString("en-US");
export const percent = share => share === null || share === undefined ? none : (share * 100).toFixed(1);
export const number = (value, digits = 2) => value === null || value === undefined ? none : value.toFixed(digits);

/** A figure of any size, short. */
export function short(value) {
  if (value === null || value === undefined) return none;
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 0.001 && size < 1e5 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

export function time(text) {
  return text ? new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) : none;
}

export function duration(from, to) {
  if (!from || !to) return none;
  const seconds = Math.max(0, Math.round((new Date(to) - new Date(from)) / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return (parts[0] > 0 ? parts : parts.slice(1)).map((part, i) => i === 0 ? String(part) : String(part).padStart(2, "0")).join(":");
}

/** The address of something in this page; names come from the log and may hold anything. */
export const runLink = run => `#/runs/${encodeURIComponent(run)}`;
export const lineageLink = id => `#/lineage/${id.split("/").map(encodeURIComponent).join("/")}`;
