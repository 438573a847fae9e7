"""``lgprof history``: a file of measurements, and what became slower or dearer over time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lgprof.errors import ExitCode, UsageError


def history(
    profile: Annotated[
        Path | None,
        typer.Argument(
            metavar="PROFILE", help="A saved Profile to append first.", show_default=False
        ),
    ] = None,
    file: Annotated[
        Path, typer.Option("--file", metavar="FILE", help="The history, JSON lines.")
    ] = Path("lgprof-history.jsonl"),
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", metavar="NAME", help="Show this one instead; repeat it for several."
        ),
    ] = None,
    json_to: Annotated[
        str | None,
        typer.Option("--json", metavar="-", help="Print the trends as JSON on standard output."),
    ] = None,
) -> int:
    """Append a run's summary to a file, and print the trend with the changes that matter."""
    import msgspec

    from lgprof.analysis.history import history_entry, read_history
    from lgprof.cli.console import ReportConsole
    from lgprof.metrics import parse_metric
    from lgprof.model.history_file import append_history, read_history_file
    from lgprof.model.profile_file import read_profile
    from lgprof.render.terminal.history import render_history

    metrics = [parse_metric(name) for name in metric or []]
    if json_to not in (None, "-"):
        raise UsageError(f"--json {json_to!r}: only - (standard output)", hint="add --json -")
    entries = read_history_file(file)
    if profile is not None:
        entry = history_entry(read_profile(profile))
        if entry in entries:
            print(f"{profile} is in {file} already", file=sys.stderr)
        else:
            append_history(entry, file)
            entries.append(entry)
    if not entries:
        raise UsageError(f"no history in {file}", hint="append to it: lgprof history PROFILE")
    found = read_history(entries, metrics)
    if metrics and not found.trends:
        raise UsageError(
            f"--metric {', '.join(metric or [])}: no entry of {file} has it",
            hint="an entry keeps what --list-metrics names of the whole graph, and of nodes their "
            "p50, p95, calls, errors and cost per request",
        )
    if json_to:
        print(msgspec.json.encode(found).decode())
    else:
        render_history(found, ReportConsole(sys.stdout))
    return ExitCode.OK
