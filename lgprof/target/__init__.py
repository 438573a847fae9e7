"""From what the user typed to a graph that runs, and its inputs.

The loader imports LangGraph; it is itself imported on first use, so that a wrong option is
answered at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lgprof.target.inputs import (
    Inputs,
    inputs_from_schema,
    parse_inputs,
    parse_json_option,
    substitute,
)

if TYPE_CHECKING:
    from lgprof.target.loader import load_target
    from lgprof.target.sandbox import import_sandbox
    from lgprof.target.source import OpenTarget, TargetSource

__all__ = [
    "Inputs",
    "OpenTarget",
    "TargetSource",
    "import_sandbox",
    "inputs_from_schema",
    "load_target",
    "parse_inputs",
    "parse_json_option",
    "substitute",
]

_LATE = {
    "OpenTarget": "source",
    "TargetSource": "source",
    "import_sandbox": "sandbox",
    "load_target": "loader",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATE[name]}"), name)
