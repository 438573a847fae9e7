// Builds the page of two Profiles from the data in it.

import { topBar } from "./bar.js";
import { el, factList, section } from "./dom.js";
import { flame } from "./flame.js";
import { graph } from "./graph.js";
import { onChoice } from "./selection.js";
import { SortedTable } from "./table.js";
import { facts, legend, View } from "./timeline.js";

function head(data) {
  const same = data.structure.length === 0;
  const structure = same
    ? el("p", { class: "note" }, "The same nodes, edges and calls.")
    : el("ul", { class: "changes" }, ...data.structure.map(([sign, text]) => el("li", null, el("b", null, sign), " ", text)));
  return el(
    "section",
    { id: "diff", "aria-label": "Diff" },
    el("p", { class: "kicker" }, data.paired ? "Diff · paired by request" : "Diff"),
    el("h1", null, data.target.name),
    factList(data.sides, "facts wide"),
    ...data.caveats.map((caveat) => el("p", { class: "caveat" }, el("strong", { class: "badge", data: { tone: "fair" } }, "DIFFERS"), " ", caveat)),
    el("h3", null, "Structure"),
    structure,
  );
}

function table({ id, title, columns, rows }) {
  const made = columns.map((label, at) => ({
    label,
    text: at === 0,
    value: (row) => row[at][0],
    show: (row) => row[at][1],
    mark: (row) => row[at][2],
  }));
  return section(id, title, null, new SortedTable(title, made, rows).root);
}

function timelines(data) {
  const shown = data.timelines.filter(Boolean);
  if (shown.length === 0) return null;
  const whole = Math.max(...shown.map((timeline) => timeline.duration));
  const views = shown.map((timeline) => new View(timeline, whole));
  const named = data.timelines.flatMap((timeline, at) => (timeline ? [[data.sides[at][0], timeline]] : []));
  onChoice(() => views.forEach((view) => view.filter()));
  const blocks = named.flatMap(([name, timeline], at) => [
    el("div", { class: "subhead" }, el("h3", null, name), el("p", { class: "note" }, facts(timeline))),
    el("div", { class: "request" }, views[at].root),
  ]);
  return section("timeline", "Timelines", "the median request of each, on one scale", ...blocks, legend());
}

function build() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [whole, ...tables] = data.tables.map(table);
  if (data.scatter) whole.append(el("p", { class: "note" }, data.scatter));
  const sections = [head(data), whole, graph(data), timelines(data), flame(data), ...tables].filter(Boolean);
  document.getElementById("main").replaceChildren(...sections);
  topBar(document.getElementById("bar"), data.target.name, sections.slice(1));
  document.getElementById("foot").append(el("p", null, `lgprof ${data.target.lgprof} · everything is in this file`));
  document.documentElement.dataset.ready = "true";
}

build();
