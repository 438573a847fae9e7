"""``lgprof graph``: the nodes and edges of a graph, and of a Profile how often each was taken."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgprof.cli import parameters as shared
from lgprof.cli.reading import names_profile, options_typed, variables_set
from lgprof.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from lgprof.model import Profile


def graph(
    ctx: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET|PROFILE",
            help="A target as of run, or a file that lgprof saved: then with counts and heat.",
            show_default=False,
        ),
    ] = None,
    config: shared.Config = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print it for Markdown.")] = False,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Save it: a picture (.svg), or for Mermaid (.mmd).",
        ),
    ] = None,
    force: shared.Force = False,
) -> int:
    """Show nodes and edges; of a Profile, how often each was taken."""
    files = output or []
    for file in files:
        if file.suffix not in (".svg", ".mmd"):
            raise UsageError(f"--output {file}: unknown suffix", hint="use .svg or .mmd")
        if file.exists() and not force:
            raise UsageError(f"{file} exists already", hint="add --force to overwrite it")
    profile = _profile(ctx, target)
    _write(profile, files, force=force)
    if mermaid:
        from lgprof.render.graph_mermaid import graph_mermaid

        sys.stdout.write(graph_mermaid(profile))
    elif not files:
        from lgprof.cli.console import ReportConsole
        from lgprof.render.terminal import render_report

        render_report(profile, ReportConsole(sys.stdout), sections=["graph"])
    return ExitCode.OK


def _profile(ctx: typer.Context, target: str | None) -> Profile:
    if target is None or not names_profile(target):
        return _of_target(ctx, target)
    if "config" in options_typed(ctx):
        raise UsageError(f"--config is for what builds a graph, and {target} is a Profile")
    from lgprof.model.profile_file import read_profile

    return read_profile(Path(target))


def _of_target(ctx: typer.Context, target: str | None) -> Profile:
    from lgprof.cli.run_options import read_run_options
    from lgprof.config import load_settings
    from lgprof.run.drawing import profile_of_graph
    from lgprof.target import import_sandbox, load_target

    cwd = Path.cwd()
    settings = load_settings(cwd)
    options = read_run_options(ctx.params, settings, cwd, variables_set(ctx))
    with import_sandbox():
        return profile_of_graph(load_target(target, settings, cwd), options, cwd)


def _write(profile: Profile, files: list[Path], *, force: bool) -> None:
    from lgprof.model.profile_file import write_private
    from lgprof.render.graph_mermaid import graph_mermaid
    from lgprof.render.graph_svg import graph_svg

    for file in files:
        text = graph_svg(profile) if file.suffix == ".svg" else graph_mermaid(profile)
        write_private(text.encode(), file, force=force)
        print(f"written: {file}")
