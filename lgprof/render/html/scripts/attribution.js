// Where the time goes: one stacked bar over the mean latency, and its legend.

import { el, section } from "./dom.js";
import { duration, percent, wholePercent } from "./format.js";
import { isChosen, nodeButton, onChoice } from "./selection.js";
import { tips } from "./tip.js";

const MOST_PLACES = 4;

function places(part) {
  const shown = part.places.slice(0, MOST_PLACES);
  return shown.flatMap(([path, seconds], at) => [at > 0 && " · ", el("span", { class: "place", data: { path } }, nodeButton(el, path), ` ${duration(seconds)}`)]);
}

/** The section; null where no request gave a latency. */
export function attribution(data) {
  const found = data.attribution;
  if (!found) return null;
  const { parts, total } = found;
  const stack = el(
    "div",
    { class: "stack", role: "img", "aria-label": `Parts of the ${found.label}; the table below has them in numbers` },
    ...parts.map((part, at) =>
      el("div", { class: `part${part.dark ? " dark" : ""}`, data: { at }, css: { "flex-grow": String(part.seconds / total), "--colour": part.colour } }, el("span", null, `${part.name} ${wholePercent(part.seconds / total)}`)),
    ),
  );
  tips(stack, ".part", (part) => {
    const { name, seconds } = parts[part.dataset.at];
    return [name, `${duration(seconds)}, ${percent(seconds / total)}`];
  });
  const rows = parts.map((part) =>
    el(
      "tr",
      null,
      el("th", { scope: "row", class: "text" }, el("i", { class: "swatch", css: { "--colour": part.colour } }), part.name),
      el("td", null, duration(part.seconds)),
      el("td", null, percent(part.seconds / total)),
      el("td", { class: "text places" }, ...places(part)),
    ),
  );
  const sum = el("tr", { class: "sum" }, el("th", { scope: "row", class: "text" }, found.label), el("td", null, duration(total)), el("td", null, "100%"), el("td"));
  const table = el("table", { class: "attribution" }, el("caption", { class: "hidden" }, "Where the time goes"), el("tbody", null, ...rows, sum));
  onChoice(() => table.querySelectorAll(".place").forEach((place) => place.classList.toggle("dim", !isChosen(place.dataset.path))));
  return section("time", "Where the time goes", found.note, stack, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Where the time goes" }, table));
}
