"""Changes to a graph, applied to a copy of it. Undoing one is dropping the copy.

Every function takes a graph and returns another; the one it took, its builder, its nodes and its
subgraphs stay as they are.
"""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any

from langchain_core.runnables import Runnable
from langgraph._internal._constants import CONFIG_KEY_DURABILITY
from langgraph.cache.memory import InMemoryCache
from langgraph.pregel import Pregel
from langgraph.types import CachePolicy, RetryPolicy

from lgprof.langgraph_adapter.entry import WrapFunction, wrap_bound
from lgprof.langgraph_adapter.graphs import AnyGraph, replace_graph
from lgprof.langgraph_adapter.tasks import TaskPolicy, task_named, with_task_policy
from lgprof.langgraph_adapter.uses import captured, named_globals
from lgprof.langgraph_adapter.walk import functions_of, runnables_in

NodeChange = Callable[[AnyGraph, str], AnyGraph]
"""From a graph and the name of a node in it to a changed copy."""

_SWAPPED: ContextVar[dict[int, AnyGraph]] = ContextVar("lgprof_swapped", default={})  # noqa: B039


class CannotRewireError(Exception):
    """A change that no copy can show; the message says why."""


class UnsafeTopologyError(CannotRewireError):
    """A change that the graph's edges forbid."""


class _NotHereError(Exception):
    """A graph has no such node."""


def at_node(graph: AnyGraph, path: str, change: NodeChange) -> AnyGraph:
    """A copy in which the graph that holds a node is changed, and all around it are copies.

    A subgraph that a plain function calls is exchanged when it starts, which needs `current_form`
    to be asked.

    Args:
        graph: The outermost graph.
        path: The node's, ``outer/inner``.
        change: Applied to the graph that holds the node.

    Raises:
        CannotRewireError: There is no such node, or the change refuses.
    """
    try:
        return _at_node(graph, path, change)
    except _NotHereError:
        raise CannotRewireError(f"the graph has no node {path!r} that can be replaced") from None


def current_form(graph: AnyGraph) -> AnyGraph:
    """What runs in place of a graph in the calling context: a changed copy, or the graph."""
    return _SWAPPED.get().get(id(graph), graph)


def _at_node(graph: AnyGraph, path: str, change: NodeChange) -> AnyGraph:
    if path in graph.nodes:
        return change(graph, path)
    for name in graph.nodes:
        if path.startswith(f"{name}/"):
            return _inside(graph, name, path.removeprefix(f"{name}/"), change)
    raise _NotHereError


def _inside(graph: AnyGraph, name: str, rest: str, change: NodeChange) -> AnyGraph:
    node = graph.nodes[name]
    for inner in _graphs_in(node):
        changed = _changed(inner, rest, change)
        if changed is not None:
            bound = replace_graph(node.bound, inner, changed)
            if bound is node.bound:  # a function calls it
                swap = partial(_swapping, {id(inner): changed})
                bound = wrap_bound(None, node.bound, swap)
            others = [changed if other is inner else other for other in node.subgraphs]
            return with_node(graph, name, bound=bound, subgraphs=others)
    raise _NotHereError


def _changed(graph: AnyGraph, path: str, change: NodeChange) -> AnyGraph | None:
    try:
        return _at_node(graph, path, change)
    except _NotHereError:
        return None


def _graphs_in(node: Any) -> list[AnyGraph]:
    """The graphs that a node is, or that its functions use."""
    reached = (
        value
        for function in functions_of(runnables_in([node.bound]))
        for value in (*captured(function).values(), *named_globals(function).values())
    )
    return [value for value in (*node.subgraphs, *reached) if isinstance(value, Pregel)]


def _swapping(
    swapped: dict[int, AnyGraph], function: Callable[..., Any], is_async: bool, _: str | None
) -> Callable[..., Any]:
    if is_async:

        @wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            token = _SWAPPED.set({**_SWAPPED.get(), **swapped})
            try:
                return await function(*args, **kwargs)
            finally:
                _SWAPPED.reset(token)

        return call_async

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        token = _SWAPPED.set({**_SWAPPED.get(), **swapped})
        try:
            return function(*args, **kwargs)
        finally:
            _SWAPPED.reset(token)

    return call


def with_node(graph: AnyGraph, name: str, **parts: Any) -> AnyGraph:
    """A copy whose node differs in some parts, by the names of LangGraph's ``PregelNode``."""
    node = graph.nodes[name]
    changed = copy.copy(graph)
    changed.nodes = {**graph.nodes, name: node.copy({"subgraphs": node.subgraphs, **parts})}
    return changed


def with_wrapped_node(graph: AnyGraph, name: str, wrap: WrapFunction) -> AnyGraph:
    """A copy whose node's function is wrapped."""
    return with_node(graph, name, bound=wrap_bound(name, graph.nodes[name].bound, wrap))


