"""From what was typed, the environment and the settings to values: the nearest one wins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import typer

from lgprof.config import Settings
from lgprof.errors import UsageError
from lgprof.predicate import parse_predicate
from lgprof.target.inputs import parse_json_option

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "": 1.0}
_MODES = ("auto", "async", "sync")
_PROFILES = (".json", ".json.gz")


class Source(IntEnum):
    """Where a value comes from, the one that wins first."""

    COMMAND_LINE = 1
    ENVIRONMENT = 2
    SETTINGS = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """An option's value, as written."""

    value: Any
    where: str
    """The option, variable or setting, for messages."""
    source: Source
    folder: Path
    """Where relative paths in it start."""


Reader = Callable[[Choice], Any]
"""Makes the value of what is written; raises `UsageError` where it cannot be read."""


def options_typed(ctx: typer.Context) -> dict[str, str]:
    """Parameters given on the command line, each with the name of its option."""
    return {name: max(option.opts, key=len) for name, option in _from(ctx, "COMMANDLINE").items()}


def variables_set(ctx: typer.Context) -> dict[str, str]:
    """Parameters whose value is that of their variable, each with its name."""
    return {name: str(option.envvar) for name, option in _from(ctx, "ENVIRONMENT").items()}


def _from(ctx: typer.Context, source: str) -> dict[str, Any]:
    return {
        option.name: option
        for option in ctx.command.params
        if option.name and getattr(ctx.get_parameter_source(option.name), "name", "") == source
    }


def choose(
    typed: Mapping[str, Any],
    settings: Settings,
    cwd: Path,
    variables: Mapping[str, str],
    names: Iterable[str],
) -> dict[str, Choice]:
    """The value that counts of each option that was given anywhere.

    Args:
        typed: Values by parameter; None or empty where not given.
        settings: Of the project.
        cwd: Where relative paths that were typed start.
        variables: Parameters whose value is that of their variable.
        names: The options to look at.
    """
    written = {**settings.options, "failed_when": settings.failed_when}
    chosen = {}
    for name in names:
        value = typed.get(name)
        if value is not None and value not in ([], ()):
            variable = variables.get(name)
            source = Source.ENVIRONMENT if variable else Source.COMMAND_LINE
            where = variable or f"--{name.replace('_', '-')}"
            chosen[name] = Choice(value, where, source, cwd)
        elif written.get(name) is not None:
            where = f"{settings.file}: {name}"
            chosen[name] = Choice(written[name], where, Source.SETTINGS, settings.folder or cwd)
    return chosen


def duration_s(choice: Choice) -> float:
    """Seconds of a duration such as ``500ms``, ``30s`` or ``2m``; a bare number is seconds.

    Raises:
        UsageError: It is none, or not positive.
    """
    seconds = duration_or_zero_s(choice)
    if seconds <= 0:
        raise _no_duration(choice)
    return seconds


def duration_or_zero_s(choice: Choice) -> float:
    """Like `duration_s`; 0 is allowed."""
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d+)?)\s*([a-z]*)\s*", str(choice.value))
    if match is None or match[2] not in _UNITS_S:
        raise _no_duration(choice)
    return float(match[1]) * _UNITS_S[match[2]]


def _no_duration(choice: Choice) -> UsageError:
    return UsageError(
        f"{choice.where}: {choice.value!r} is no duration", hint="write 500ms, 30s or 2m"
    )


def at_least(least: int) -> Reader:
    """Reads a whole number."""

    def read(choice: Choice) -> int:
        value: int = choice.value
        if value < least:
            raise UsageError(f"{choice.where}: {value} is less than {least}")
        return value

    return read


def one_of(what: str, *words: str) -> Reader:
    """Reads one of some words."""

    def read(choice: Choice) -> str:
        if choice.value not in words:
            raise UsageError(
                f"{choice.where}: {choice.value!r} is no {what}", hint=f"use {', '.join(words)}"
            )
        return str(choice.value)

    return read


def as_written(choice: Choice) -> Any:
    """The value itself."""
    return choice.value


def _json(choice: Choice) -> Any:
    if isinstance(choice.value, str):
        return parse_json_option(choice.where, choice.value, choice.folder)
    return choice.value


def _config(choice: Choice) -> Any:
    value = _json(choice)
    if not isinstance(value, dict):
        raise UsageError(f"{choice.where}: {value!r} is no JSON object", hint='write {"key": ...}')
    return value


def _answers(choice: Choice) -> list[Any]:
    answers = choice.value if isinstance(choice.value, list | tuple) else [choice.value]
    return [
        parse_json_option(choice.where, answer, choice.folder, bare_strings=True)
        if isinstance(answer, str)
        else answer
        for answer in answers
    ]


def _checkpointer(choice: Choice) -> str:
    kind, _, file = choice.value.partition(":")
    return f"{kind}:{choice.folder / file}" if kind == "sqlite" and file else choice.value


REQUEST: dict[str, Reader] = {
    "timeout": duration_s,
    "mode": one_of("mode", *_MODES),
    "checkpointer": _checkpointer,
    "store": as_written,
    "context": _json,
    "config": _config,
    "resume": _answers,
    "recursion_limit": at_least(1),
    "failed_when": lambda choice: parse_predicate(choice.value),
}
"""How each option is read that says how a request is made."""

REQUEST_FIELDS = {"timeout": "timeout_s", "resume": "resumes"}
"""Fields of `RunOptions` that are not named as their option."""


def read(
    choices: Mapping[str, Choice], readers: Mapping[str, Reader], fields: Mapping[str, str]
) -> dict[str, Any]:
    """The values by the fields that hold them.

    Args:
        choices: By option.
        readers: By option.
        fields: Those that are not named as their option.

    Raises:
        UsageError: A value that cannot be read.
    """
    return {fields.get(name, name): readers[name](choice) for name, choice in choices.items()}


def names_profile(subject: str) -> bool:
    """Whether it is a saved Profile that is named, there or not: targets name what is in a file."""
    file = Path(subject)
    return subject.endswith(_PROFILES) or (file.is_file() and file.suffix != ".py")
