"""``lgprof advise``: what to change, and what it will bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgprof.cli import parameters as shared
from lgprof.cli.reading import names_profile
from lgprof.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from lgprof.cli.consultation import Known
    from lgprof.cli.measuring import RunRequest
    from lgprof.config import Settings
    from lgprof.model import Failure, Profile

_REQUESTS = (20, 100)
"""By default each input is sent once, but so many requests are made at least, and at most."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A Profile from a file."""

    profile: Profile
    failures: list[Failure] = field(default_factory=list)
    abandoned: bool = False


def advise(
    ctx: typer.Context,
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET|PROFILE",
            help="A target, as of lgprof run, or a file that lgprof saved.",
            show_default=False,
        ),
    ] = None,
    inputs: shared.Inputs = None,
    requests: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--requests",
            min=1,
            envvar="LGPROF_REQUESTS",
            show_default="one for each input, 20 to 100",
            help="Requests to measure.",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what saves less than 2% of latency and of cost.")
    ] = False,
    why_not: Annotated[
        bool, typer.Option("--why-not", help="Also what was considered and refused, and why.")
    ] = False,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            metavar="CHANGE",
            help="What would it bring? 'node.retrieve*0.5', 'parallel(a, b)', "
            "'cache(a, ttl=60s)', 'retry(a, attempts=2)', 'model(a, gpt-4o-mini)', "
            "'durability(exit)', 'max_concurrency=8'; several with ';' are made together.",
        ),
    ] = None,
    prove: Annotated[
        bool,
        typer.Option("--prove", help="Apply each change to a copy of the graph and measure it."),
    ] = False,
    prove_requests: Annotated[
        int | None,
        typer.Option(
            "--prove-requests",
            min=1,
            metavar="N",
            show_default="as many as were measured",
            help="Inputs to run through each copy.",
        ),
    ] = None,
    yes: shared.Yes = False,
    warmup: shared.Warmup = None,
    timeout: shared.Timeout = None,
    mode: shared.Mode = None,
    checkpointer: shared.Checkpointer = None,
    store: shared.Store = None,
    context: shared.Context = None,
    config: shared.Config = None,
    resume: shared.Resume = None,
    recursion_limit: shared.RecursionLimit = None,
    failed_when: shared.FailedWhen = None,
    sample: shared.Sample = None,
    prices: shared.Prices = None,
    output: shared.Output = None,
    force: shared.Force = False,
    json_to: shared.JsonTo = None,
    quiet: shared.Quiet = False,
) -> int:
    """What to change, and what it will bring."""
    from lgprof.cli.consultation import Asked, Consultation
    from lgprof.cli.output import Output, measure_and_deliver
    from lgprof.cli.proving import Trials
    from lgprof.cli.run import exit_code
    from lgprof.config import load_settings
    from lgprof.whatif.grammar import check_what_if

    cwd = Path.cwd()
    settings = load_settings(cwd)
    for text in what_if or []:
        check_what_if(text)
    out = Output.checked(
        command="run",
        files=output or [],
        force=force,
        json_to=json_to,
        show=None,
        quiet=quiet,
        verbosity=0,
    )
    asked = Asked(what_if or [], everything, why_not, prove, quiet)
    if subject is not None and names_profile(subject):
        measure, request = _reading(ctx, subject, inputs or [], settings, prove=prove)
        out = replace(out, saves=False)
    else:
        measure, request = _measuring(ctx, subject, inputs or [], settings)
    trials = Trials(request, prove_requests, yes=yes, quiet=quiet)
    counsel = Consultation(request.billing.prices, asked, trials)
    result = measure_and_deliver(lambda: counsel.on(measure()), out, cwd, report=counsel.report)
    if counsel.mistake is not None:
        raise counsel.mistake
    return ExitCode.INTERRUPTED if result is None else exit_code(result)


def _reading(
    ctx: typer.Context, file: str, inputs: list[str], settings: Settings, *, prove: bool
) -> tuple[Callable[[], Known], RunRequest]:
    """A saved Profile, and how to run its target again."""
    from lgprof.cli.consultation import Known
    from lgprof.model.profile_file import read_profile

    if inputs and not prove:
        raise UsageError(
            f"-i: the requests of {file} were made already",
            hint="leave -i out, add --prove, or give the target in place of the Profile",
        )
    profile = read_profile(Path(file))
    if prove and not inputs and not settings.inputs:
        raise UsageError(
            f"--prove needs the inputs of {file} again: a Profile does not hold them",
            hint="give them with -i @inputs.jsonl",
        )
    request = _request(ctx, profile.target.spec, inputs, settings)
    request = replace(request, options=replace(request.options, mode=profile.target.mode))
    return lambda: Known(_Read(profile), None), request


def _measuring(
    ctx: typer.Context, target: str | None, inputs: list[str], settings: Settings
) -> tuple[Callable[[], Known], RunRequest]:
    """A measurement to be made, and how."""
    from lgprof.cli.consultation import Known
    from lgprof.cli.measuring import measure_run
    from lgprof.cli.reading import variables_set
    from lgprof.cli.run_options import read_extras

    request = _request(ctx, target, inputs, settings)
    extras = read_extras(ctx.params, settings, request.cwd, variables_set(ctx))

    def measure() -> Known:
        from lgprof.record.connections import watched_connections

        with watched_connections() as hosts:
            result = measure_run(request, extras, quiet=ctx.params["quiet"])
        return Known(result, hosts)

    return measure, request


def _request(
    ctx: typer.Context, target: str | None, inputs: list[str], settings: Settings
) -> RunRequest:
    from lgprof.cli.measuring import read_run_request

    request = read_run_request(ctx, target, inputs, settings, Path.cwd())
    options = replace(request.options, probes=True)
    if ctx.params["requests"] is None and "requests" not in settings.options:
        least, most = _REQUESTS
        number = len(request.inputs.items) if request.inputs else 1
        options = replace(options, requests=min(max(number, least), most))
    return replace(request, options=options)
