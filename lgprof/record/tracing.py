"""Keeps LangSmith's tracer out of a measurement: it costs time and sends prompts away."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from langsmith import utils as langsmith_utils

_SWITCHES = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2")


def tracing_is_on() -> bool:
    """Whether the environment asks for LangSmith tracing."""
    return any(os.environ.get(name, "").lower() == "true" for name in _SWITCHES)


@contextmanager
def tracing_off() -> Iterator[None]:
    """Switch LangSmith tracing off until the context ends."""
    before = {name: os.environ.get(name) for name in _SWITCHES}
    os.environ.update(dict.fromkeys(_SWITCHES, "false"))
    _forget_environment()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _forget_environment()


def _forget_environment() -> None:
    """LangSmith reads its variables once; let it read them again."""
    read: Any = langsmith_utils.get_env_var
    read.cache_clear()
