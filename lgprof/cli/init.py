"""``lgprof init``: settings and a CI workflow to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgprof.errors import ExitCode


def init(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET", help="The graph, to note as the default.", show_default=False
        ),
    ] = None,
) -> int:
    """Write [tool.lgprof] and a GitHub workflow to start from; what is there stays as it is."""
    from lgprof.gate.starter import write_starter

    cwd = Path.cwd()
    steps = write_starter(cwd, target)
    for step in steps:
        sign = "written" if step.is_written else "left alone"
        print(f"{sign}: {step.file.relative_to(cwd)} ({step.what})")
    if steps[0].is_written and target is None:
        print("next: name the graph there as app, then lgprof gate")
    return ExitCode.OK
