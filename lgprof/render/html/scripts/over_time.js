// A load test: what became of the arrivals, and each second of it.

import { axis, Chart, faint } from "./charts.js";
import { el, factList, section } from "./dom.js";
import { count, duration, percent, rate, size, wholePercent } from "./format.js";
import { chosenNode, onChoice } from "./selection.js";
import { bar } from "./table.js";

const BAD = new Set(["failed", "timed out", "dropped", "unsent"]);
const INSIDE = new Set(["completed", "failed", "timed out", "cancelled"]);

/** Every arrival in one row. */
export function arrivals(data) {
  if (!data.arrivals) return null;
  const { rows, facts } = data.arrivals;
  const offered = rows[0].count;
  const line = ({ name, count: number, rate: pace, of }) =>
    el(
      "tr",
      { class: INSIDE.has(name) ? "inside" : null },
      el("th", { scope: "row", class: "text" }, name),
      el("td", { class: number === 0 ? "quiet" : BAD.has(name) ? "bad" : null }, BAD.has(name) && number > 0 ? `!${count(number)}` : count(number)),
      el("td", { class: number === 0 ? "quiet" : null }, bar(percent(offered ? number / offered : 0), offered ? number / offered : 0, BAD.has(name) ? "failed" : "node")),
      el("td", null, pace),
      el("td", { class: "text quiet" }, of),
    );
  const heads = ["", "requests", "of offered", "rate", ""].map((label) => el("th", { scope: "col" }, label));
  const table = el("table", { class: "arrivals" }, el("caption", { class: "hidden" }, "Arrivals"), el("thead", null, el("tr", null, ...heads)), el("tbody", null, ...rows.map(line)));
  return section("arrivals", "Arrivals", "offered = started + dropped + unsent", el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Arrivals" }, table), factList(facts));
}

const SYNC = "over-time";

function lines(label, height, columns, series, values) {
  const options = (found) => ({
    cursor: { sync: { key: SYNC }, y: false },
    scales: { x: { time: false }, y: { range: (_, __, top) => [0, (top || 1) * 1.1] } },
    axes: [axis(found, { values: (_, splits) => splits.map((at) => `${at} s`) }), axis(found, { values: (_, splits) => splits.map(values), size: 66 })],
    series: [
      { label: "at", value: (_, x) => (x === null ? "-" : duration(x)) },
      ...series.map(({ name, tone, dash, filled }) => {
        const stroke = Array.isArray(found[tone]) ? found[tone][0] : tone in found ? found[tone] : found.series[tone];
        return {
          label: name,
          stroke,
          width: 1.75,
          dash,
          fill: filled ? faint(stroke, 0.12) : undefined,
          points: { show: columns()[0].length < 4 },
          value: (_, value) => (value === null || value === undefined ? "-" : values(value)),
        };
      }),
    ],
  });
  return new Chart(label, height, options, columns);
}

function figure(title, chart, note) {
  return el("div", { class: "panel" }, el("div", { class: "subhead" }, el("h3", null, title), note), chart.root);
}

/** The charts over the test's time; null for a run. */
export function overTime(data) {
  if (!data.overTime) return null;
  const { columns, nodes, intervalS } = data.overTime;
  const of = (...names) => () => [columns.t, ...names.map((name) => columns[name])];
  const whose = el("p", { class: "note", role: "status" });
  const latencyColumns = () => {
    const found = nodes[chosenNode()] ?? columns;
    return [columns.t, found.p50, found.p95, found.p99];
  };
  const latency = lines("Latency over time", 260, latencyColumns, [{ name: "p50", tone: 0, filled: true }, { name: "p95", tone: 1 }, { name: "p99", tone: 2 }], duration);
  onChoice((path) => {
    whose.textContent = path === null ? "whole graph, from the intended start" : path in nodes ? `calls of ${path}` : `whole graph: ${path} has no intervals of its own`;
    latency.draw();
  });
  const charts = [
    figure("Latency", latency, whose),
    figure("Rate", lines("Rates over time", 190, of("offered", "answered", "errors"), [{ name: "offered", tone: "quiet", dash: [5, 4] }, { name: "answered", tone: 0 }, { name: "errors", tone: "bad" }], rate)),
    figure("Requests in the graph", lines("Requests over time", 190, of("inFlight", "queued"), [{ name: "in flight", tone: 0, filled: true }, { name: "queued", tone: 2 }], count)),
    figure("CPU of all workers", lines("CPU over time", 190, of("cpu"), [{ name: "CPU", tone: 0, filled: true }], wholePercent)),
  ];
  if (columns.loopLag.some((each) => each !== null)) {
    charts.push(figure("Event-loop lag, worst", lines("Event-loop lag over time", 190, of("loopLag"), [{ name: "lag", tone: "bad" }], duration)));
  }
  if (columns.memory.some((each) => each !== null)) {
    charts.push(figure("Memory of all workers", lines("Memory over time", 190, of("memory"), [{ name: "memory", tone: 0, filled: true }], size)));
  }
  const [first, ...rest] = charts;
  return section("over-time", "Over time", `all requests, by their end; a point is ${duration(intervalS)}`, first, el("div", { class: "pair" }, ...rest));
}