def with_task(graph: AnyGraph, path: str, policy: TaskPolicy) -> AnyGraph | None:
    """A copy in which a functional ``@task`` is called with another policy.

    Args:
        graph: The outermost graph.
        path: The task's, ``entrypoint/task``.
        policy: What differs.

    Returns:
        None where the path names no task.
    """
    owner, _, name = path.rpartition("/")

    def change(inner: AnyGraph, node: str) -> AnyGraph:
        bound: Runnable[Any, Any] = inner.nodes[node].bound
        function = task_named(name, bound)
        if function is None:
            raise _NotHereError
        changed = with_node(inner, node, bound=with_task_policy(bound, {id(function): policy}))
        if policy.cache_policy is not None and inner.cache is None:
            changed.cache = InMemoryCache()
        return changed

    return _changed(graph, owner, change) if owner else None


def cached(graph: AnyGraph, path: str, key: Callable[[Any], str], ttl_s: float | None) -> AnyGraph:
    """A copy in which calls of a node with equal keys are answered from a cache.

    A subgraph does not inherit the cache of the graph around it, so the graph that holds the node
    gets its own where it has none.

    Args:
        graph: The outermost graph.
        path: The node's.
        key: From a node's input to the key; of a task, from its arguments.
        ttl_s: LangGraph counts whole seconds; None keeps entries for ever.

    Raises:
        CannotRewireError: There is no such node.
    """
    ttl = None if ttl_s is None else max(1, round(ttl_s))
    policy: Any = CachePolicy(key_func=key, ttl=ttl)
    as_task = with_task(graph, path, TaskPolicy(cache_policy=policy))
    if as_task is not None:
        return as_task

    def change(inner: AnyGraph, name: str) -> AnyGraph:
        changed = with_node(inner, name, cache_policy=policy)
        changed.cache = inner.cache if inner.cache is not None else InMemoryCache()
        return changed

    return at_node(graph, path, change)


def retried(
    graph: AnyGraph,
    path: str,
    *,
    max_attempts: int | None,
    initial_interval_s: float | None,
    backoff_factor: float | None,
) -> AnyGraph:
    """A copy in which a node's retry policies differ; what is None stays as it was.

    Raises:
        CannotRewireError: There is no such node.
    """
    given: dict[str, Any] = {
        "max_attempts": max_attempts,
        "initial_interval": initial_interval_s,
        "backoff_factor": backoff_factor,
    }
    fields = {name: value for name, value in given.items() if value is not None}

    def changed_policies(policies: Any) -> list[RetryPolicy]:
        known = [policies] if isinstance(policies, RetryPolicy) else list(policies or ())
        return [policy._replace(**fields) for policy in known or [RetryPolicy()]]

    as_task = with_task(graph, path, TaskPolicy(retry_policy=changed_policies))
    if as_task is not None:
        return as_task

    def change(inner: AnyGraph, name: str) -> AnyGraph:
        policies = inner.nodes[name].retry_policy or inner.retry_policy
        return with_node(inner, name, retry_policy=changed_policies(policies))

    return at_node(graph, path, change)


def unblocked(graph: AnyGraph, path: str) -> AnyGraph:
    """A copy in which an async node runs in a thread, on an event loop of its own.

    It stands for the change that its author would make, moving the blocking call alone.

    Raises:
        CannotRewireError: There is no such node, or it is not async.
    """

    def in_thread(function: Callable[..., Any], is_async: bool, _: str | None) -> Any:
        return _in_thread(function) if is_async else function

    as_task = with_task(graph, path, TaskPolicy(wrap=_in_thread))
    if as_task is not None:
        return as_task
    return at_node(graph, path, lambda inner, name: with_wrapped_node(inner, name, in_thread))


def _in_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(lambda: asyncio.run(function(*args, **kwargs)))

    return call


def delayed(graph: AnyGraph, path: str, delay_s: float) -> AnyGraph:
    """A copy in which a node's function starts late.

    Raises:
        CannotRewireError: There is no such node.
    """

    def late(function: Callable[..., Any], is_async: bool, _: str | None) -> Callable[..., Any]:
        @wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(delay_s)
            return await function(*args, **kwargs)

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            time.sleep(delay_s)
            return function(*args, **kwargs)

        return call_async if is_async else call

    return at_node(graph, path, lambda inner, name: with_wrapped_node(inner, name, late))


def with_checkpointer(graph: AnyGraph, checkpointer: Any) -> AnyGraph:
    """A copy with another checkpointer, or None."""
    changed = copy.copy(graph)
    changed.checkpointer = checkpointer
    return changed


def with_full_output(graph: AnyGraph) -> AnyGraph:
    """A copy that returns its whole state, not only what its output schema names."""
    channels = graph.stream_channels
    if not isinstance(channels, Sequence) or isinstance(channels, str):
        return graph
    changed = copy.copy(graph)
    changed.output_channels = list(channels)
    return changed


def durability_config(mode: str) -> dict[str, Any]:
    """The part of a config that sets when checkpoints are written, for a graph and those in it."""
    return {"configurable": {CONFIG_KEY_DURABILITY: mode}}
