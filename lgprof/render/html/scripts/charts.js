// uPlot with the page's colours, sizes and words.

import { onTheme, colour } from "./theme.js";
import { el } from "./dom.js";

const drawn = [];

/**
 * Draw a chart, and again when the width or the colours change.
 *
 * `options(colours)` gives uPlot's options without a size; `columns()` its data.
 */
export class Chart {
  constructor(label, height, options, columns) {
    this.height = height;
    this.options = options;
    this.columns = columns;
    this.root = el("div", { class: "chart", role: "img", "aria-label": label });
    this.width = 0;
    this.plot = null;
    drawn.push(this);
    new ResizeObserver(() => this.fit()).observe(this.root);
  }

  fit() {
    const width = Math.floor(this.root.clientWidth);
    if (width === 0 || width === this.width) return;
    this.width = width;
    if (this.plot === null) this.draw();
    else this.plot.setSize({ width, height: this.height });
  }

  draw() {
    if (this.width === 0) return;
    this.plot?.destroy();
    const options = { ...this.options(colours()), width: this.width, height: this.height };
    this.plot = new uPlot(options, this.columns(), this.root);
  }
}

function colours() {
  return {
    ink: colour("--ink-2"),
    line: colour("--line"),
    series: ["--series-1", "--series-2", "--series-3"].map(colour),
    bad: colour("--bad"),
    node: colour("--series-1"),
    model: colour("--series-3"),
    quiet: colour("--ink-3"),
  };
}

/** An axis in the page's type and colours. */
export function axis(found, more) {
  return {
    stroke: found.ink,
    font: "12px system-ui, sans-serif",
    grid: { stroke: found.line, width: 1 },
    ticks: { stroke: found.line, width: 1, size: 4 },
    ...more,
  };
}

/** A colour with so much of it. */
export function faint(rgb, share) {
  return rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
}

onTheme(() => drawn.forEach((chart) => chart.draw()));
