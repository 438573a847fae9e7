"""From what was typed, the environment and the settings to the options of a gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from lgprof.cli.against_options import AGAINST, against_of, tolerances
from lgprof.cli.measuring import RunRequest, read_run_request
from lgprof.cli.reading import (
    Choice,
    Reader,
    Source,
    as_written,
    choose,
    names_profile,
    one_of,
    options_typed,
    read,
    variables_set,
)
from lgprof.config import Settings
from lgprof.errors import UsageError
from lgprof.gate.baseline import BaselineRules, refuse_load_test
from lgprof.gate.budgets import EXAMPLE, parse_budget
from lgprof.gate.tolerances import Tolerances
from lgprof.gate.versions import Against
from lgprof.metrics import Condition
from lgprof.model import Profile, read_profile

_OF_GATE = {
    *("target", "budget", "baseline", "trust_times", "allow_environment", "tolerance"),
    *("inconclusive", "list_metrics", "output", "force", "json_to", "quiet", "verbose"),
}
"""Parameters that say something about a saved Profile as well."""
_RULES = _OF_BASELINE = ("trust_times", "allow_environment")
_OF_AGAINST = ("base_python", "time_budget")
_OF_ONE_RUN = ("requests", "warmup", "concurrency", "probes", "monthly_requests")
"""A comparison of two versions plans its own requests."""
_OPTIONS = {
    "against": "--against REV",
    "baseline": "--baseline PROFILE",
    "budgets": "--budget BUDGET",
}


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What is gated, and on what."""

    run: RunRequest
    """What to run, where no Profile is given."""
    saved: Profile | None
    budgets: tuple[Condition, ...]
    baseline: Profile | None
    rules: BaselineRules
    against: Against | None
    """Another version of the graph to compare with."""
    yes: bool
    inconclusive_fails: bool


def read_gate_options(
    ctx: typer.Context, target: str | None, inputs: list[str], settings: Settings, cwd: Path
) -> GateOptions:
    """What was typed wins over the environment, that over the settings, these over the defaults.

    Raises:
        UsageError: A value that cannot be read, a file that is no Profile, or nothing to check.
    """
    typed = {**ctx.params, "budgets": ctx.params.get("budget")}
    values = _values(typed, settings, cwd, variables_set(ctx))
    against = against_of(values, values.get("tolerance", Tolerances()))
    if not values.get("budgets") and "baseline" not in values and against is None:
        raise UsageError(
            "nothing to check",
            hint=f"add --against main, --budget, such as {EXAMPLE}, or --baseline PROFILE",
        )
    _refuse_useless(ctx, values)
    baseline = read_profile(values["baseline"]) if "baseline" in values else None
    if baseline is not None:
        refuse_load_test(baseline)
    saved = None
    if target is not None and names_profile(target):
        _refuse_run_options(ctx)
        if against is not None:
            raise UsageError(
                f"--against runs the graph, and {target} is a saved Profile",
                hint="name the graph instead, or compare with --baseline PROFILE",
            )
        saved = read_profile(cwd / target)
    run = read_run_request(ctx, target, inputs, settings, cwd)
    if baseline is not None and "requests" not in {**settings.options, **options_typed(ctx)}:
        run = replace(run, options=replace(run.options, requests=baseline.summary.requests))
    allowed = values.get("tolerance", Tolerances())
    rules = {name: values[name] for name in _RULES if name in values}
    return GateOptions(
        run=run,
        saved=saved,
        budgets=values.get("budgets", ()),
        baseline=baseline,
        rules=BaselineRules(**rules, tolerances=allowed),
        against=against,
        yes=bool(ctx.params.get("yes")),
        inconclusive_fails=values.get("inconclusive") == "fail",
    )


def _values(
    typed: Mapping[str, Any], settings: Settings, cwd: Path, variables: Mapping[str, str]
) -> dict[str, Any]:
    return read(choose(typed, settings, cwd, variables, _READERS), _READERS, {})


def _refuse_useless(ctx: typer.Context, values: Mapping[str, Any]) -> None:
    """Refuse what was typed and would change nothing."""
    wanted = {
        **dict.fromkeys(_OF_AGAINST, ("against",)),
        **dict.fromkeys(_OF_BASELINE, ("baseline",)),
        **dict.fromkeys(_OF_ONE_RUN, ("budgets", "baseline")),
        "tolerance": ("against", "baseline"),
    }
    for name, option in options_typed(ctx).items():
        if name in wanted and not any(values.get(each) for each in wanted[name]):
            options = " or ".join(_OPTIONS[each] for each in wanted[name])
            raise UsageError(f"{option} says something of {options} alone", hint=f"add {options}")


def _refuse_run_options(ctx: typer.Context) -> None:
    useless = [option for name, option in options_typed(ctx).items() if name not in _OF_GATE]
    if useless:
        raise UsageError(
            f"{', '.join(useless)}: a saved Profile is not run again",
            hint="leave the option out, or name the graph instead of the file",
        )


def _budgets(choice: Choice) -> tuple[Condition, ...]:
    texts = [choice.value] if isinstance(choice.value, str) else choice.value
    what = "--budget" if choice.source is Source.COMMAND_LINE else choice.where
    return tuple(parse_budget(str(text), what) for text in texts)


_READERS: dict[str, Reader] = {
    "budgets": _budgets,
    "baseline": lambda choice: choice.folder / choice.value,
    "trust_times": as_written,
    "allow_environment": as_written,
    "tolerance": tolerances,
    **AGAINST,
    "inconclusive": one_of("answer", "pass", "fail"),
}
