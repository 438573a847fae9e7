"""``lgprof advise``: what to change, and what it will bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgprof.cli import parameters as shared
from lgprof.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from lgprof.cli.output import Measured, StandardOutput
    from lgprof.config import Settings
    from lgprof.llm.price_table import PriceTable
    from lgprof.model import Failure, Profile
    from lgprof.render.terminal import AdviceNotes

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
    prices: shared.Prices = None,
    output: shared.Output = None,
    force: shared.Force = False,
    json_to: shared.JsonTo = None,
    quiet: shared.Quiet = False,
) -> int:
    """What to change, and what it will bring."""
    from lgprof.cli.billing import read_billing
    from lgprof.cli.output import Output, measure_and_deliver
    from lgprof.cli.reading import variables_set
    from lgprof.cli.run import exit_code
    from lgprof.config import load_settings

    cwd = Path.cwd()
    settings = load_settings(cwd)
    billing = read_billing(ctx.params, settings, cwd, variables_set(ctx))
    out = Output.checked(
        command="run",
        files=output or [],
        force=force,
        json_to=json_to,
        show=None,
        quiet=quiet,
        verbosity=0,
    )
    if subject is not None and _is_saved(subject):
        measure = _reading(subject, inputs)
        out = replace(out, saves=False)
    else:
        measure = _measuring(ctx, subject, inputs, settings)
    counsel = _Consultation(billing.prices, everything=everything, why_not=why_not, quiet=quiet)
    result = measure_and_deliver(lambda: counsel.on(measure()), out, cwd, report=counsel.report)
    return ExitCode.INTERRUPTED if result is None else exit_code(result)


def _is_saved(subject: str) -> bool:
    """Whether it is a file, which no target is: they name what is in it, or the graph."""
    return Path(subject).is_file() and Path(subject).suffix != ".py"


def _reading(file: str, inputs: list[str] | None) -> Callable[[], Measured]:
    from lgprof.model.profile_file import read_profile

    if inputs:
        raise UsageError(
            f"-i: the requests of {file} were made already",
            hint="leave -i out, or give the target in place of the Profile",
        )
    stored = _Read(read_profile(Path(file)))
    return lambda: stored


def _measuring(
    ctx: typer.Context,
    target: str | None,
    inputs: list[str] | None,
    settings: Settings,
) -> Callable[[], Measured]:
    from lgprof.cli.measuring import measure_run, read_run_request
    from lgprof.cli.reading import variables_set
    from lgprof.cli.run_options import read_extras

    cwd = Path.cwd()
    request = read_run_request(ctx, target, inputs or [], settings, cwd)
    given, options = request.inputs, request.options
    if ctx.params["requests"] is None and "requests" not in settings.options:
        least, most = _REQUESTS
        number = len(given.items) if given else 1
        options = replace(options, requests=min(max(number, least), most))
    request = replace(request, options=replace(options, probes=True))
    extras = read_extras(ctx.params, settings, cwd, variables_set(ctx))
    quiet = ctx.params["quiet"]
    return lambda: measure_run(request, extras, quiet=quiet)


class _Consultation:
    """Fills the advice of what was measured, and prints it."""

    def __init__(
        self, prices: PriceTable | None, *, everything: bool, why_not: bool, quiet: bool
    ) -> None:
        self._prices = prices
        self._everything = everything
        self._why_not = why_not
        self._quiet = quiet
        self._notes: AdviceNotes | None = None

    def on(self, result: Measured) -> Measured:
        """The same, with advice."""
        from lgprof.advice.advise import advise, why_nothing
        from lgprof.render.terminal import AdviceNotes

        profile = result.profile
        counsel = advise(profile, self._prices)
        profile.advice = [
            *counsel.noteworthy,
            *(counsel.minor if self._everything else ()),
            *(counsel.refused if self._why_not else ()),
        ]
        self._notes = AdviceNotes(
            minor=0 if self._everything else len(counsel.minor),
            refused=0 if self._why_not else len(counsel.refused),
            nothing=why_nothing(profile, counsel),
        )
        return result

    def report(self, result: Measured, stdout: StandardOutput, saved_to: str | None) -> None:
        """Print it for people."""
        from lgprof.cli.console import ReportConsole
        from lgprof.render.terminal import AdviceNotes, render_counsel

        console = ReportConsole(stdout.people())
        notes = self._notes or AdviceNotes()
        render_counsel(result.profile, console, notes, saved_to=saved_to, quiet=self._quiet)
