"""What the host of a graph supplies: given to a copy, and whether it is needed."""

from __future__ import annotations

import copy
import dataclasses
import types
from typing import Any

from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel

from lgprof.langgraph_adapter.graphs import AnyGraph, AnyRunnable, as_runnable_graph, replace_graph
from lgprof.langgraph_adapter.walk import all_functions, all_graphs, mentions_interrupt


def with_host(runnable: AnyRunnable, *, checkpointer: Any, store: Any) -> AnyRunnable:
    """A copy of a runnable whose graph has what the host of a graph supplies.

    Args:
        runnable: A graph, or wrappers around one. It is not changed.
        checkpointer: For a graph without one; None supplies none. A graph compiled with
            ``checkpointer=False`` stays without.
        store: For a graph without one; None supplies none.
    """
    graph = as_runnable_graph(runnable).graph
    # copy(), because Pregel.copy() drops what compile() sets after construction.
    hosted = copy.copy(graph)
    if (
        checkpointer is not None
        and not _has_checkpointer(graph)
        and graph.checkpointer is not False
    ):
        hosted.checkpointer = checkpointer
    if store is not None and graph.store is None:
        hosted.store = store
    return replace_graph(runnable, graph, hosted)


def _has_checkpointer(graph: AnyGraph) -> bool:
    # True means "the parent's", which a graph that stands alone does not have.
    return graph.checkpointer is not None and not isinstance(graph.checkpointer, bool)


def needs_checkpointer(graph: AnyGraph, *, resumes: bool = False, has_thread: bool = False) -> bool:
    """Whether a graph that has no checkpointer can only work with one.

    Args:
        graph: The graph.
        resumes: Interrupts are to be answered (``--resume``).
        has_thread: The configuration names a ``thread_id``.
    """
    if _has_checkpointer(graph) or graph.checkpointer is False:
        return False
    return (
        resumes
        or has_thread
        or any(
            inner.interrupt_before_nodes
            or inner.interrupt_after_nodes
            or inner.checkpointer is True
            for inner in all_graphs(graph)
        )
        or any(mentions_interrupt(function) for function in all_functions(graph))
    )


def default_context(graph: AnyGraph) -> dict[str, Any] | None:
    """The context where nobody gives one: empty if every field of its schema has a default.

    None where there is no such schema, so that the graph runs without.
    """
    schema: Any = graph.context_schema
    if not (
        isinstance(schema, type)
        and (dataclasses.is_dataclass(schema) or issubclass(schema, BaseModel))
    ):
        return None
    try:
        schema()
    except (TypeError, ValueError):  # a field without a default; pydantic's error is a ValueError
        return None
    return {}


def server_runtime() -> object:
    """What the LangGraph server gives to a graph factory besides the configuration."""
    store = InMemoryStore()
    fields: dict[str, Any] = {"access_context": "threads.create_run", "user": None, "store": store}
    try:
        from langgraph_sdk.runtime import _ExecutionRuntime

        return _ExecutionRuntime(**fields, context=None)
    except (ImportError, TypeError):  # not in every version, and not stable yet
        runtime = types.SimpleNamespace(**fields, context=None)
        runtime.execution_runtime = runtime
        return runtime
