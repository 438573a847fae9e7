// The graph as it ran: nodes by superstep from the top, transitions with how often they were taken.

import { choice, el, factList, nothing, section, svg } from "./dom.js";
import { count, duration, percent, plural, usd, wholePercent } from "./format.js";
import { chooseNode, isChosen, onChoice } from "./selection.js";
import { tips } from "./tip.js";

const PAD = 12;
const TEXT_ROOM = 8.2;

function fitted(text, width) {
  const room = Math.floor(width / TEXT_ROOM);
  return text.length <= room ? text : `${text.slice(0, Math.ceil(room / 2) - 1)}…${text.slice(text.length - Math.floor(room / 2))}`;
}

function edge(each, most) {
  const taken = each.count > 0;
  const width = taken ? 1.2 + 2.3 * (Math.log1p(each.count) / Math.log1p(most)) : 1.2;
  const state = [each.presence, !taken && "untaken", each.conditional && "conditional", each.inferred && "inferred"].filter(Boolean).join(" ");
  const text = count(each.count);
  const label = taken && svg("g", { class: "count" }, svg("rect", { x: each.x - text.length * 3.8 - 5, y: each.y - 9, width: text.length * 7.6 + 10, height: 18, rx: 9 }), svg("text", { x: each.x, y: each.y + 4 }, text));
  return svg(
    "g",
    { class: `edge ${state}`, data: { from: each.from, to: each.to } },
    svg("path", { d: each.d, "stroke-width": width, "marker-end": taken ? "url(#arrow)" : "url(#arrow-quiet)" }),
    label,
  );
}

function pill(node) {
  const middle = node.y + node.h / 2;
  return svg("g", { class: "pill" }, svg("rect", { x: node.x, y: node.y, width: node.w, height: node.h, rx: node.h / 2 }), svg("text", { x: node.x + node.w / 2, y: middle + 4 }, node.end));
}

function box(node, heat) {
  const { diff } = node; // of two Profiles
  const facts = diff?.text ?? [plural(node.calls, "call"), node.errors > 0 && `!${count(node.errors)}`].filter(Boolean).join(" · ");
  const share = node.calls > 0 ? wholePercent(node[heat] ?? 0) : "never ran";
  const label = diff?.sign ? `${diff.sign} ${node.label}` : node.label;
  const top = node.inner ? node.y + 21 : node.y + node.h / 2 - 4;
  const group = svg(
    "g",
    {
      class: `node${node.calls === 0 && !diff ? " unused" : ""}${node.inner ? " outer" : ""}${diff ? ` ${diff.presence}` : ""}`,
      role: "button",
      tabindex: "0",
      "aria-pressed": "false",
      "aria-label": diff ? `${node.path}: ${facts}` : `${node.path}: ${facts}, ${share} of the ${heat}`,
      data: { path: node.path, ...(diff && { tone: diff.tone }) },
      css: { "--heat-share": `${Math.round(heatOf(node[heat]) * 100)}%` },
    },
    svg("rect", { class: "body", x: node.x, y: node.y, width: node.w, height: node.h, rx: 9 }),
    svg("text", { class: "name", x: node.x + 12, y: top }, fitted(label, node.w - 24)),
    svg("text", { class: "calls", x: node.x + 12, y: top + 17 }, facts),
    svg("text", { class: "share", x: node.x + node.w - 12, y: top + 17 }, node.calls > 0 && !diff ? share : ""),
  );
  return group;
}

/** A small share is to be seen, too. */
function heatOf(share) {
  return share > 0 ? 0.06 + 0.84 * Math.sqrt(Math.min(share, 1)) : 0;
}

function layer(graph, heat) {
  const most = Math.max(...graph.edges.map((each) => each.count), 1);
  const nodes = graph.nodes.flatMap((node) => {
    if (node.end) return [pill(node)];
    const shown = [box(node, heat)];
    if (node.inner) {
      const { dx, dy } = node.inner;
      shown.push(svg("g", { transform: `translate(${node.x + dx} ${node.y + dy})` }, layer(node.inner, heat)));
    }
    return shown;
  });
  return svg("g", null, ...nodes.filter((node) => node.classList.contains("outer")), ...graph.edges.map((each) => edge(each, most)), ...nodes.filter((node) => !node.classList.contains("outer")));
}

function marker(id) {
  return svg("marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, svg("path", { d: "M0 .6 7.4 4 0 7.4z" }));
}

function picture(graph, heat) {
  const [width, height] = [graph.width + 2 * PAD, graph.height + 2 * PAD];
  const root = svg(
    "svg",
    { class: "graph", viewBox: `${-PAD} ${-PAD} ${width} ${height}`, width, height, role: "group", "aria-label": "The graph; each node is a button that filters the report" },
    svg("defs", null, marker("arrow"), marker("arrow-quiet")),
    layer(graph, heat),
  );
  const act = (event) => {
    const node = event.target.closest(".node");
    if (node) chooseNode(node.dataset.path);
  };
  root.addEventListener("click", act);
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act(event);
  });
  return root;
}

function everyNode(graph) {
  return graph.nodes.filter((node) => !node.end).flatMap((node) => [node, ...(node.inner ? everyNode(node.inner) : [])]);
}

