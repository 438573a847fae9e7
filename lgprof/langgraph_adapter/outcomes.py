"""What an exception that passes through a graph means."""

from __future__ import annotations

import asyncio

from langgraph import errors as langgraph_errors
from langgraph.errors import GraphBubbleUp, GraphInterrupt

from lgprof.model import Outcome

# Added in langgraph 1.2.
_NODE_TIMEOUT: type[BaseException] | None = getattr(langgraph_errors, "NodeTimeoutError", None)


def outcome_of(error: BaseException) -> Outcome:
    """How a run ended that raised this.

    LangGraph uses exceptions for control flow too: an interrupt, and a command to the parent
    graph, are no errors. Nor is a stream whose reader has heard enough.
    """
    if isinstance(error, GraphInterrupt):
        return "interrupted"
    if isinstance(error, GraphBubbleUp):
        return "ok"
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "cancelled"
    if _NODE_TIMEOUT is not None and isinstance(error, _NODE_TIMEOUT):
        return "timed_out"
    return "failed"


def type_name(error: BaseException) -> str:
    """Qualified name of the exception's type, such as ``builtins.ValueError``."""
    return f"{type(error).__module__}.{type(error).__qualname__}"
