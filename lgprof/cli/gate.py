"""``lgprof gate``: budgets and regressions, for CI."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lgprof.cli import gate_parameters as own
from lgprof.cli import parameters as shared
from lgprof.cli import run_parameters
from lgprof.cli.leaving import note_cut_short
from lgprof.errors import ExitCode

if TYPE_CHECKING:
    from lgprof.cli.gate_options import GateOptions
    from lgprof.cli.output import StandardOutput
    from lgprof.cli.verdict_output import VerdictOutput
    from lgprof.model import Profile, Verdict


def gate(
    ctx: typer.Context,
    target: own.Target = None,
    budget: own.Budgets = None,
    baseline: own.Baseline = None,
    trust_times: own.TrustTimes = None,
    allow_environment: own.AllowEnvironment = None,
    tolerance: own.Tolerance = None,
    inconclusive: own.Inconclusive = None,
    list_metrics: own.ListMetrics = False,
    inputs: shared.Inputs = None,
    requests: run_parameters.Requests = None,
    warmup: shared.Warmup = None,
    concurrency: run_parameters.Concurrency = None,
    timeout: shared.Timeout = None,
    mode: shared.Mode = None,
    checkpointer: shared.Checkpointer = None,
    store: shared.Store = None,
    context: shared.Context = None,
    config: shared.Config = None,
    resume: shared.Resume = None,
    recursion_limit: shared.RecursionLimit = None,
    failed_when: shared.FailedWhen = None,
    probes: run_parameters.Probes = None,
    prices: shared.Prices = None,
    monthly_requests: shared.MonthlyRequests = None,
    output: own.Output = None,
    force: shared.Force = False,
    json_to: own.JsonTo = None,
    quiet: own.Quiet = False,
    verbose: own.Verbose = 0,
) -> int:
    """Hold a graph, or a saved Profile, to budgets and to a baseline."""
    from lgprof.cli.gate_options import read_gate_options
    from lgprof.cli.output import StandardOutput
    from lgprof.cli.verdict_output import VerdictOutput
    from lgprof.config import load_settings

    cwd = Path.cwd()
    if list_metrics:
        return _list_metrics(target)
    settings = load_settings(cwd, "gate")
    options = read_gate_options(ctx, target, inputs or [], settings, cwd)
    out = VerdictOutput.checked(
        files=output or [], force=force, json_to=json_to, quiet=quiet, verbosity=verbose
    )
    with StandardOutput(reserved=out.as_json) as stdout:
        return _decide(options, out, stdout, cwd)


def _decide(
    options: GateOptions, out: VerdictOutput, stdout: StandardOutput, cwd: Path
) -> ExitCode:
    from lgprof.gate.verdicts import exit_code

    start_s = time.monotonic()
    try:
        profile = options.saved or _measured(options, out, stdout, cwd)
    except KeyboardInterrupt:
        note_cut_short()
        print("interrupted: nothing was decided", file=sys.stderr)
        return ExitCode.INTERRUPTED
    verdict = _judged(profile, options, time.monotonic() - start_s)
    out.deliver(verdict, stdout)
    if options.saved is None and profile.interrupted:
        return ExitCode.INTERRUPTED
    if not profile.summary.succeeded:
        return ExitCode.TARGET_FAILED
    return exit_code(verdict, inconclusive_fails=options.inconclusive_fails)


def _judged(profile: Profile, options: GateOptions, elapsed_s: float) -> Verdict:
    from msgspec.structs import replace

    from lgprof.gate.baseline import judge_baseline
    from lgprof.gate.budgets import judge_budgets
    from lgprof.gate.verdicts import merged

    verdicts = []
    if options.budgets:
        verdicts.append(judge_budgets(profile, options.budgets))
    if options.baseline is not None:
        verdicts.append(judge_baseline(options.baseline, profile, options.rules))
    return replace(merged(verdicts), elapsed_s=elapsed_s)


def _measured(
    options: GateOptions, out: VerdictOutput, stdout: StandardOutput, cwd: Path
) -> Profile:
    from lgprof.cli.measuring import measure_run
    from lgprof.run.options import Extras

    result = measure_run(options.run, Extras(sample=False), quiet=out.quiet)
    if result.abandoned or result.profile.interrupted or result.profile.summary.timed_out:
        note_cut_short()
    out.keep_measurement(result, stdout, cwd)
    return result.profile


def _list_metrics(profile: str | None) -> ExitCode:
    from lgprof.cli.console import ReportConsole
    from lgprof.model import read_profile
    from lgprof.render.terminal.metrics import render_metrics

    stored = read_profile(Path(profile)) if profile else None
    render_metrics(ReportConsole(sys.stdout), stored)
    return ExitCode.OK
