"""From what was typed, the environment and the settings to the options of a run."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path
from typing import Any

from lgprof.config import Settings
from lgprof.errors import UsageError
from lgprof.predicate import parse_predicate
from lgprof.run.options import RunOptions
from lgprof.target.inputs import parse_json_option

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "": 1.0}
_MODES = ("auto", "async", "sync")


def read_options(
    typed: dict[str, Any],
    settings: Settings,
    cwd: Path,
    *,
    in_environment: Container[str] = (),
) -> RunOptions:
    """What was typed wins over the settings, and these over the defaults.

    Args:
        typed: Options by their names in the settings; None where not given.
        settings: Of the project.
        cwd: Where relative paths that were typed start.
        in_environment: Names of the options that come from their variable.

    Raises:
        UsageError: A value that cannot be read.
    """
    from_settings = {**settings.options, "failed_when": settings.failed_when}
    base = settings.folder or cwd
    chosen: dict[str, Any] = {}
    for name, value in typed.items():
        if value is not None:
            option = f"--{name.replace('_', '-')}"
            where = f"LGPROF_{name.upper()}" if name in in_environment else option
            chosen[name] = _read(where, name, value, cwd)
        elif from_settings.get(name) is not None:
            chosen[name] = _read(f"{settings.file}: {name}", name, from_settings[name], base)
    renamed = {"timeout": "timeout_s", "resume": "resumes"}
    return RunOptions(**{renamed.get(name, name): value for name, value in chosen.items()})


def _read(where: str, name: str, value: Any, folder: Path) -> Any:
    if name == "timeout":
        return parse_duration_s(where, value)
    if name == "mode" and value not in _MODES:
        raise UsageError(f"{where}: {value!r} is no mode", hint=f"use {', '.join(_MODES)}")
    if name == "failed_when":
        return parse_predicate(value)
    if name in ("context", "config"):
        value = parse_json_option(where, value, folder) if isinstance(value, str) else value
        if name == "config" and not isinstance(value, dict):
            raise UsageError(f"{where}: {value!r} is no JSON object", hint='write {"key": ...}')
        return value
    if name == "resume":
        answers = value if isinstance(value, list) else [value]
        return [
            parse_json_option(where, answer, folder, bare_strings=True)
            if isinstance(answer, str)
            else answer
            for answer in answers
        ]
    if name == "checkpointer":
        kind, _, file = value.partition(":")
        return f"{kind}:{folder / file}" if kind == "sqlite" and file else value
    if name in ("requests", "warmup", "concurrency", "recursion_limit"):
        return _checked_count(where, name, value)
    return value


def _checked_count(where: str, name: str, value: int) -> int:
    least = 0 if name == "warmup" else 1
    if value < least:
        raise UsageError(f"{where}: {value} is less than {least}")
    return value


def parse_duration_s(where: str, value: str | float) -> float:
    """Seconds of a duration such as ``500ms``, ``30s`` or ``2m``; a bare number is seconds.

    Raises:
        UsageError: It is none, or not positive.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(value))
    if match is None or match[2] not in _UNITS_S or float(match[1]) <= 0:
        raise UsageError(f"{where}: {value!r} is no duration", hint="write 500ms, 30s or 2m")
    return float(match[1]) * _UNITS_S[match[2]]
