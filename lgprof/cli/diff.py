"""``lgprof diff``: two Profiles side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lgprof.cli import parameters as shared
from lgprof.errors import ExitCode, UsageError


def diff(
    base: Annotated[
        Path, typer.Argument(metavar="BASE", help="The Profile before.", show_default=False)
    ],
    new: Annotated[
        Path, typer.Argument(metavar="NEW", help="The Profile now.", show_default=False)
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write it as a page (.html), Markdown (.md) or JSON (.json), or its flame graph "
            "(.svg) or graph (.graph.svg) alone.",
        ),
    ] = None,
    force: shared.Force = False,
    by: shared.By = None,
    view: shared.View = None,
    json_to: Annotated[
        str | None,
        typer.Option("--json", metavar="-", help="Print the diff as JSON on standard output."),
    ] = None,
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, show_default=False, help="Every row.")
    ] = 0,
) -> int:
    """Compare two Profiles: structure first, then metrics with intervals, then node by node."""
    from lgprof.analysis.diff import Compared, diff_profiles
    from lgprof.cli.console import ReportConsole
    from lgprof.cli.output import chosen_flame, refuse_existing
    from lgprof.model.profile_file import read_profile, write_private
    from lgprof.render.diff_files import encode_diff, encoder_of
    from lgprof.render.terminal.diff import render_diff

    files = output or []
    flame = chosen_flame(by, view)
    encoders = [encoder_of(file) for file in files]
    refuse_existing(files, force=force)
    if json_to not in (None, "-"):
        raise UsageError(
            f"--json {json_to!r}: only - (standard output)", hint="use --output FILE.json"
        )
    before, after = read_profile(base), read_profile(new)
    found = Compared(before, after, diff_profiles(before, after))
    people = sys.stderr if json_to else sys.stdout
    for file, encode in zip(files, encoders, strict=True):
        write_private(encode(found, flame), file, force=force)
        print(f"written: {file}", file=people)
    if json_to:
        print(encode_diff(found.diff).decode())
    elif not files:
        render_diff(found, ReportConsole(people), verbosity=verbose, flame=flame)
    return ExitCode.OK
