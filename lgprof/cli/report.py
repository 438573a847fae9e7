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
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = 0,
) -> int:
    """Print a saved Profile, or write it in another format with -o."""
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
    if not files or show is not None:
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
