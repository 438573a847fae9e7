"""``lgprof run``: profile a few requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lgprof.cli import parameters as shared
from lgprof.cli.leaving import note_cut_short
from lgprof.errors import ExitCode

if TYPE_CHECKING:
    from lgprof.cli.output import Measured
    from lgprof.config import Settings
    from lgprof.run import Billing, Extras, RunOptions, RunResult


def run(
    ctx: typer.Context,
    target: shared.Target = None,
    inputs: shared.Inputs = None,
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
    warmup: shared.Warmup = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1, envvar="LGPROF_CONCURRENCY", show_default="1", help="Requests at once."
        ),
    ] = None,
    timeout: shared.Timeout = None,
    mode: shared.Mode = None,
    checkpointer: shared.Checkpointer = None,
    store: shared.Store = None,
    context: shared.Context = None,
    config: shared.Config = None,
    resume: shared.Resume = None,
    recursion_limit: shared.RecursionLimit = None,
    failed_when: shared.FailedWhen = None,
    probes: Annotated[
        bool | None,
        typer.Option(
            "--probes/--no-probes",
            envvar="LGPROF_PROBES",
            show_default="probes",
            help="Look into nodes, or record callbacks alone.",
        ),
    ] = None,
    sample: Annotated[
        bool | None,
        typer.Option(
            "--sample/--no-sample",
            envvar="LGPROF_SAMPLE",
            show_default="sample",
            help="Make requests again, sampled for Python frames; unless asked to, not where the "
            "graph connects to other machines.",
        ),
    ] = None,
    prices: shared.Prices = None,
    monthly_requests: shared.MonthlyRequests = None,
    output: shared.Output = None,
    force: shared.Force = False,
    json_to: shared.JsonTo = None,
    show: shared.Show = None,
    by: shared.By = None,
    view: shared.View = None,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = 0,
) -> int:
    """Profile a few requests: where does the time go?"""
    from lgprof.cli.billing import read_billing
    from lgprof.cli.output import Output, measure_and_deliver
    from lgprof.cli.reading import variables_set
    from lgprof.cli.run_options import read_extras, read_run_options
    from lgprof.config import load_settings
    from lgprof.target import parse_inputs

    cwd = Path.cwd()
    settings = load_settings(cwd)
    options = read_run_options(ctx.params, settings, cwd, variables_set(ctx))
    billing = read_billing(ctx.params, settings, cwd, variables_set(ctx))
    extras = read_extras(ctx.params, settings, cwd, variables_set(ctx))
    given = parse_inputs(inputs or [], settings, cwd)
    out = Output.checked(
        command="run",
        files=output or [],
        force=force,
        json_to=json_to,
        show=show,
        by=by,
        view=view,
        quiet=quiet,
        verbosity=verbose,
    )
    result = measure_and_deliver(
        lambda: profile_target(target, given, options, billing, extras, settings, quiet=quiet),
        out,
        cwd,
    )
    if result is None:
        return ExitCode.INTERRUPTED
    return exit_code(result)


def profile_target(
    target: str | None,
    given: Any,
    options: RunOptions,
    billing: Billing,
    extras: Extras,
    settings: Settings,
    *,
    quiet: bool,
) -> RunResult:
    """Load a target and profile it, showing how far that has come.

    Args:
        target: As it was typed.
        given: Its inputs; None to make them from its schema.
        options: How to run it.
        billing: Prices.
        extras: What to do besides measuring.
        settings: Of the project.
        quiet: Show nothing meanwhile.
    """
    from lgprof.cli.progress import progress_on
    from lgprof.langgraph_adapter.input_schema import input_json_schema
    from lgprof.run import profile_run
    from lgprof.target import import_sandbox, inputs_from_schema, load_target

    cwd = Path.cwd()
    with import_sandbox(), progress_on(quiet=quiet) as progress:
        progress("load", 0, 0)
        source = load_target(target, settings, cwd)
        return profile_run(
            source,
            lambda opened: given or inputs_from_schema(input_json_schema(opened.graph)),
            options,
            folder=cwd,
            billing=billing,
            extras=extras,
            progress=progress,
        )


def exit_code(result: Measured) -> int:
    """What a run tells its caller."""
    summary = result.profile.summary
    if summary.timed_out:
        note_cut_short()
    if result.profile.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if summary.succeeded else ExitCode.TARGET_FAILED
