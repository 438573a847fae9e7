// Builds the page from the data in it.

import { attribution } from "./attribution.js";
import { topBar } from "./bar.js";
import { el } from "./dom.js";
import { flame } from "./flame.js";
import { graph } from "./graph.js";
import { head } from "./head.js";
import { latency } from "./latency.js";
import { advice, environment, errors, warnings } from "./notes.js";
import { arrivals, overTime } from "./over_time.js";
import { cost, models, nodes, tools, workers } from "./tables.js";
import { timelines } from "./timeline.js";

function build() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const timeline = timelines(data);
  const sections = [
    head(data),
    warnings(data),
    arrivals(data),
    latency(data, timeline.open),
    overTime(data),
    attribution(data),
    graph(data),
    timeline.root,
    flame(data),
    nodes(data),
    models(data),
    tools(data),
    cost(data),
    advice(data, timeline.open),
    errors(data),
    workers(data),
    environment(data),
  ].filter(Boolean);
  document.getElementById("main").replaceChildren(...sections);
  topBar(document.getElementById("bar"), data.target.name, sections.slice(1));
  document.getElementById("foot").append(el("p", null, `lgprof ${data.target.lgprof} · everything is in this file; charts by uPlot, MIT licence`));
  document.documentElement.dataset.ready = "true";
}

build();
