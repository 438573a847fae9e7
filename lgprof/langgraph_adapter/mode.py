"""Whether a graph wants to be run async or sync."""

from __future__ import annotations

from typing import Literal

from langchain_core.runnables import (
    RunnableLambda,
)
from langchain_core.runnables.config import run_in_executor
from langgraph._internal._runnable import RunnableCallable

from lgprof.langgraph_adapter.graphs import AnyGraph, AnyRunnable
from lgprof.langgraph_adapter.walk import all_graphs, leaves, parts_of, tools_of


def preferred_mode(graph: AnyGraph) -> Literal["async", "sync"]:
    """How a graph wants to be run: async as soon as a part of it has no synchronous form.

    What has both forms, or hides which it has (a chat model, a prebuilt tool node), decides
    nothing.
    """
    graphs = list(all_graphs(graph))
    parts = [part for inner in graphs for part in parts_of(inner)]
    hosts = [host for inner in graphs for host in (inner.checkpointer, inner.store)]
    only_async = (
        any(_is_async_only(part) for part in parts)
        or any(_is_async_tool(tool) for part in parts for tool in tools_of(part))
        or any(type(host).__name__.startswith("Async") for host in hosts)
    )
    return "async" if only_async else "sync"


def is_async_node(bound: AnyRunnable) -> bool:
    """Whether a node's own function runs on the event loop in an async run."""
    return any(map(_has_coroutine, leaves(bound)))


def _is_async_only(part: object) -> bool:
    return _has_coroutine(part) and getattr(part, "func", None) is None


def _has_coroutine(part: object) -> bool:
    if not isinstance(part, RunnableCallable | RunnableLambda):
        return False
    afunc = getattr(part, "afunc", None)
    return afunc is not None and getattr(afunc, "func", None) is not run_in_executor


def _is_async_tool(tool: object) -> bool:
    coroutine = getattr(tool, "coroutine", None)
    return coroutine is not None and getattr(tool, "func", None) is None
