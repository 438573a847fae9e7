"""From what was typed, the environment and the settings to the options of a run."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lgprof.cli.reading import (
    REQUEST,
    REQUEST_FIELDS,
    Choice,
    Reader,
    as_written,
    at_least,
    choose,
    read,
)
from lgprof.config import Settings
from lgprof.errors import UsageError
from lgprof.run.options import Extras, RunOptions

_READERS: dict[str, Reader] = {
    **REQUEST,
    "requests": at_least(1),
    "warmup": at_least(0),
    "concurrency": at_least(1),
    "probes": as_written,
    "capture_content": as_written,
}
RUN_OPTIONS = tuple(_READERS)
"""Names of the options that say how a graph is run."""


def read_run_options(
    typed: Mapping[str, Any], settings: Settings, cwd: Path, variables: Mapping[str, str]
) -> RunOptions:
    """What was typed wins over the environment, that over the settings, these over the defaults.

    Args:
        typed: Values by parameter; None where not given.
        settings: Of the project, for ``run``.
        cwd: Where relative paths that were typed start.
        variables: Parameters whose value is that of their variable, with its name.

    Raises:
        UsageError: A value that cannot be read.
    """
    choices = choose(typed, settings, cwd, variables, _READERS)
    return RunOptions(**read(choices, _READERS, REQUEST_FIELDS))


def _memory(choice: Choice) -> bool:
    wanted: bool = choice.value
    if wanted and importlib.util.find_spec("memray") is None:
        raise UsageError(
            f"{choice.where} needs memray, which runs on Linux and macOS",
            hint="pip install 'lgprof[memory]'",
        )
    return wanted


_EXTRAS: dict[str, Reader] = {"sample": as_written, "memory": _memory}


def read_extras(
    typed: Mapping[str, Any], settings: Settings, cwd: Path, variables: Mapping[str, str]
) -> Extras:
    """What the run does besides measuring; arguments and errors are those of `read_run_options`."""
    choices = choose(typed, settings, cwd, variables, _EXTRAS)
    return Extras(**read(choices, _EXTRAS, {}))
