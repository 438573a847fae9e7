// The tables of nodes, models, tools, cost and workers.

import { el, factList, nothing, section } from "./dom.js";
import { count, duration, percent, plural, significant, size, usd, wholePercent } from "./format.js";
import { chooseNode, chosenNode, isChosen, nodeButton, onChoice } from "./selection.js";
import { bar, SortedTable } from "./table.js";

const number = (label, key, more = {}) => ({ label, value: (row) => row[key], show: (row) => count(row[key]), ...more });
const time = (label, key, more = {}) => ({ label, value: (row) => row[key], show: (row) => (row[key] === null ? "-" : duration(row[key])), ...more });
const node = (key) => ({ label: "node", text: true, value: (row) => row[key], show: (row) => nodeButton(el, row[key]) });
const errors = { label: "errors", value: (row) => row.errors, show: (row) => (row.errors > 0 ? `!${count(row.errors)}` : "0"), mark: (row) => row.errors > 0 };
const any = (rows, key) => rows.some((row) => row[key] !== null && row[key] !== undefined && row[key] !== 0);
const some = (rows, columns) => columns.filter((column) => column && (column.needs === undefined || any(rows, column.needs)));

function words(keys) {
  if (keys === null) return "?";
  return Array.isArray(keys) ? keys.join(", ") || "nothing" : keys;
}

function nodeColumns(rows, isLoad) {
  const flow = (row) => `${words(row.reads)} → ${words(row.writes)}`;
  return some(rows, [
    node("path"),
    { label: "critical path", value: (row) => row.share, show: (row) => (row.share === null ? "-" : bar(wholePercent(row.share), row.share)), title: "share of the latency that lies on the critical path in it" },
    number("calls", "calls"),
    rows.some((row) => row.visits[1] > 1) && { label: "visits", value: (row) => row.visits[0], show: (row) => (row.visits[0] === row.visits[1] ? count(row.visits[1]) : `${significant(row.visits[0], 2)} (max ${row.visits[1]})`) },
    rows.some((row) => row.attempts > row.calls) && number("attempts", "attempts"),
    errors,
    number("timeouts", "timeouts", { needs: "timeouts" }),
    number("cached", "cached", { needs: "cached" }),
    isLoad && time("unloaded", "unloaded", { needs: "unloaded" }),
    time("p50", "p50"),
    isLoad && { label: "factor", needs: "factor", value: (row) => row.factor, show: (row) => (row.factor === null ? "?" : `${significant(row.factor)}×`), mark: (row) => row.factor >= 1.5 },
    time("p95", "p95"),
    isLoad && time("p99", "p99"),
    time("max", "max"),
    time("CPU", "cpu", { needs: "cpu", title: "per request" }),
    time("blocking", "blocking", { needs: "blocking", title: "on the event loop without computing, per request" }),
    time("longest hold", "hold", { needs: "hold", title: "of the event loop, in one stretch: nothing else ran for so long" }),
    time("barrier", "barrier", { needs: "barrier", title: "done, and waiting for its superstep, per request" }),
    time("queue", "queue", { needs: "queue", title: "ready, and waiting for a thread or a place, per request" }),
    time("backoff", "backoff", { needs: "backoff", title: "between attempts, per request" }),
    { label: "cost", needs: "cost", value: (row) => row.cost, show: (row) => (row.cost === null ? "-" : usd(row.cost)) },
    isLoad && { label: "why", text: true, needs: "why", value: (row) => row.why, show: (row) => row.why, mark: (row) => row.why },
    rows.some((row) => row.reads !== null || row.writes !== null) && { label: "reads → writes", text: true, value: flow, show: (row) => el("span", { class: "flow" }, flow(row)) },
  ].map((column) => (column && column.needs === "why" && !rows.some((row) => row.why) ? null : column)));
}

/** The nodes. */
export function nodes(data) {
  const isLoad = data.target.kind === "load";
  if (data.nodes.length === 0) return section("nodes", "Nodes", null, nothing("No node ran."));
  const table = new SortedTable("Nodes", nodeColumns(data.nodes, isLoad), data.nodes, (row) => ({ data: { path: row.path }, ondblclick: () => chooseNode(row.path) }));
  onChoice((path) => {
    for (const { row, line } of table.entries) {
      line.classList.toggle("dim", !isChosen(row.path));
      line.classList.toggle("chosen", row.path === path);
    }
  });
  const note = isLoad ? "all calls: latency unloaded and under load; waits per sampled request" : "latency per call; CPU and waits per request";
  return section("nodes", "Nodes", note, table.root);
}

