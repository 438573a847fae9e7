"""Drives requests through a graph and profiles them.

What runs is imported on first use, so that a wrong option is answered at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lgprof.run.options import Billing, Extras, RunOptions

if TYPE_CHECKING:
    from lgprof.run.profiling import Progress, RunResult, profile_run

__all__ = ["Billing", "Extras", "Progress", "RunOptions", "RunResult", "profile_run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("lgprof.run.profiling"), name)
