"""Running the user's graph, for all commands that do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lgprof.run.options import Billing, Extras, RunOptions

if TYPE_CHECKING:
    from lgprof.config import Settings
    from lgprof.run import RunResult
    from lgprof.target import Inputs


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run and how, checked before anything does."""

    target: str | None
    inputs: Inputs | None
    """None: made from the graph's input schema."""
    options: RunOptions
    billing: Billing
    settings: Settings
    cwd: Path


def read_run_request(
    ctx: typer.Context, target: str | None, inputs: list[str], settings: Settings, cwd: Path
) -> RunRequest:
    """From what was typed, the environment and the settings.

    Raises:
        UsageError: A value that cannot be read.
    """
    from lgprof.cli.billing import read_billing
    from lgprof.cli.reading import variables_set
    from lgprof.cli.run_options import read_run_options
    from lgprof.target import parse_inputs

    given = (ctx.params, settings, cwd, variables_set(ctx))
    return RunRequest(
        target=target,
        inputs=parse_inputs(inputs, settings, cwd),
        options=read_run_options(*given),
        billing=read_billing(*given),
        settings=settings,
        cwd=cwd,
    )


def measure_run(request: RunRequest, extras: Extras, *, quiet: bool) -> RunResult:
    """Load the target and run it, with progress on standard error.

    Raises:
        LgprofError: The target cannot be loaded, or an option does not fit it.
    """
    from lgprof.cli.progress import progress_on
    from lgprof.langgraph_adapter.input_schema import input_json_schema
    from lgprof.run import profile_run
    from lgprof.target import import_sandbox, inputs_from_schema, load_target

    with import_sandbox(request.cwd), progress_on(quiet=quiet) as progress:
        progress("load", 0, 0)
        source = load_target(request.target, request.settings, request.cwd)
        return profile_run(
            source,
            lambda opened: request.inputs or inputs_from_schema(input_json_schema(opened.graph)),
            request.options,
            folder=request.cwd,
            billing=request.billing,
            extras=extras,
            progress=progress,
        )
