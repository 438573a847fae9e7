// Timelines of chosen requests: who ran when, what was waited for, what was critical.

import { choice, el, nothing, section } from "./dom.js";
import { count, duration, plural, usd } from "./format.js";
import { isChosen, onChoice } from "./selection.js";
import { tips } from "./tip.js";

const PREFIX = { model: "llm ", tool: "tool ", retriever: "retriever ", checkpoint: "checkpoint ", store: "store ", cache: "cache ", router: "router " };
const [ID, DEPTH, KIND, NAME, PATH, START, END, CRITICAL, MORE] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const AT_ONCE = 400;
const ON_PAPER = 80;

function ticks(from, to, most) {
  const span = to - from;
  const raw = span / most;
  const scale = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((each) => each * scale).find((each) => each >= raw);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step * 1e-6; at += step) found.push(at);
  return found;
}

function tickText(seconds) {
  return duration(Math.abs(seconds) < 1e-12 ? 0 : seconds).replace(/(\.\d*?)0+ /, "$1 ").replace(". ", " ");
}

function describe(call) {
  const more = call[MORE];
  const [input, output, cached] = more.tokens ?? [];
  const failed = (more.attempts ?? []).filter(([, , bad]) => bad).length;
  return [
    `${PREFIX[call[KIND]] ?? ""}${call[NAME]}`,
    `${duration(call[END] - call[START])}, from ${duration(call[START])} to ${duration(call[END])}`,
    call[CRITICAL] ? "on the critical path" : "",
    call[KIND] !== "node" ? `in ${call[PATH]}` : "",
    more.step !== undefined ? `superstep ${more.step}` : "",
    more.attempts ? `${plural(more.attempts.length, "attempt")}, ${failed} failed` : "",
    more.error ? `error ${more.error}` : more.outcome ? more.outcome.replace("_", " ") : "",
    more.first ? `first token after ${duration(more.first)}` : "",
    input !== undefined && input !== null ? `${count(input)} tokens in${cached ? ` (${count(cached)} cached)` : ""}, ${count(output)} out` : "",
    more.cost !== undefined ? usd(more.cost) : "",
    more.cached ? "answered by the LLM cache" : "",
    more.cpu ? `CPU ${duration(more.cpu)}` : "",
    more.barrier ? `waited ${duration(more.barrier - call[END])} for its superstep` : "",
    more.queues ? `queued ${duration(more.queues.reduce((sum, [from, to]) => sum + to - from, 0))}` : "",
  ].filter(Boolean);
}

/** One request; `whole` is the time that its width stands for before it is zoomed. */
export class View {
  constructor(timeline, whole = timeline.duration) {
    this.timeline = timeline;
    this.end = Math.max(whole, 1e-6);
    this.from = 0;
    this.to = this.end;
    this.all = timeline.calls.length <= AT_ONCE;
    this.root = el("div", { class: "timeline" });
    this.draw();
  }

  /** A stretch of time as a piece of a track; null where it lies outside what is shown. */
  piece(from, to, className, kind) {
    const span = this.to - this.from;
    const left = Math.max((from - this.from) / span, 0);
    const right = Math.min((to - this.from) / span, 1);
    if (right <= 0 && to < this.from) return null;
    if (left >= 1 && from > this.to) return null;
    return el("i", { class: className, data: kind ? { kind } : {}, css: { left: `${Math.min(left, 0.9995) * 100}%`, width: `${Math.max(right - left, 0) * 100}%` } });
  }

  pieces(call) {
    const [start, end, kind, more] = [call[START], call[END], call[KIND], call[MORE]];
    const bad = more.outcome === "failed" || more.outcome === "timed_out";
    const found = [];
    if (more.barrier) found.push(this.piece(end, more.barrier, "idle", kind));
    if (more.attempts) {
      found.push(this.piece(start, end, "waiting", kind));
      for (const [from, to, failed] of more.attempts) found.push(this.piece(from, to, failed ? "failed" : "body", kind));
    } else {
      found.push(this.piece(start, end, bad ? "failed" : "body", kind));
    }
    if (more.first && !bad) found.push(this.piece(start, Math.min(start + more.first, end), "first", kind));
    for (const [from, to] of more.queues ?? []) found.push(this.piece(from, to, "waiting", kind));
    return found;
  }

