"""``lgprof load``: open-loop load on a graph, with latencies that can be trusted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lgprof.cli import load_parameters as own
from lgprof.cli import parameters as shared
from lgprof.cli.leaving import note_cut_short
from lgprof.errors import ExitCode

if TYPE_CHECKING:
    from lgprof.load.fleet import LoadResult
    from lgprof.load.options import FleetOptions
    from lgprof.model import Profile


def load(
    ctx: typer.Context,
    target: shared.Target = None,
    inputs: shared.Inputs = None,
    rps: own.Rps = None,
    duration: own.Duration = None,
    requests: own.Requests = None,
    stages: own.Stages = None,
    ramp: own.Ramp = None,
    arrivals: own.Arrivals = None,
    seed: own.Seed = None,
    users: own.Users = None,
    think: own.Think = None,
    warmup: own.Warmup = None,
    workers: own.Workers = None,
    max_concurrent: own.MaxConcurrent = None,
    max_in_flight: own.MaxInFlight = None,
    keep: own.Keep = None,
    abort_on: own.AbortOn = None,
    tolerate_worker_loss: own.TolerateWorkerLoss = None,
    strict: own.Strict = None,
    yes: shared.Yes = False,
    timeout: shared.Timeout = None,
    mode: shared.Mode = None,
    checkpointer: shared.Checkpointer = None,
    store: shared.Store = None,
    context: shared.Context = None,
    config: shared.Config = None,
    resume: shared.Resume = None,
    recursion_limit: shared.RecursionLimit = None,
    failed_when: shared.FailedWhen = None,
    prices: shared.Prices = None,
    monthly_requests: shared.MonthlyRequests = None,
    ui: own.Ui = False,
    master: own.Master = False,
    bind: own.Bind = None,
    expect_workers: own.ExpectWorkers = None,
    worker: own.Worker = False,
    master_host: own.MasterHost = None,
    master_port: own.MasterPort = None,
    output: shared.Output = None,
    force: shared.Force = False,
    json_to: shared.JsonTo = None,
    show: shared.Show = None,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = 0,
) -> int:
    """Load a graph at a steady rate: what happens at 50 requests a second?"""
    from lgprof.cli.fleet_options import read_fleet_options
    from lgprof.cli.live import watching
    from lgprof.cli.load_options import is_strict, read_load_options
    from lgprof.cli.output import Output, measure_and_deliver
    from lgprof.cli.reading import options_typed, variables_set
    from lgprof.config import load_settings
    from lgprof.target import parse_inputs

    cwd = Path.cwd()
    if worker:
        return _serve(ctx, target, cwd, quiet=quiet)
    settings = load_settings(cwd, "load")
    options = read_load_options(ctx.params, settings, cwd, variables_set(ctx))
    fleet = read_fleet_options(ctx.params, options_typed(ctx))
    given = parse_inputs(inputs or [], settings, cwd)
    out = Output.checked(
        command="load",
        files=output or [],
        force=force,
        json_to=json_to,
        show=show,
        quiet=quiet,
        verbosity=verbose,
    )
    _warn_of_open_port(fleet)

    def measure() -> LoadResult:
        from lgprof.load.fleet import load_test

        with watching(quiet=quiet, yes=yes) as watcher:
            return load_test(target, given, options, fleet, folder=cwd, watch=watcher)

    result = measure_and_deliver(measure, out, cwd)
    if result is None:
        return ExitCode.INTERRUPTED
    return exit_code(result.profile, strict=is_strict(ctx.params, settings))


def _serve(ctx: typer.Context, target: str | None, cwd: Path, *, quiet: bool) -> int:
    from lgprof.cli.fleet_options import read_master_address
    from lgprof.cli.reading import options_typed

    host, port = read_master_address(ctx.params, options_typed(ctx))

    from lgprof.load.worker import serve_worker  # seconds, which a wrong option need not wait for

    def tell(text: str) -> None:
        if not quiet:
            print(f"lgprof worker: {text}", file=sys.stderr, flush=True)

    try:
        return serve_worker(target, host, port, folder=cwd, tell=tell)
    finally:
        note_cut_short()  # a request may still hold on to its thread, and nobody waits for it


def _warn_of_open_port(fleet: FleetOptions) -> None:
    from lgprof.cli.fleet_options import is_loopback

    if not is_loopback(fleet.host):
        print(
            f"warning: whoever reaches {fleet.host}:{fleet.port} can join the test and read its "
            "inputs: that port knows no authentication and no encryption\n"
            "  bind it to a private address, or to 127.0.0.1 and tunnel it through ssh",
            file=sys.stderr,
        )


def exit_code(profile: Profile, *, strict: bool) -> ExitCode:
    """What a load test tells its caller; the first that holds.

    Args:
        profile: Of the load test.
        strict: An invalid measurement is an error.
    """
    if profile.interrupted:
        return ExitCode.INTERRUPTED
    if not profile.summary.succeeded:
        return ExitCode.TARGET_FAILED
    load = profile.load
    if load is not None and load.abort_reason is not None:
        return ExitCode.GATE_FAILED
    if load is not None and strict and load.fidelity.verdict == "invalid":
        return ExitCode.INVALID
    return ExitCode.OK
