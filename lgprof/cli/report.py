"""``lgprof report``: print a saved Profile, or write it in other formats."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lgprof.cli import parameters as shared
from lgprof.errors import ExitCode


def report(
    profile: Annotated[
        Path,
        typer.Argument(metavar="PROFILE", help="A file that lgprof saved.", show_default=False),
    ],
    output: shared.Output = None,
    force: shared.Force = False,
    show: shared.Show = None,
    by: shared.By = None,
    view: shared.View = None,
    otlp_endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Send the requests as traces to an OpenTelemetry collector, such as "
            "http://localhost:4318.",
        ),
    ] = None,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = 0,
) -> int:
    """Print a saved Profile, or write it in another format with -o."""
    from lgprof.cli.otlp_endpoint import send_traces, traces_url
    from lgprof.cli.output import (
        check_files,
        chosen_flame,
        chosen_sections,
        require_all,
        write_files,
    )
    from lgprof.model.profile_file import read_profile

    stored = read_profile(profile)
    files = output or []
    endpoint = traces_url(otlp_endpoint) if otlp_endpoint is not None else None
    check_files(files, stored.kind, force=force)
    flame = chosen_flame(by, view)
    sections = chosen_sections(stored.kind, show, quiet=quiet)
    problems: list[str] = []
    written = write_files(stored, files, flame, force=force, problems=problems)
    for problem in problems:
        print(f"warning: {problem}", file=sys.stderr)
    for file in written:
        print(f"written: {file}")
    require_all(files, written)
    if endpoint is not None:
        print(f"sent: {send_traces(stored, endpoint)}")
    if not (files or endpoint) or show is not None:
        from lgprof.cli.console import ReportConsole
        from lgprof.render.terminal import render_report

        console = ReportConsole(sys.stdout)
        render_report(
            stored,
            console,
            sections=sections,
            verbosity=verbose,
            saved_to=str(profile),
            flame=flame,
        )
    return ExitCode.OK
