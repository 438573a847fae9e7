// The flame graph, upside down: node, model or tool, Python frame. Click to zoom, type to search.

import { choice, el, nothing, section } from "./dom.js";
import { count, duration, percent, plural, usd } from "./format.js";
import { chosenNode, onChoice } from "./selection.js";
import { tips } from "./tip.js";

const NAMES = { time: "time", elapsed: "elapsed", cpu: "CPU", cost: "cost", tokens: "tokens" };
const AMOUNTS = { time: duration, cpu: duration, cost: usd, tokens: count };
const SIGNS = { "-1": "- ", 0: "", 1: "+ " };
const KEY = [["node", "node"], ["model", "model"], ["tool", "tool"], ["python", "your code"], ["library", "library"], ["await", "waiting"]];
const ROW = 22;
const LEAST = 0.0009;

class Frame {
  constructor(list, texts, parent) {
    const [kind, label, value, calls, failures, place, children, diff] = list;
    this.kind = texts[kind];
    this.label = texts[label];
    this.value = value;
    this.calls = calls;
    this.failures = failures;
    this.place = texts[place];
    if (diff) [this.was, this.change, this.tone] = diff; // of two Profiles
    this.parent = parent;
    this.depth = parent ? parent.depth + 1 : 0;
    this.path = this.kind === "node" ? [parent?.path, this.label].filter(Boolean).join("/") : (parent?.path ?? "");
    this.children = children.map((child) => new Frame(child, texts, this));
  }

  *walk() {
    yield this;
    for (const child of this.children) yield* child.walk();
  }
}

class Flame {
  constructor({ texts, graphs }) {
    this.texts = texts;
    this.graphs = graphs;
    this.roots = {};
    this.needle = "";
    this.root = el("div", { class: "flame", role: "tree", "aria-label": "Flame graph" });
    this.trail = el("nav", { class: "trail", "aria-label": "Zoom" });
    this.status = el("p", { class: "note", role: "status" });
    this.root.addEventListener("click", (event) => this.act(event.target.closest(".frame")));
    this.root.addEventListener("keydown", (event) => this.key(event));
    tips(this.root, ".frame", (node) => this.describe(this.shown[node.dataset.at]));
    this.by(Object.keys(graphs)[0]);
  }

  by(view) {
    this.view = view;
    this.roots[view] ??= new Frame(this.graphs[view].tree, this.texts, null);
    this.zoomed = this.roots[view];
    this.follow(chosenNode());
  }

  /** Zoom to the chosen node, where it is in this view. */
  follow(path) {
    this.zoomed = this.roots[this.view];
    if (path !== null) {
      for (const frame of this.roots[this.view].walk()) {
        if (frame.kind === "node" && frame.path === path) {
          this.zoomed = frame;
          break;
        }
      }
    }
    this.draw();
  }

  search(needle) {
    this.needle = needle.trim().toLowerCase();
    this.draw();
  }

  matches(frame) {
    return this.needle !== "" && (frame.label.toLowerCase().includes(this.needle) || frame.place.toLowerCase().includes(this.needle));
  }

  draw() {
    this.shown = [];
    const nodes = [];
    const above = [];
    for (let frame = this.zoomed.parent; frame; frame = frame.parent) above.unshift(frame);
    for (const frame of above) nodes.push(this.frame(frame, 0, 1, true));
    const waiting = [[this.zoomed, 0]];
    let deepest = this.zoomed.depth;
    while (waiting.length > 0) {
      const [frame, left] = waiting.pop();
      const width = frame.value / this.zoomed.value;
      nodes.push(this.frame(frame, left, width, false));
      deepest = Math.max(deepest, frame.depth);
      let at = left;
      const inside = [];
      for (const child of frame.children) {
        const share = child.value / this.zoomed.value;
        if (share >= LEAST) inside.push([child, at]);
        at += share;
      }
      waiting.push(...inside.reverse());
    }
    this.root.style.height = `${(deepest + 1) * ROW}px`;
    this.root.replaceChildren(...nodes);
    this.tell(above);
  }

  frame(frame, left, width, isAbove) {
    const at = this.shown.push(frame) - 1;
    const zoomed = frame === this.zoomed;
    const text = `${frame.label}${frame.calls > 1 && frame.kind !== "all" ? ` ×${count(frame.calls)}` : ""}`;
    const number = this.amount(frame.value);
    const share = frame.change ?? percent(frame.value / this.roots[this.view].value);
    return el(
      "div",
      {
        class: `frame${isAbove ? " above" : ""}${this.needle && !this.matches(frame) ? " faint" : ""}${this.matches(frame) ? " match" : ""}`,
        role: "treeitem",
        tabindex: zoomed ? "0" : "-1",
        "aria-level": String(frame.depth + 1),
        "aria-label": `${frame.label}, ${number}, ${share}`,
        data: { at, kind: frame.kind, ...(frame.change && { tone: frame.tone }), odd: String(frame.parent ? frame.parent.children.indexOf(frame) % 2 : 0) },
        css: { left: `${left * 100}%`, width: `${width * 100}%`, top: `${frame.depth * ROW}px` },
      },
      width > 0.012 && el("span", null, SIGNS[Math.sign(frame.tone ?? 0)], text, frame.failures > 0 && el("b", null, ` !${count(frame.failures)}`), width > 0.1 && el("small", null, ` ${number} · ${share}`)),
    );
  }

