// Latency: the percentiles as a table and as a curve, for the graph and for the chosen node.

import { axis, Chart, faint } from "./charts.js";
import { choice, el, factList, nothing, section } from "./dom.js";
import { duration, plural, significant } from "./format.js";
import { chosenNode, isChosen, onChoice } from "./selection.js";

const NAMES = { p50: "p50", p90: "p90", p95: "p95", p99: "p99", p99_9: "p99.9", max: "max", mean: "mean" };
const STEPPED_BELOW = 100;
const MARKS = [[0, "min"], [Math.log10(2), "p50"], [1, "p90"], [-Math.log10(0.05), "p95"], [2, "p99"], [3, "p99.9"], [4, "p99.99"]];

function table({ rows, weak, weakNote }) {
  if (rows.length === 0) return nothing("No request succeeded, so there is no latency.");
  const names = Object.keys(NAMES).filter((name) => rows.some((row) => name in row));
  const isWeak = (name) => weak.includes(name);
  return el(
    "div",
    null,
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Latency percentiles" },
      el(
        "table",
        { class: "latency", data: { rows: rows.length } },
        el("thead", null, el("tr", null, rows.length > 1 && el("td"), ...names.map((name) => el("th", { scope: "col" }, NAMES[name], isWeak(name) && "†")))),
        el(
          "tbody",
          null,
          ...rows.map((row) =>
            el(
              "tr",
              null,
              rows.length > 1 && el("th", { scope: "row", class: "text" }, row.label),
              ...names.map((name) => el("td", { class: isWeak(name) ? "quiet" : null }, row[name] === null || row[name] === undefined ? "-" : duration(row[name]))),
            ),
          ),
        ),
      ),
    ),
    weak.some((name) => names.includes(name)) && el("p", { class: "note" }, `† ${weakNote}`),
  );
}

function percentileName(x) {
  const known = MARKS.find(([at]) => Math.abs(at - x) < 0.004);
  return known ? known[1] : `p${significant(100 * (1 - 10 ** -x), x > 2 ? 5 : 3).replace(/\.?0+$/, "")}`;
}

function legendOf(curve) {
  return curve.path ?? "whole graph";
}

function curveChart(curves, log) {
  const shown = () => {
    const whole = curves.filter((curve) => curve.path === null);
    const chosen = curves.filter((curve) => curve.path !== null && chosenNode() !== null && isChosen(curve.path));
    return [...whole, ...chosen].slice(0, 3);
  };
  const joined = () => uPlot.join(shown().map((curve) => [curve.x, curve.y]));
  const options = (found) => {
    const furthest = Math.max(...shown().map((curve) => curve.x[curve.x.length - 1]), 1);
    return {
      cursor: { points: { size: 8 }, y: false },
      scales: { x: { time: false, range: [0, furthest] }, y: { distr: log() ? 3 : 1, range: log() ? undefined : (_, __, top) => [0, top * 1.08] } },
      axes: [
        axis(found, { splits: () => MARKS.filter(([at]) => at <= furthest + 1e-9).map(([at]) => at), values: (plot, splits) => labels(plot, splits), size: 34 }),
        axis(found, { values: (_, splits) => splits.map((split) => (split === null ? "" : short(split))), size: 66 }),
      ],
      series: [
        { label: "percentile", value: (_, x) => (x === null ? "-" : percentileName(x)) },
        ...shown().map((curve, at) => ({
          label: legendOf(curve),
          stroke: found.series[at],
          width: at === 0 ? 2.25 : 1.75,
          fill: at === 0 && !log() ? faint(found.series[at], 0.1) : undefined,
          spanGaps: true,
          paths: curve.sample < STEPPED_BELOW ? uPlot.paths.stepped({ align: 1 }) : undefined,
          points: { show: false },
          value: (_, value) => (value === null || value === undefined ? "-" : duration(value)),
        })),
      ],
    };
  };
  return new Chart("Latency by percentile, each decade of the tail as wide as the one before; the table above has the figures", 300, options, joined);
}

function labels(plot, splits) {
  const narrow = plot.width < 560;
  return splits.map((x) => {
    const name = percentileName(x);
    return narrow && (name === "p95" || name === "min") ? "" : name;
  });
}

function short(seconds) {
  return duration(seconds).replace(/(\.\d*?)0+ /, "$1 ").replace(/\. /, " ");
}

function requestChart(requests, openTimeline) {
  const columns = () => [
    requests.start,
    requests.latency.map((each, at) => (requests.failed[at] ? null : each)),
    requests.latency.map((each, at) => (requests.failed[at] ? each : null)),
  ];
  const nearest = (plot) => openTimeline(requests.index[plot.cursor.idx]);
  const options = (found) => {
    const dots = (label, stroke) => ({ label, stroke, paths: () => null, points: { show: true, size: 7, fill: stroke, stroke }, value: (_, value) => (value === null ? "-" : duration(value)) });
    return {
      cursor: { y: false },
      scales: { x: { time: false, range: (_, low, high) => [low - (high - low || 1) * 0.02, high + (high - low || 1) * 0.02] }, y: { range: (_, __, top) => [0, (top || 1) * 1.12] } },
      axes: [axis(found, { values: (_, splits) => splits.map(short) }), axis(found, { values: (_, splits) => splits.map(short), size: 66 })],
      series: [{ label: "started", value: (_, x) => (x === null ? "-" : duration(x)) }, dots("latency", found.node), dots("failed after", found.bad)],
      hooks: { ready: [(plot) => plot.over.addEventListener("click", () => plot.cursor.idx !== null && plot.cursor.idx !== undefined && nearest(plot))] },
    };
  };
  return new Chart("Latency of each request by its start", 220, options, columns);
}

function nodeNote(curves) {
  const note = el("p", { class: "note", role: "status" });
  onChoice((path) => {
    const found = curves.find((curve) => curve.path === path);
    if (path === null) note.textContent = "Choose a node in the graph to see its curve beside.";
    else note.textContent = found ? `${path}: of ${plural(found.sample, "call")}` : `${path} has no latency of its own.`;
  });
  return note;
}

/** The section. */
export function latency(data, openTimeline) {
  const { latency: found, curves } = data;
  const parts = [table(found)];
  if (curves.some((curve) => curve.path === null)) {
    let log = false;
    const chart = curveChart(curves, () => log);
    onChoice(() => chart.draw());
    const scale = choice("Latency axis", [["linear", "linear"], ["log", "log"]], "linear", (value) => {
      log = value === "log";
      chart.draw();
    });
    const title = el("div", { class: "subhead" }, el("h3", null, "By percentile"), nodeNote(curves), scale);
    parts.push(el("div", { class: "panel" }, title, chart.root));
  }
  if (data.requests && data.requests.index.length > 1) {
    const { each } = data.requests;
    const note = each > 1 ? `a dot for the slowest of ${each}` : "click a dot to open its timeline";
    const title = el("div", { class: "subhead" }, el("h3", null, "By request"), el("p", { class: "note" }, note));
    parts.push(el("div", { class: "panel" }, title, requestChart(data.requests, openTimeline).root));
  }
  return section("latency", "Latency", found.of, parts[0], factList(found.facts), ...parts.slice(1));
}

