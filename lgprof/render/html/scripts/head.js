// The top of the page: what was measured, what came of it, and the facts.

import { el, factList } from "./dom.js";

function badge({ about, badge: text, tone, reasons }) {
  return el(
    "div",
    { class: "answer" },
    el("span", { class: "about" }, about),
    el("strong", { class: "badge", data: { tone } }, text),
    el("div", { class: "reasons" }, ...reasons.map((reason) => el("p", null, reason))),
  );
}

/** Name, verdict, and what was run. */
export function head(data) {
  const { target } = data;
  const when = new Date(target.created);
  const date = Number.isNaN(when.getTime()) ? target.created : when.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  return el(
    "section",
    { id: "verdict", "aria-label": "Verdict" },
    el("p", { class: "kicker" }, target.kind === "load" ? "Load test" : "Profile", " · ", date),
    el("h1", null, target.name),
    target.interrupted && el("p", { class: "interrupted" }, "Interrupted: only what was measured until then."),
    el("div", { class: "answers" }, ...data.verdict.map(badge)),
    el("details", { open: window.innerWidth > 700 }, el("summary", null, "What was measured"), factList(target.facts, "facts wide")),
  );
}