function filtered(table, of) {
  const note = el("p", { class: "note", role: "status" });
  onChoice(() => {
    const shown = table.filter((row) => isChosen(of(row)));
    note.textContent = chosenNode() === null ? "" : shown === 0 ? `None in ${chosenNode()}.` : `Those in ${chosenNode()}.`;
  });
  return note;
}

/** The model calls. */
export function models(data) {
  const rows = data.models;
  if (rows.length === 0) return section("models", "Models", null, nothing("No model was called."));
  const columns = some(rows, [
    { label: "model", text: true, value: (row) => row.model, show: (row) => row.model },
    node("node"),
    number("calls", "calls"),
    errors,
    number("tokens in", "input"),
    number("cached", "cacheRead", { needs: "cacheRead" }),
    number("out", "output"),
    time("p50", "p50"),
    time("p95", "p95"),
    time("first token", "firstToken", { needs: "firstToken" }),
    { label: "tokens/s", needs: "speed", value: (row) => row.speed, show: (row) => (row.speed === null ? "?" : significant(row.speed)) },
  ]);
  const table = new SortedTable("Models", columns, rows);
  return section("models", "Models", "latency per call, tokens in all", table.root, filtered(table, (row) => row.node));
}

/** The tool and retriever calls. */
export function tools(data) {
  if (data.tools.length === 0) return section("tools", "Tools", null, nothing("No tool or retriever was called."));
  const columns = [
    { label: "tool", text: true, value: (row) => row.tool, show: (row) => (row.kind === "retriever" ? `${row.tool} (retriever)` : row.tool) },
    node("node"),
    number("calls", "calls"),
    errors,
    time("p50", "p50"),
    time("p95", "p95"),
    time("max", "max"),
  ];
  const table = new SortedTable("Tools", columns, data.tools);
  return section("tools", "Tools", "latency per call", table.root, filtered(table, (row) => row.node));
}

/** The bill; null where no model was called. */
export function cost(data) {
  if (!data.cost) return null;
  const rows = data.models;
  const columns = some(rows, [
    node("node"),
    { label: "model", text: true, value: (row) => row.model, show: (row) => row.model },
    number("calls", "calls"),
    number("input", "input"),
    number("of it cached", "cacheRead", { needs: "cacheRead" }),
    number("output", "output"),
    number("of it reasoning", "reasoning", { needs: "reasoning" }),
    { label: "cost", value: (row) => row.cost, show: (row) => (row.cost === null ? "?" : usd(row.cost)) },
    { label: "share", needs: "share", value: (row) => row.share, show: (row) => (row.share === null ? "?" : bar(wholePercent(row.share), row.share, "model")) },
  ]);
  const table = new SortedTable("Cost", columns, rows);
  const costly = columns.find((column) => column.label === "cost");
  if (any(rows, "cost")) table.sort(costly);
  return section("cost", "Cost", data.cost.prices, table.root, filtered(table, (row) => row.node), factList(data.cost.facts));
}

/** The worker processes; null in a run. */
export function workers(data) {
  if (data.workers.length === 0) return null;
  const columns = [
    { label: "worker", value: (row) => row.worker, show: (row) => String(row.worker) },
    { label: "host", text: true, value: (row) => row.host, show: (row) => row.host },
    number("started", "started"),
    { label: "share", value: (row) => row.share, show: (row) => (row.share === null ? "-" : percent(row.share)) },
    { label: "CPU of one core", value: (row) => row.cpu, show: (row) => (row.cpu === null ? "?" : bar(wholePercent(row.cpu), row.cpu)) },
    { label: "peak memory", value: (row) => row.memory, show: (row) => size(row.memory) },
    { label: "", text: true, value: (row) => row.lost, show: (row) => (row.lost ? "!lost" : ""), mark: (row) => row.lost },
  ];
  const lost = data.workers.filter((worker) => worker.lost).length;
  const note = lost > 0 ? `${count(lost)} of ${plural(data.workers.length, "worker")} lost` : null;
  return section("workers", "Workers", note, new SortedTable("Workers", columns, data.workers).root);
}
