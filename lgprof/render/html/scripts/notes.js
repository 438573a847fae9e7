// Advice, errors, warnings, and where it was measured.

import { el, factList, nothing, section } from "./dom.js";
import { count, duration, percent, plural, usd, wholePercent } from "./format.js";
import { isChosen, nodeButton, onChoice } from "./selection.js";
import { SortedTable } from "./table.js";

const TONES = { proven: "good", predicted: "fair", unproven: "unsure", unsafe: "poor" };
const MOST_EVIDENCE = 6;

function saving(found) {
  if (!found) return null;
  const facts = [];
  if (found.mean) facts.push(["mean", `${duration(found.mean)} (${duration(found.ci[0])} to ${duration(found.ci[1])})`], ["share of the latency", percent(found.share)], ["p50", duration(found.p50)]);
  if (found.mean && found.p95 !== null) facts.push(["p95", duration(found.p95)]);
  if (found.usd) facts.push(["per 1,000 requests", usd(found.usd)]);
  return facts.length > 0 && el("div", null, el("h4", null, "Predicted to save"), factList(facts, "facts one"));
}

/** What a change saves, in a word or two: time where it saves time, money where it saves money. */
function gain(found) {
  const parts = [found?.mean && `${duration(found.mean)}, ${wholePercent(found.share)}`, found?.usd && `${usd(found.usd)} per 1,000 requests`].filter(Boolean);
  return parts.length > 0 ? `saves ${parts.join(" · ")}` : "";
}

function measured(found) {
  if (!found) return null;
  const facts = [["mean", `${duration(found.mean)} (${duration(found.ci[0])} to ${duration(found.ci[1])})`], ["off by", percent(Math.abs(found.error))], ["the graph against itself", percent(Math.abs(found.control))], ["results", found.equal === null ? "differ without the change, too" : found.equal ? "equal" : "not equal"], ["inputs", count(found.inputs)]];
  return el("div", null, el("h4", null, "Measured on a copy"), factList(facts, "facts one"));
}

function evidence(places, openTimeline) {
  if (places.length === 0) return null;
  const link = ([request, span]) =>
    el("button", { type: "button", class: "plain", onclick: (event) => openTimeline(request, span) || event.target.replaceWith(el("span", null, `#${request} (not in this page)`)) }, `request #${request}, span ${span}`);
  const more = places.length - MOST_EVIDENCE;
  return el("p", { class: "evidence" }, "Seen in ", ...places.slice(0, MOST_EVIDENCE).flatMap((place, at) => [at > 0 && ", ", link(place)]), more > 0 && ` and ${plural(more, "more span")}`);
}

function card(each, openTimeline) {
  return el(
    "article",
    { class: "advice" },
    el("header", null, el("h3", null, each.title), el("strong", { class: "badge", data: { tone: TONES[each.status] } }, each.status), el("span", { class: "gain" }, gain(each.saving))),
    el("p", null, each.why),
    el("p", { class: "quiet" }, ...each.nodes.flatMap((path, at) => [at > 0 && ", ", nodeButton(el, path)])),
    el("div", { class: "pair" }, saving(each.saving), measured(each.measured)),
    each.change && el("pre", { tabindex: "0", "aria-label": "The change" }, el("code", null, each.change)),
    each.reasons.length > 0 && el("ul", null, ...each.reasons.map((reason) => el("li", null, reason))),
    evidence(each.evidence, openTimeline),
  );
}

/** What to change. */
export function advice(data, openTimeline) {
  if (data.advice.length === 0) {
    return section("advice", "Advice", null, nothing("None in this profile: lgprof advise finds what to change, and proves it."));
  }
  const cards = data.advice.map((each) => [each, card(each, openTimeline)]);
  onChoice(() => cards.forEach(([each, root]) => root.classList.toggle("dim", !each.nodes.some(isChosen))));
  return section("advice", "Advice", `${plural(cards.length, "change")}, the largest saving first`, ...cards.map(([, root]) => root));
}

/** What ended requests. */
export function errors(data) {
  if (data.errors.length === 0) return section("errors", "Errors", null, nothing("No request failed."));
  const columns = [
    { label: "error", text: true, value: (row) => row.type, show: (row) => row.type },
    { label: "node", text: true, value: (row) => row.node, show: (row) => (row.node === null ? "-" : nodeButton(el, row.node)) },
    { label: "requests", value: (row) => row.count, show: (row) => `!${count(row.count)}`, mark: () => true },
    { label: "of started", value: (row) => row.share, show: (row) => percent(row.share) },
    data.errors.some((row) => row.message) && { label: "message", text: true, value: (row) => row.message, show: (row) => row.message ?? "-" },
  ].filter(Boolean);
  const table = new SortedTable("Errors", columns, data.errors);
  onChoice(() => table.filter((row) => isChosen(row.node)));
  return section("errors", "Errors", null, table.root);
}

/** What the reader should know. */
export function warnings(data) {
  if (data.warnings.length === 0) return null;
  const items = data.warnings.map(([message, fix]) => el("li", null, el("p", null, message), fix && el("p", { class: "fix" }, `→ ${fix}`)));
  return section("warnings", "Warnings", null, el("ul", { class: "warnings" }, ...items));
}

/** Where and how it was measured. */
export function environment(data) {
  return section(
    "environment",
    "Environment",
    null,
    factList(data.environment, "facts wide"),
    data.settings.length > 0 && el("h3", null, "Settings"),
    data.settings.length > 0 && factList(data.settings, "facts"),
  );
}
