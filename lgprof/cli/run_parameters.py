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
