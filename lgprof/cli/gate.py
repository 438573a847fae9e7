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
from lgprof.cli.leaving import ended_in_order, note_cut_short
from lgprof.errors import ExitCode

if TYPE_CHECKING:
    from lgprof.cli.gate_options import GateOptions
    from lgprof.cli.standard_output import StandardOutput
    from lgprof.cli.verdict_output import VerdictOutput
    from lgprof.model import Profile, Verdict


def gate(
    ctx: typer.Context,
    target: own.Target = None,
    budget: own.Budgets = None,
    baseline: own.Baseline = None,
    trust_times: own.TrustTimes = None,
    allow_environment: own.AllowEnvironment = None,
    against: own.Against = None,
    base_python: own.BasePython = None,
    time_budget: own.TimeBudget = None,
    yes: shared.Yes = False,
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
    """Hold a graph to budgets, to another version of itself, or to a saved Profile."""
    from lgprof.cli.gate_options import read_gate_options
    from lgprof.cli.standard_output import StandardOutput
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
    from lgprof.gate.verdicts import exit_code, merged

    if options.saved is None and not options.budgets and options.baseline is None:
        out.refuse_reports()
    try:
        with ended_in_order():
            compared = _compared(options, out)
            if any(verdict.interrupted for verdict in compared):
                out.deliver(merged(compared), None, stdout)
                return ExitCode.INTERRUPTED
        start_s = time.monotonic()
        profile = _profile(options, out, stdout, cwd)
    except KeyboardInterrupt:
        note_cut_short()
        print("interrupted: nothing was decided", file=sys.stderr)
        return ExitCode.INTERRUPTED
    judged = _judged(profile, options, time.monotonic() - start_s)
    verdict = merged([*compared, *judged])
    out.deliver(verdict, profile, stdout)
    if profile is not None and options.saved is None and profile.interrupted:
        return ExitCode.INTERRUPTED
    if profile is not None and not profile.summary.succeeded:
        return ExitCode.TARGET_FAILED
    return exit_code(verdict, inconclusive_fails=options.inconclusive_fails)


def _compared(options: GateOptions, out: VerdictOutput) -> list[Verdict]:
    from lgprof.cli.against import compare

    if options.against is None:
        return []
    return [compare(options.run, options.against, quiet=out.quiet, yes=options.yes)]


def _judged(profile: Profile | None, options: GateOptions, elapsed_s: float) -> list[Verdict]:
    from msgspec.structs import replace

    from lgprof.gate.baseline import judge_baseline
    from lgprof.gate.budgets import judge_budgets
    from lgprof.gate.verdicts import merged

    verdicts = []
    if profile is not None and options.budgets:
        verdicts.append(judge_budgets(profile, options.budgets))
    if profile is not None and options.baseline is not None:
        verdicts.append(judge_baseline(options.baseline, profile, options.rules))
    return [replace(merged(verdicts), elapsed_s=elapsed_s)] if verdicts else []


def _profile(
    options: GateOptions, out: VerdictOutput, stdout: StandardOutput, cwd: Path
) -> Profile | None:
    """The Profile that is judged by itself; None where two versions are compared and no more."""
    if options.saved is not None:
        return options.saved
    if options.budgets or options.baseline is not None:
        return _measured(options, out, stdout, cwd)
    return None


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
