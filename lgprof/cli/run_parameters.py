"""The options that say how a graph is run, as Typer declares them."""

from __future__ import annotations

from typing import Annotated

import typer

Requests = Annotated[
    int | None,
    typer.Option(
        "-n",
        "--requests",
        min=1,
        envvar="LGPROF_REQUESTS",
        show_default="10",
        help="Requests to measure.",
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(min=1, envvar="LGPROF_CONCURRENCY", show_default="1", help="Requests at once."),
]
Probes = Annotated[
    bool | None,
    typer.Option(
        "--probes/--no-probes",
        envvar="LGPROF_PROBES",
        show_default="probes",
        help="Look into nodes, or record callbacks alone.",
    ),
]
CaptureContent = Annotated[
    bool | None,
    typer.Option(
        "--capture-content/--no-capture-content",
        envvar="LGPROF_CAPTURE_CONTENT",
        show_default="no-capture-content",
        help="Keep prompts, completions and messages of errors in the Profile; keys, tokens and "
        "e-mail addresses are redacted.",
    ),
]
Memory = Annotated[
    bool | None,
    typer.Option(
        "--memory",
        envvar="LGPROF_MEMORY",
        help="Make requests again to tell the memory of each node (needs lgprof[memory]).",
    ),
]