  row(call, at) {
    const more = call[MORE];
    const failures = more.attempts ? more.attempts.filter(([, , bad]) => bad).length : Number(more.outcome === "failed" || more.outcome === "timed_out");
    return el(
      "div",
      {
        class: `call${call[CRITICAL] ? " critical" : ""}`,
        role: "listitem",
        tabindex: at === 0 ? "0" : "-1",
        id: `span-${this.timeline.index}-${call[ID]}`,
        data: { at },
        css: { "--depth": String(call[DEPTH]) },
      },
      el("span", { class: "name" }, call[KIND] !== "node" && el("small", null, PREFIX[call[KIND]] ?? ""), call[NAME], failures > 0 && el("b", { class: "bad" }, ` !${failures > 1 ? failures : ""}`)),
      el("span", { class: "took" }, duration(call[END] - call[START])),
      el("span", { class: "track" }, ...this.pieces(call)),
    );
  }

  draw() {
    const { timeline } = this;
    const calls = this.all ? timeline.calls : timeline.calls.slice(0, AT_ONCE);
    const marks = document.documentElement.clientWidth < 620 ? 3 : 7;
    const lines = timeline.barriers.map((at) => this.piece(at, at, "barrier")).filter(Boolean);
    const scale = ticks(this.from, this.to, marks).map((at) => {
      const place = (at - this.from) / (this.to - this.from);
      return el("span", { class: "tick", css: { left: `${place * 100}%` } }, place < 1 - 0.75 / marks && tickText(at));
    });
    const list = el("div", { class: "calls", role: "list", "aria-label": `Calls of request ${timeline.index}` }, ...calls.map((call, at) => this.row(call, at)));
    const under = el("div", { class: "under", "aria-hidden": "true" }, ...lines);
    const whole = this.from > 0 || this.to < this.end;
    this.root.replaceChildren(
      el("div", { class: "ruler", "aria-hidden": "true" }, el("div", { class: "scale" }, ...scale)),
      el("div", { class: "rows" }, under, list),
      el(
        "div",
        { class: "after" },
        !this.all && el("button", { type: "button", class: "plain", onclick: () => this.showAll() }, `Show all ${count(timeline.calls.length)} calls`),
        whole && el("button", { type: "button", class: "plain", onclick: () => this.zoom(0, this.end) }, "Whole request"),
        calls.length > ON_PAPER && el("p", { class: "note paper" }, `On paper the first ${ON_PAPER} of ${count(timeline.calls.length)} calls`),
        timeline.leftOut && el("p", { class: "note" }, `${plural(timeline.leftOut.calls, "shorter call")} not shown, ${duration(timeline.leftOut.seconds)} in all`),
      ),
    );
    this.list = list;
    tips(list, ".call", (row) => describe(timeline.calls[row.dataset.at]));
    list.addEventListener("dblclick", (event) => this.zoomTo(event.target.closest(".call")));
    list.addEventListener("keydown", (event) => this.key(event));
    this.filter();
  }

  showAll() {
    this.all = true;
    this.draw();
  }

  zoom(from, to) {
    this.from = Math.max(from, 0);
    this.to = Math.min(Math.max(to, from + 1e-6), this.end);
    this.draw();
  }

  zoomTo(row) {
    if (!row) return;
    const call = this.timeline.calls[row.dataset.at];
    const margin = (call[END] - call[START]) * 0.05;
    this.zoom(call[START] - margin, call[END] + margin);
    this.focus(this.list.children[row.dataset.at]);
  }

