"""Swaps every graph for a prepared copy at the moment it starts to run.

Patching the entry, rather than walking a graph's nodes, also reaches graphs that are built inside
a node, kept in a closure, or started in a thread. The user's objects are not changed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from functools import partial, wraps
from typing import Any
from uuid import UUID, uuid4

from langchain_core.runnables import Runnable
from langchain_core.runnables.config import run_in_executor, var_child_runnable_config
from langgraph._internal._runnable import RunnableCallable, RunnableSeq
from langgraph.pregel import Pregel, _algo

from lgprof.langgraph_adapter.graphs import AnyGraph, Around

WrapFunction = Callable[[Callable[..., Any], bool, str | None], Callable[..., Any]]
"""(function, whether it is async, the node whose input is its first argument) -> wrapper."""


def current_run_id() -> UUID | None:
    """Id of the callback run that the current code runs in."""
    config = var_child_runnable_config.get()
    return _run_id(config) if config else None


def run_id_in(context: Context) -> UUID | None:
    """Id of the callback run that code in the context runs in."""
    config = context.get(var_child_runnable_config)
    return _run_id(config) if config else None


def current_namespace() -> str:
    """Checkpoint namespace of the task that the current code runs in; empty outside any."""
    config: Any = var_child_runnable_config.get() or {}
    metadata = config.get("metadata") or {}
    return str(metadata.get("langgraph_checkpoint_ns") or "")


def path_in(namespace: str) -> str:
    """The node path that a checkpoint namespace names: ``outer:task|inner:task``."""
    parts = (part.rpartition(":")[0] for part in namespace.split("|"))
    return "/".join(name for name in parts if name)


def _run_id(config: Any) -> UUID | None:
    # Callbacks may also be a list of handlers.
    run_id: UUID | None = getattr(config.get("callbacks"), "parent_run_id", None)
    return run_id


@contextmanager
def entering(
    prepare: Callable[[AnyGraph, UUID], AnyGraph],
    otherwise: Callable[[AnyGraph], AnyGraph] = lambda graph: graph,
    wanted: Callable[[], bool] = lambda: True,
) -> Iterator[None]:
    """Run ``prepare(graph, run_id)`` instead of every graph that starts, until the context ends.

    Args:
        prepare: Makes the copy to run.
        otherwise: Makes the copy of a graph that is not wanted.
        wanted: Asked at each start.
    """
    stream, astream = Pregel.stream, Pregel.astream

    @wraps(stream)
    def prepared_stream(self: AnyGraph, input: Any, config: Any = None, **kwargs: Any) -> Any:
        if not wanted():
            return stream(otherwise(self), input, config, **kwargs)
        config, run_id = _with_run_id(config)
        return stream(prepare(self, run_id), input, config, **kwargs)

    @wraps(astream)
    def prepared_astream(self: AnyGraph, input: Any, config: Any = None, **kwargs: Any) -> Any:
        if not wanted():
            return astream(otherwise(self), input, config, **kwargs)
        config, run_id = _with_run_id(config)
        return astream(prepare(self, run_id), input, config, **kwargs)

    Pregel.stream, Pregel.astream = prepared_stream, prepared_astream  # type: ignore[method-assign]
    try:
        yield
    finally:
        Pregel.stream, Pregel.astream = stream, astream  # type: ignore[method-assign]


def _with_run_id(config: Any) -> tuple[dict[str, Any], UUID]:
    config = dict(config or {})
    run_id = config.get("run_id")
    if not isinstance(run_id, UUID):
        run_id = uuid4() if run_id is None else UUID(str(run_id))
    config["run_id"] = run_id
    return config, run_id


@contextmanager
def functional_tasks_wrapped(
    wrap: WrapFunction, wanted: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Wrap the functions of ``@task`` calls, which are no nodes, until the context ends."""
    algo: Any = _algo
    original = algo.get_runnable_for_task
    wrapped: dict[int, tuple[Any, Any]] = {}

    def get_runnable_for_task(func: Callable[..., Any]) -> Any:
        if not wanted():
            return original(func)
        known = wrapped.get(id(func))
        if known is None or known[0] is not func:
            runnable: Any = original(func)
            if isinstance(runnable, RunnableSeq):
                runnable = copy.copy(runnable)
                runnable.steps = [wrap_bound(None, runnable.steps[0], wrap), *runnable.steps[1:]]
            known = wrapped[id(func)] = (func, runnable)
        return known[1]

    algo.get_runnable_for_task = get_runnable_for_task
    try:
        yield
    finally:
        algo.get_runnable_for_task = original


def with_wrapped_nodes(graph: AnyGraph, wrap: WrapFunction) -> AnyGraph:
    """A copy of the graph whose nodes' functions are wrapped.

    Not ``graph.copy()``, which loses the mappers that ``compile`` sets.
    """
    wrapped = copy.copy(graph)
    wrapped.nodes = {
        name: node
        if name == "__start__"
        else node.copy({"bound": wrap_bound(name, node.bound, wrap), "subgraphs": node.subgraphs})
        for name, node in graph.nodes.items()
    }
    return wrapped


def wrap_bound(
    node: str | None, bound: Runnable[Any, Any], wrap: WrapFunction
) -> Runnable[Any, Any]:
    """A copy of what a node runs, with its function wrapped; name and signature stay."""
    if not isinstance(bound, RunnableCallable):
        return _WrappedRunnable(node, bound, wrap)
    state_of = None if bound.explode_args else node
    wrapped = copy.copy(bound)
    if bound.func is not None:
        wrapped.func = wrap(bound.func, False, state_of)
    if bound.afunc is not None:
        if _runs_in_executor(bound.afunc) and wrapped.func is not None:
            wrapped.afunc = _in_executor(wrapped.func)
        else:
            wrapped.afunc = wrap(bound.afunc, True, state_of)
    return wrapped


def _runs_in_executor(afunc: Any) -> bool:
    return getattr(afunc, "func", None) is run_in_executor


def _in_executor(func: Callable[..., Any]) -> Callable[..., Any]:
    return wraps(func)(partial(run_in_executor, None, func))


class _WrappedRunnable(Around):
    """Stands for a node that is a chain, a graph or any other Runnable."""

    def __init__(self, node: str | None, inner: Runnable[Any, Any], wrap: WrapFunction) -> None:
        self.inner = inner
        self.name = inner.get_name()
        self._node = node
        self._wrap = wrap
        self._invoke = wrap(inner.invoke, False, node)
        self._ainvoke = wrap(inner.ainvoke, True, node)

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return self._invoke(input, config, **kwargs)

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return await self._ainvoke(input, config, **kwargs)

    def around(self, inner: Runnable[Any, Any]) -> Runnable[Any, Any]:
        return _WrappedRunnable(self._node, inner, self._wrap)