function lines(node, row) {
  const steps = node.steps.length > 8 ? `${node.steps.slice(0, 8).join(", ")}, …` : node.steps.join(", ");
  return [
    node.path,
    plural(node.calls, "call") + (node.steps.length ? `, superstep ${steps}` : ""),
    node.diff ? node.diff.told : row && row.p50 !== null ? `p50 ${duration(row.p50)}, p95 ${duration(row.p95)}` : "no latency",
    node.time !== undefined ? `${percent(node.time)} of the latency on the critical path` : "",
    node.cost ? `${percent(node.cost)} of the cost` : "",
  ].filter(Boolean);
}

function facts(node, row) {
  const found = [["calls", count(node.calls)]];
  if (node.steps.length > 0) found.push(["supersteps", node.steps.length > 10 ? `${node.steps.length}, the first is ${node.steps[0]}` : node.steps.join(", ")]);
  if (node.diff) found.push(["time per request", node.diff.text], ["before → now", node.diff.told]);
  if (row) {
    found.push(["critical path", row.share === null ? "?" : percent(row.share)], ["p50", duration(row.p50)], ["p95", duration(row.p95)]);
    if (row.cpu !== null) found.push(["CPU", `${duration(row.cpu)} per request`]);
    if (row.cost !== null) found.push(["cost", `${usd(row.cost)} in all`]);
    if (row.errors > 0) found.push(["errors", count(row.errors)]);
    if (node.retries > 0) found.push(["retries", count(node.retries)]);
    if (row.reads !== null) found.push(["reads", words(row.reads)]);
    if (row.writes !== null) found.push(["writes", words(row.writes)]);
  }
  return found;
}

function words(keys) {
  return Array.isArray(keys) ? keys.join(", ") || "nothing" : keys;
}

function mostChanged(nodes) {
  const ranked = nodes.filter((node) => node.diff?.tone).sort((a, b) => Math.abs(b.diff.tone) - Math.abs(a.diff.tone));
  if (ranked.length === 0) return el("p", { class: "note" }, "No node by half a per cent of the latency.");
  return factList(ranked.slice(0, 8).map((node) => [node.path, node.diff.text]), "facts one");
}

function hottest(nodes, heat) {
  const ranked = nodes.filter((node) => node[heat] > 0).sort((a, b) => b[heat] - a[heat]);
  return ranked.slice(0, 8).map((node) => [node.path, percent(node[heat])]);
}

/** The section. */
export function graph(data) {
  if (!data.graph) return section("graph", "Graph", null, nothing("No picture: the graph has no known nodes, or more than can be drawn."));
  const nodes = everyNode(data.graph);
  const rows = new Map(data.nodes.map((row) => [row.path, row]));
  const byPath = new Map(nodes.map((node) => [node.path, node]));
  const isDiff = nodes.some((node) => node.diff);
  const priced = !isDiff && nodes.some((node) => node.cost > 0);
  let heat = "time";
  const frame = el("div", { class: "scroll picture" });
  const side = el("aside", { class: "side", "aria-live": "polite", "aria-label": "The chosen node" });
  const describe = (path) => {
    const node = byPath.get(path);
    if (node) side.replaceChildren(el("h3", null, node.path), factList(facts(node, rows.get(path)), "facts one"), el("button", { type: "button", class: "plain", onclick: () => chooseNode(null) }, "Show all nodes"));
    else if (isDiff) side.replaceChildren(el("h3", null, "Changed most"), mostChanged(nodes), el("p", { class: "note" }, "Click a node to follow it through the page."));
    else side.replaceChildren(el("h3", null, heat === "time" ? "On the critical path" : "Of the cost"), factList(hottest(nodes, heat), "facts one"), el("p", { class: "note" }, "Click a node to filter the whole report by it."));
  };
  const mark = (path) => {
    for (const node of frame.querySelectorAll(".node")) {
      node.setAttribute("aria-pressed", String(node.dataset.path === path));
      node.classList.toggle("dim", !isChosen(node.dataset.path) && !(path ?? "").startsWith(`${node.dataset.path}/`));
    }
    for (const each of frame.querySelectorAll(".edge")) {
      each.classList.toggle("dim", path !== null && !isChosen(each.dataset.from) && !isChosen(each.dataset.to));
    }
    describe(path);
  };
  let current = null;
  const draw = () => {
    frame.replaceChildren(picture(data.graph, heat));
    mark(current);
  };
  draw();
  onChoice((path) => {
    current = path;
    mark(path);
  });
  tips(frame, ".node", (node) => lines(byPath.get(node.dataset.path), rows.get(node.dataset.path)));
  const by = priced
    ? choice("Heat", [["time", "by time"], ["cost", "by cost"]], heat, (value) => {
        heat = value;
        draw();
      })
    : null;
  const ramp = el("p", { class: "note key" }, el("span", { class: "ramp", "aria-hidden": "true" }), `share of the ${priced ? "time or cost" : "critical path"} · numbers on edges: how often they were taken · dashed: conditional`);
  const marks = el("p", { class: "note key" }, "time per request: red more, blue less · +, heavy: new · -, dotted: gone · numbers on edges: how often they were taken now");
  const key = isDiff ? marks : ramp;
  const whose = data.target.kind === "load" ? "transitions of the requests that were kept" : "nodes by superstep, from the top";
  return section("graph", "Graph", whose, el("div", { class: "subhead" }, key, by), el("div", { class: "beside" }, frame, side));
}
