"""From what was typed, the environment and the settings to the options of a load test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lgprof.cli.billing import read_billing
from lgprof.cli.reading import (
    REQUEST,
    REQUEST_FIELDS,
    Choice,
    Reader,
    Source,
    as_written,
    at_least,
    choose,
    duration_or_zero_s,
    duration_s,
    one_of,
    read,
)
from lgprof.config import Settings
from lgprof.errors import UsageError
from lgprof.load.abort import AbortRule, parse_abort_rule
from lgprof.load.options import LoadOptions
from lgprof.run.options import RunOptions

_HIGHEST_RPS = 1_000_000
_STAGES_EXAMPLE = "--stages '10:30s,50:60s'"
_NO_RATE = "a closed model has no schedule: each user waits for its answer"
_USERS_ARE_THE_LIMIT = "as many requests run at once as there are users"
_EXCLUSIVE = {
    frozenset(("rps", "stages")): f"each stage has its own rate: {_STAGES_EXAMPLE}",
    frozenset(("duration", "stages")): f"each stage has its own duration: {_STAGES_EXAMPLE}",
    frozenset(("requests", "stages")): "the stages say how long the test lasts",
    frozenset(("duration", "requests")): "the test ends after a time or after so many requests",
    frozenset(("rps", "users")): _NO_RATE,
    frozenset(("stages", "users")): _NO_RATE,
    frozenset(("arrivals", "users")): _NO_RATE,
    frozenset(("max_concurrent", "users")): _USERS_ARE_THE_LIMIT,
    frozenset(("max_in_flight", "users")): _USERS_ARE_THE_LIMIT,
}
"""Options that exclude each other, and why."""

_USELESS_ALONE = {"think": ("users", "--users 20"), "ramp": ("stages", _STAGES_EXAMPLE)}
"""Options that say nothing without another one, and what to type."""


def read_load_options(
    typed: Mapping[str, Any], settings: Settings, cwd: Path, variables: Mapping[str, str]
) -> LoadOptions:
    """What was typed wins over the environment, that over the settings, these over the defaults.

    An option also displaces those that it excludes where they stand farther from the command line:
    ``--users 5`` puts ``stages`` of the settings out of force.

    Args:
        typed: Values by parameter; None where not given.
        settings: Of the project, for ``load``.
        cwd: Where relative paths that were typed start.
        variables: Parameters whose value is that of their variable, with its name.

    Raises:
        UsageError: A value that cannot be read, options that exclude each other, or a schedule
            without an arrival.
    """
    own = _without_excluded(choose(typed, settings, cwd, variables, _READERS))
    _refuse_useless(own)
    request = choose(typed, settings, cwd, variables, REQUEST)
    options = LoadOptions(
        request=RunOptions(**read(request, REQUEST, REQUEST_FIELDS)),
        billing=read_billing(typed, settings, cwd, variables),
        **read(own, _READERS, _FIELDS),
    )
    if options.users is None and not options.schedule().count:
        raise UsageError(
            "no request would arrive: the rate is too low for so short a time",
            hint="raise --rps or --duration",
        )
    return options


def is_strict(typed: Mapping[str, Any], settings: Settings) -> bool:
    """Whether an invalid measurement is an error."""
    chosen = typed.get("strict")
    return bool(settings.options.get("strict") if chosen is None else chosen)


def _without_excluded(choices: Mapping[str, Choice]) -> dict[str, Choice]:
    kept: dict[str, Choice] = {}
    for name in sorted(choices, key=lambda name: choices[name].source):
        rivals = [other for other in kept if frozenset((name, other)) in _EXCLUSIVE]
        if not rivals:
            kept[name] = choices[name]
        elif all(kept[rival].source == choices[name].source for rival in rivals):
            _refuse_both(rivals[0], name, choices)
    return kept


def _refuse_both(one: str, other: str, choices: Mapping[str, Choice]) -> None:
    in_settings = choices[other].source is Source.SETTINGS
    raise UsageError(
        f"{choices[one].where} and {other if in_settings else choices[other].where} "
        "exclude each other",
        hint=_EXCLUSIVE[frozenset((one, other))],
    )


def _refuse_useless(kept: Mapping[str, Choice]) -> None:
    for name, (needed, example) in _USELESS_ALONE.items():
        if name in kept and needed not in kept and kept[name].source is Source.COMMAND_LINE:
            raise UsageError(f"--{name} without --{needed}", hint=f"add {example}")


def _rate(choice: Choice) -> float:
    if not 0 < choice.value <= _HIGHEST_RPS:  # which is false of nan, too
        raise UsageError(
            f"{choice.where}: {choice.value:g} is no rate",
            hint=f"write requests a second, above 0 and up to {_HIGHEST_RPS}",
        )
    return float(choice.value)


def _stages(choice: Choice) -> tuple[tuple[float, float], ...]:
    parts = choice.value.split(",") if isinstance(choice.value, str) else choice.value
    return tuple(_stage(replace(choice, value=part)) for part in parts)


def _stage(choice: Choice) -> tuple[float, float]:
    rate, colon, duration = str(choice.value).partition(":")
    is_rate = re.fullmatch(r"\s*\d+(\.\d+)?\s*", rate) and float(rate) <= _HIGHEST_RPS
    if not colon or not is_rate:
        raise UsageError(
            f"{choice.where}: {choice.value!r} is no stage",
            hint="write RATE:DURATION, such as 10:30s,50:60s",
        )
    return float(rate), duration_s(replace(choice, value=duration))


def _count_or_auto(choice: Choice) -> int | None:
    text = str(choice.value).strip()
    if text == "auto":
        return None
    if re.fullmatch(r"0*[1-9]\d*", text) is None:
        raise UsageError(
            f"{choice.where}: {choice.value!r} is neither auto nor a number from 1 on",
            hint="write auto or 4",
        )
    return int(text)


def _abort_rules(choice: Choice) -> tuple[AbortRule, ...]:
    texts = [choice.value] if isinstance(choice.value, str) else choice.value
    try:
        return tuple(parse_abort_rule(str(text)) for text in texts)
    except UsageError as error:
        if choice.source is Source.COMMAND_LINE:
            raise
        message = error.message.removeprefix("--abort-on ")
        raise UsageError(f"{choice.where}: {message}", hint=error.hint) from None


_READERS: dict[str, Reader] = {
    "rps": _rate,
    "duration": duration_s,
    "requests": at_least(1),
    "stages": _stages,
    "ramp": duration_or_zero_s,
    "arrivals": one_of("kind of arrivals", "constant", "poisson"),
    "seed": as_written,
    "users": at_least(1),
    "think": duration_or_zero_s,
    "warmup": duration_or_zero_s,
    "workers": _count_or_auto,
    "max_concurrent": _count_or_auto,
    "max_in_flight": at_least(1),
    "keep": at_least(0),
    "abort_on": _abort_rules,
    "tolerate_worker_loss": as_written,
}

_FIELDS = {
    "duration": "duration_s",
    "ramp": "ramp_s",
    "think": "think_s",
    "warmup": "warmup_s",
}
"""Fields of `LoadOptions` that are not named as their option."""
