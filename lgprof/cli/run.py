"""``lgprof run``: profile a few requests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lgprof.errors import ExitCode

if TYPE_CHECKING:
    from lgprof.config import Settings
    from lgprof.run import RunOptions, RunResult

was_cut_short = False
"""A graph was stopped, or left to itself: it may still run in a thread that cannot be ended."""


def run(
    ctx: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="module:attr, path/to/file.py:attr or a name in langgraph.json "
            "[default: app of [tool.lgprof], else the only graph of ./langgraph.json]",
            show_default=False,
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "-i",
            "--input",
            metavar="JSON|@FILE|-",
            help="Input of a request: JSON, @file.json, @file.jsonl (one a line) or - for standard "
            "input; repeat it to send several in turn. {{i}} and {{uuid}} are replaced.",
        ),
    ] = None,
    requests: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--requests",
            min=1,
            envvar="LGPROF_REQUESTS",
            show_default="10",
            help="Requests to measure.",
        ),
    ] = None,
    warmup: Annotated[
        int | None,
        typer.Option(
            "-w",
            "--warmup",
            min=0,
            envvar="LGPROF_WARMUP",
            show_default="1",
            help="Requests before the measured ones; the first is the cold run.",
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1, envvar="LGPROF_CONCURRENCY", show_default="1", help="Requests at once."
        ),
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option(
            envvar="LGPROF_TIMEOUT",
            metavar="DURATION",
            show_default="120s",
            help="Per request, such as 500ms, 30s or 2m.",
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            envvar="LGPROF_MODE",
            metavar="auto|async|sync",
            show_default="auto",
            help="Call the graph with ainvoke or invoke; auto: ainvoke if any node is async.",
        ),
    ] = None,
    checkpointer: Annotated[
        str | None,
        typer.Option(
            envvar="LGPROF_CHECKPOINTER",
            metavar="auto|memory|none|sqlite:FILE",
            show_default="auto",
            help="For a graph without one; auto: in memory, where interrupts or threads need it.",
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            envvar="LGPROF_STORE",
            metavar="auto|memory|none",
            show_default="auto",
            help="For a graph without one; auto: in memory.",
        ),
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(
            envvar="LGPROF_CONTEXT", metavar="JSON|@FILE", help="Context (runtime.context)."
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            envvar="LGPROF_CONFIG",
            metavar="JSON|@FILE",
            help='Config, such as \'{"configurable": {"model": "small"}}\'.',
        ),
    ] = None,
    resume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JSON|@FILE",
            help="Answer to an interrupt(); repeat it for several, in order.",
        ),
    ] = None,
    recursion_limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            envvar="LGPROF_RECURSION_LIMIT",
            help="Supersteps per request.",
            show_default="LangGraph's",
        ),
    ] = None,
    failed_when: Annotated[
        str | None,
        typer.Option(
            envvar="LGPROF_FAILED_WHEN",
            metavar="EXPR",
            help="Count a final state, or what a node returns, as an error: 'status == \"error\"'.",
        ),
    ] = None,
    probes: Annotated[
        bool | None,
        typer.Option(
            "--probes/--no-probes",
            envvar="LGPROF_PROBES",
            show_default="probes",
            help="Look into nodes, or record callbacks alone.",
        ),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Also save the Profile as .json or .json.gz."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files of --output.")] = False,
    json_to: Annotated[
        str | None,
        typer.Option("--json", metavar="-", help="Print the Profile on standard output."),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(metavar="PART,...", help="Parts of the report to print, in its own order."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Latency and errors alone; no progress.")
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "-v", "--verbose", count=True, show_default=False, help="More rows, every traceback."
        ),
    ] = 0,
) -> int:
    """Profile a few requests: where does the time go?"""
    from lgprof.cli.output import Output, StandardOutput
    from lgprof.cli.run_options import read_options
    from lgprof.config import load_settings
    from lgprof.target import parse_inputs

    cwd = Path.cwd()
    settings = load_settings(cwd)
    typed = {
        "requests": requests,
        "warmup": warmup,
        "concurrency": concurrency,
        "timeout": timeout,
        "mode": mode,
        "checkpointer": checkpointer,
        "store": store,
        "context": context,
        "config": config,
        "resume": resume or None,
        "recursion_limit": recursion_limit,
        "failed_when": failed_when,
        "probes": probes,
    }
    options = read_options(typed, settings, cwd, in_environment=_from_environment(ctx))
    given = parse_inputs(inputs or [], settings, cwd)
    out = Output.checked(
        files=output or [], force=force, json_to=json_to, show=show, quiet=quiet, verbosity=verbose
    )
    with StandardOutput(reserved=json_to is not None) as stdout:
        try:
            result = _profile(target, given, options, settings, out)
        except KeyboardInterrupt:
            _note_cut_short()
            print("interrupted: nothing was measured", file=sys.stderr)
            return ExitCode.INTERRUPTED
        out.deliver(result, stdout, cwd)
    summary = result.profile.summary
    if result.abandoned or result.profile.interrupted or summary.timed_out:
        _note_cut_short()
    return _exit_code(result)


def _profile(
    target: str | None, given: Any, options: RunOptions, settings: Settings, out: Any
) -> RunResult:
    from lgprof.cli.progress import progress_on
    from lgprof.langgraph_adapter.graphs import input_json_schema
    from lgprof.run import profile_run
    from lgprof.target import import_sandbox, inputs_from_schema, load_target

    cwd = Path.cwd()
    with import_sandbox(), progress_on(quiet=out.quiet) as progress:
        progress("load", 0, 0)
        source = load_target(target, settings, cwd)
        return profile_run(
            source,
            lambda opened: given or inputs_from_schema(input_json_schema(opened.graph)),
            options,
            folder=cwd,
            progress=progress,
        )


def _from_environment(ctx: typer.Context) -> set[str]:
    """Names of the options whose value is that of their variable."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    return {name for name, source in sources.items() if source and source.name == "ENVIRONMENT"}


def _note_cut_short() -> None:
    global was_cut_short
    was_cut_short = True


def _exit_code(result: RunResult) -> int:
    summary = result.profile.summary
    if result.profile.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if summary.succeeded else ExitCode.TARGET_FAILED
