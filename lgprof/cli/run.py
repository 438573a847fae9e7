"""``lgprof run``: profile a few requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lgprof.cli import parameters as shared
from lgprof.cli import run_parameters as own
from lgprof.cli.leaving import note_cut_short
from lgprof.errors import ExitCode

if TYPE_CHECKING:
    from lgprof.cli.output import Measured


def run(
    ctx: typer.Context,
    target: shared.Target = None,
    inputs: shared.Inputs = None,
    requests: own.Requests = None,
    warmup: shared.Warmup = None,
    concurrency: own.Concurrency = None,
    timeout: shared.Timeout = None,
    mode: shared.Mode = None,
    checkpointer: shared.Checkpointer = None,
    store: shared.Store = None,
    context: shared.Context = None,
    config: shared.Config = None,
    resume: shared.Resume = None,
    recursion_limit: shared.RecursionLimit = None,
    failed_when: shared.FailedWhen = None,
    probes: own.Probes = None,
    sample: shared.Sample = None,
    memory: own.Memory = None,
    capture_content: own.CaptureContent = None,
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
    from lgprof.cli.measuring import measure_run, read_run_request
    from lgprof.cli.output import Output, measure_and_deliver
    from lgprof.cli.reading import variables_set
    from lgprof.cli.run_options import read_extras
    from lgprof.config import load_settings

    cwd = Path.cwd()
    settings = load_settings(cwd)
    request = read_run_request(ctx, target, inputs or [], settings, cwd)
    extras = read_extras(ctx.params, settings, cwd, variables_set(ctx))
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
    result = measure_and_deliver(lambda: measure_run(request, extras, quiet=quiet), out, cwd)
    if result is None:
        return ExitCode.INTERRUPTED
    return exit_code(result)


def exit_code(result: Measured) -> int:
    """What a run tells its caller."""
    summary = result.profile.summary
    if summary.timed_out:
        note_cut_short()
    if result.profile.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if summary.succeeded else ExitCode.TARGET_FAILED