  amount(value) {
    return AMOUNTS[this.graphs[this.view].by](value);
  }

  describe(frame) {
    const total = this.roots[this.view].value;
    const own = frame.value - frame.children.reduce((sum, child) => sum + child.value, 0);
    return [
      frame.label,
      `${this.amount(frame.value)}, ${percent(frame.value / total)} of all`,
      frame.change ? `${frame.was ? `was ${this.amount(frame.was)}, ` : ""}${frame.change}` : "",
      own > frame.value * 0.001 && frame.children.length > 0 ? `${this.amount(own)} in itself` : "",
      frame.calls > 0 ? plural(frame.calls, frame.kind === "all" ? "request" : "call") : "",
      frame.failures > 0 ? `${count(frame.failures)} failed` : "",
      frame.place,
    ].filter(Boolean);
  }

  tell(above) {
    const step = (frame) => el("button", { type: "button", onclick: () => this.zoom(frame) }, frame.label);
    const trail = [...above, this.zoomed];
    this.trail.replaceChildren(...trail.slice(0, -1).flatMap((frame) => [step(frame), " › "]), el("b", null, this.zoomed.label));
    this.trail.hidden = above.length === 0;
    if (!this.needle) {
      this.status.textContent = this.graphs[this.view].note;
      return;
    }
    let [number, value] = [0, 0];
    const add = (frame, inMatch) => {
      const match = this.matches(frame);
      number += match ? 1 : 0;
      value += match && !inMatch ? frame.value : 0;
      for (const child of frame.children) add(child, inMatch || match);
    };
    add(this.zoomed, false);
    this.status.textContent = `${plural(number, "match", "matches")}, ${percent(value / this.zoomed.value)} of what is shown`;
  }

  zoom(frame) {
    this.zoomed = frame;
    this.draw();
  }

  act(node) {
    if (!node) return;
    const frame = this.shown[node.dataset.at];
    if (frame.kind === "rest") return;
    this.zoom(frame);
    this.focus(frame);
  }

  focus(frame) {
    const at = this.shown.indexOf(frame);
    const node = this.root.querySelector(`[data-at="${at}"]`);
    if (!node) return;
    this.root.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    node.setAttribute("tabindex", "0");
    node.focus();
  }

  key(event) {
    const node = event.target.closest(".frame");
    if (!node) return;
    const frame = this.shown[node.dataset.at];
    const around = frame.parent?.children ?? [frame];
    const place = around.indexOf(frame);
    const next = { ArrowUp: frame.parent, ArrowDown: frame.children[0], ArrowLeft: around[place - 1], ArrowRight: around[place + 1] }[event.key];
    if (next) this.focus(next);
    else if (event.key === "Enter" || event.key === " ") this.act(node);
    else if (event.key === "Escape") {
      this.zoom(this.roots[this.view]);
      this.focus(this.roots[this.view]);
    } else return;
    event.preventDefault();
  }
}

/** The section. */
export function flame(data) {
  const views = Object.keys(data.flames.graphs);
  if (views.length === 0) return section("flame", "Flame graph", null, nothing("No flame graph: no node was recorded."));
  const chart = new Flame(data.flames);
  const by = choice("Width of frames", views.map((view) => [view, NAMES[view]]), views[0], (view) => chart.by(view));
  const search = el("input", { type: "search", placeholder: "Search frames", "aria-label": "Search the flame graph", oninput: (event) => chart.search(event.target.value) });
  onChoice((path) => chart.follow(path));
  const entries = KEY.map(([kind, text]) => [{ kind }, text]);
  const differs = data.flames.graphs[views[0]].key; // of two Profiles
  const shown = differs ? differs.map((text, at) => [{ kind: "", tone: [3, -3, 0][at] }, text]) : entries;
  const key = el("p", { class: "note legend" }, ...shown.map(([sample, text]) => el("span", null, el("i", { class: "frame-key", "aria-hidden": "true", data: sample }), text)));
  return section("flame", "Flame graph", null, el("div", { class: "subhead" }, by, search, chart.status), chart.trail, el("div", { class: "scroll", role: "region", "aria-label": "Flame graph" }, chart.root), key);
}