  key(event) {
    const row = event.target.closest(".call");
    if (!row) return;
    const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling, Home: this.list.firstElementChild, End: this.list.lastElementChild }[event.key];
    if (next) this.focus(next);
    else if (event.key === "Enter") this.zoomTo(row);
    else if (event.key === "Escape") {
      this.zoom(0, this.end);
      this.focus(this.list.children[row.dataset.at]);
    } else return;
    event.preventDefault();
  }

  focus(row) {
    this.list.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    row?.setAttribute("tabindex", "0");
    row?.focus();
  }

  filter() {
    for (const row of this.list.children) row.classList.toggle("dim", !isChosen(this.timeline.calls[row.dataset.at][PATH]));
  }

  /** Bring a span into sight; one without a row, the row that it is part of. */
  show(span) {
    const id = this.timeline.spans[span] ?? span;
    const at = this.timeline.calls.findIndex((call) => String(call[ID]) === String(id));
    if (at < 0) return false;
    if (at >= AT_ONCE) this.showAll();
    const row = this.list.children[at];
    row.scrollIntoView({ block: "center" });
    this.focus(row);
    row.classList.add("found");
    setTimeout(() => row.classList.remove("found"), 2400);
    return true;
  }
}

const KEY = [["critical", "critical path"], ["body node", "node"], ["body model", "model"], ["body tool", "tool, retriever"], ["first", "to the first token"], ["waiting", "backoff, queue"], ["idle", "waits for its superstep"], ["failed", "failed"], ["barrier", "superstep"]];

/** What the bars mean. */
export function legend() {
  return el("p", { class: "note legend" }, ...KEY.map(([name, text]) => el("span", null, el("i", { class: name, "aria-hidden": "true", data: { kind: name.split(" ")[1] ?? "model" } }), text)));
}

/** Which request it is, and what came of it. */
export function facts(timeline) {
  const found = [`request #${timeline.index}`, timeline.outcome === "ok" ? duration(timeline.latency) : `${timeline.outcome.replace("_", " ")} after ${duration(timeline.latency)}`];
  if (timeline.late > 0.001) found.push(`started ${duration(timeline.late)} late`);
  if (timeline.error) found.push(`${timeline.error}${timeline.errorNode ? ` in ${timeline.errorNode}` : ""}`);
  if (timeline.barriers.length > 0) found.push(plural(timeline.barriers.length + 1, "superstep"));
  if (timeline.interrupts) found.push(plural(timeline.interrupts, "interrupt"));
  return found.join(" · ");
}

/** The section, and `open(index, span)`, which shows a request: false where it is not in the page. */
export function timelines(data) {
  const { requests, moreFailed } = data.timelines;
  if (requests.length === 0) return { root: section("timeline", "Timeline", null, nothing("No request was recorded span by span.")), open: () => false };
  const options = requests.map((each) => [String(each.index), `${each.why.join(", ")} #${each.index}`]);
  const note = el("p", { class: "note" });
  const frame = el("div", { class: "request" });
  let view = null;
  const show = (index) => {
    const timeline = requests.find((each) => each.index === Number(index));
    view = new View(timeline);
    frame.replaceChildren(view.root);
    note.textContent = facts(timeline);
  };
  const few = options.length <= 6;
  const picker = few
    ? choice("Request", options, options[0][0], show)
    : el("label", { class: "pick" }, "Request ", el("select", { onchange: (event) => show(event.target.value) }, ...options.map(([value, text]) => el("option", { value }, text))));
  const open = (index, span) => {
    if (!requests.some((each) => each.index === Number(index))) return false;
    if (few) picker.querySelector(`input[value="${Number(index)}"]`).checked = true;
    else picker.querySelector("select").value = String(Number(index));
    show(index);
    if (span === undefined) frame.scrollIntoView({ block: "center" });
    else view.show(span);
    return true;
  };
  show(options[0][0]);
  onChoice(() => view.filter());
  const more = moreFailed > 0 && el("p", { class: "note" }, `${plural(moreFailed, "more failed request")} ${moreFailed === 1 ? "is" : "are"} counted above, without a timeline here.`);
  const help = el("p", { class: "note help" }, "Double-click a call, or press Enter on it, to zoom in; Escape shows the whole request.");
  return { root: section("timeline", "Timeline", null, el("div", { class: "subhead" }, picker, note), frame, legend(), help, more), open };
}
