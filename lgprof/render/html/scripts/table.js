// Tables that sort by any column.

import { el } from "./dom.js";

const missing = (value) => value === null || value === undefined;

function compare(a, b, direction) {
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b)); // unknown comes last
  const order = typeof a === "string" ? a.localeCompare(b) : a - b;
  return direction === "ascending" ? order : -order;
}

/**
 * A table.
 *
 * A column has a `label`, `value(row)` to sort by, `show(row)` for the cell (an element or text),
 * and `text: true` where it is to be read from the left.
 */
export class SortedTable {
  constructor(caption, columns, rows, rowProps = () => ({})) {
    this.columns = columns;
    this.entries = rows.map((row, order) => ({ row, order, line: this.line(row, rowProps(row)) }));
    this.by = null;
    this.direction = null;
    this.heads = columns.map((column) => this.head(column));
    this.body = el("tbody", null, ...this.entries.map((entry) => entry.line));
    this.root = el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el("table", null, el("caption", { class: "hidden" }, caption), el("thead", null, el("tr", null, ...this.heads)), this.body),
    );
  }

  head(column) {
    const button = el("button", { type: "button", onclick: () => this.sort(column) }, column.label, el("i", { "aria-hidden": "true" }));
    return el("th", { scope: "col", class: column.text ? "text" : null, "aria-sort": "none", title: column.title }, button);
  }

  line(row, props) {
    const cells = this.columns.map((column, at) => {
      const shown = column.show(row);
      const quiet = shown === "0" || shown === "0 s" || shown === "?" || shown === "-" || shown === "0%";
      const names = [column.text && "text", quiet && "quiet", column.mark?.(row) && "bad"].filter(Boolean).join(" ");
      return el(at === 0 ? "th" : "td", { class: names || null, scope: at === 0 ? "row" : null }, shown);
    });
    return el("tr", props, ...cells);
  }

  /** Numbers start from the largest, names from A; a second time turns the order round. */
  sort(column) {
    const first = column.text ? "ascending" : "descending";
    const other = column.text ? "descending" : "ascending";
    this.direction = this.by === column && this.direction === first ? other : first;
    this.by = column;
    this.heads.forEach((head, at) => {
      head.setAttribute("aria-sort", this.columns[at] === column ? this.direction : "none");
    });
    this.entries.sort(
      (a, b) => compare(column.value(a.row), column.value(b.row), this.direction) || a.order - b.order,
    );
    this.body.append(...this.entries.map((entry) => entry.line));
  }

  /** Show the rows for which `shown` holds; returns how many they are. */
  filter(shown) {
    let number = 0;
    for (const { row, line } of this.entries) {
      line.hidden = !shown(row);
      number += line.hidden ? 0 : 1;
    }
    return number;
  }
}

/** A share as text and bar. */
export function bar(text, share, kind = "node") {
  return el(
    "span",
    { class: "bar" },
    el("span", null, text),
    el("i", { "aria-hidden": "true", data: { kind }, css: { "--share": `${Math.min(share ?? 0, 1) * 100}%` } }),
  );
}
