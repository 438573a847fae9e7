"""Failures as the terminal shows them to the user. They are kept in memory and never saved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Failure:
    """Failed requests that raised the same error in the same node."""

    error_type: str
    """Qualified name, such as ``builtins.ValueError``."""
    message: str
    """Of the first of them."""
    node: str | None
    """Path of the node that raised it; None outside any node."""
    traceback: str
    """Of the first of them: the user's frames, ours and LangGraph's cut away."""
    count: int = 1
