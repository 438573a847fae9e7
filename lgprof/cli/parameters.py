"""Arguments and options that several commands share, as Typer declares them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[
    str | None,
    typer.Argument(
        metavar="TARGET",
        help="module:attr, path/to/file.py:attr or a name in langgraph.json "
        "[default: app of [tool.lgprof], else the only graph of ./langgraph.json]",
        show_default=False,
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "-i",
        "--input",
        metavar="JSON|@FILE|-",
        help="Input of a request: JSON, @file.json, @file.jsonl (one a line) or - for standard "
        "input; repeat it to send several in turn. {{i}} and {{uuid}} are replaced.",
    ),
]
Warmup = Annotated[
    int | None,
    typer.Option(
        "-w",
        "--warmup",
        min=0,
        envvar="LGPROF_WARMUP",
        show_default="1",
        help="Requests before the measured ones; the first is the cold run.",
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        envvar="LGPROF_TIMEOUT",
        metavar="DURATION",
        show_default="120s",
        help="Per request, such as 500ms, 30s or 2m.",
    ),
]
Mode = Annotated[
    str | None,
    typer.Option(
        envvar="LGPROF_MODE",
        metavar="auto|async|sync",
        show_default="auto",
        help="Call the graph with ainvoke or invoke; auto: ainvoke if any node is async.",
    ),
]
Checkpointer = Annotated[
    str | None,
    typer.Option(
        envvar="LGPROF_CHECKPOINTER",
        metavar="auto|memory|none|sqlite:FILE",
        show_default="auto",
        help="For a graph without one; auto: in memory, where interrupts or threads need it.",
    ),
]
Store = Annotated[
    str | None,
    typer.Option(
        envvar="LGPROF_STORE",
        metavar="auto|memory|none",
        show_default="auto",
        help="For a graph without one; auto: in memory.",
    ),
]
Context = Annotated[
    str | None,
    typer.Option(envvar="LGPROF_CONTEXT", metavar="JSON|@FILE", help="Context (runtime.context)."),
]
Config = Annotated[
    str | None,
    typer.Option(
        envvar="LGPROF_CONFIG",
        metavar="JSON|@FILE",
        help='Config, such as \'{"configurable": {"model": "small"}}\'.',
    ),
]
Resume = Annotated[
    list[str] | None,
    typer.Option(
        metavar="JSON|@FILE",
        help="Answer to an interrupt(); repeat it for several, in order.",
    ),
]
RecursionLimit = Annotated[
    int | None,
    typer.Option(
        min=1,
        envvar="LGPROF_RECURSION_LIMIT",
        help="Supersteps per request.",
        show_default="LangGraph's",
    ),
]
FailedWhen = Annotated[
    str | None,
    typer.Option(
        envvar="LGPROF_FAILED_WHEN",
        metavar="EXPR",
        help="Count a final state, or what a node returns, as an error: 'status == \"error\"'.",
    ),
]
Sample = Annotated[
    bool | None,
    typer.Option(
        "--sample/--no-sample",
        envvar="LGPROF_SAMPLE",
        show_default="sample",
        help="Make requests again, sampled for Python frames; unless asked to, not where the "
        "graph connects to other machines.",
    ),
]
Prices = Annotated[
    str | None,
    typer.Option(
        envvar="LGPROF_PRICES",
        metavar="FILE",
        help="Your own prices by model, a TOML or JSON file; they win over listed ones.",
    ),
]
MonthlyRequests = Annotated[
    float | None,
    typer.Option(
        min=0,
        envvar="LGPROF_MONTHLY_REQUESTS",
        metavar="N",
        help="Project the cost to so much traffic, such as 1e6.",
    ),
]
Output = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Also save it in the format of the suffix: the report as a page (.html), the Profile "
        "(.json, .json.gz), its flame graph (.svg, .folded, .speedscope.json), its requests "
        "(.trace.json, .otlp.json, .csv), its latencies as an HdrHistogram table (.hgrm) or, of a "
        "load test, log (.hlog).",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files of --output.")]
JsonTo = Annotated[
    str | None,
    typer.Option("--json", metavar="-", help="Print the Profile on standard output."),
]
Show = Annotated[
    str | None,
    typer.Option(metavar="PART,...", help="Parts of the report to print, in its own order."),
]
By = Annotated[
    str | None,
    typer.Option(
        metavar="time|cpu|cost|tokens",
        show_default="time",
        help="What makes a frame of the flame graph wide.",
    ),
]
View = Annotated[
    str | None,
    typer.Option(
        metavar="node-seconds|elapsed",
        show_default="node-seconds",
        help="Of the flame graph: all that ran adds up, or the critical path alone.",
    ),
]
Yes = Annotated[
    bool,
    typer.Option("--yes", help="Do not ask before many requests to a provider that costs money."),
]
Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="Latency and errors alone; no progress.")
]
Verbose = Annotated[
    int,
    typer.Option(
        "-v", "--verbose", count=True, show_default=False, help="More rows, every traceback."
    ),
]
