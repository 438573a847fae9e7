"""Applies changes to a copy of a graph, as far as a copy can show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from langgraph.checkpoint.memory import InMemorySaver

from lgprof.langgraph_adapter.fuse import fused
from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.hosting import needs_checkpointer
from lgprof.langgraph_adapter.rewire import (
    CannotRewireError,
    cached,
    durability_config,
    retried,
    unblocked,
    with_checkpointer,
)
from lgprof.langgraph_adapter.side_by_side import side_by_side
from lgprof.model import Profile
from lgprof.record.digest import Digester
from lgprof.record.tracked_dict import WHOLE
from lgprof.whatif import changes as ch

_NOT_SHOWN = {
    ch.Faster: "how to make a node faster is for its author",
    ch.SwapModel: "another model gives other answers, and which ones is not for a copy to say",
    ch.FewerOutputTokens: "what to ask the model for is in the node's prompt",
    ch.PromptCacheUsed: "the order of a prompt is in the node's code",
    ch.BatchCalls: "the order of calls is in the node's code",
    ch.Skip: "what to do in place of these calls is for the node's author",
    ch.NoStraggler: "how to make the slow calls faster is for the node's author",
}


@dataclass(slots=True)
class Applied:
    """A changed copy, and how its requests differ besides."""

    graph: AnyGraph
    config: dict[str, Any] = field(default_factory=dict)
    """Laid over the config of each request."""
    pool_threads: int | None = None
    """Threads of the loop's default executor; None for as many as before."""


class StateKey:
    """Identifies a call by the values of the state keys that it reads.

    Values whose content cannot be told are equal to nothing, so that such a call is a miss.

    Args:
        keys: State keys; ``*`` for the whole state, and for a task's arguments.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._digester = Digester()

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        """The key of a call: of its input's values where it has one input."""
        if self._keys == (WHOLE,):
            values = [args, kwargs]
        else:
            values = [_value(args[0], key) for key in self._keys]
        told = self._digester.value_hash(values)
        return uuid4().hex if told is None else told


def _value(state: Any, key: str) -> Any:
    return state.get(key) if isinstance(state, dict) else getattr(state, key, None)


def cache_keys(change: ch.CacheNode, profile: Profile) -> tuple[str, ...]:
    """The keys of a cached node: those of the change, else all that it was seen to read.

    Raises:
        CannotRewireError: What it reads was not recorded.
    """
    if change.keys:
        return change.keys
    reads = next((row.reads for row in profile.nodes if row.path == change.node), None)
    if reads is None:
        raise CannotRewireError(f"what {change.node} reads was not recorded")
    return (WHOLE,) if reads == "all" else tuple(reads)


def applied(
    graph: AnyGraph, changes: Sequence[ch.Change], profile: Profile, *, mode: str
) -> Applied:
    """A copy of a graph with all the changes.

    Args:
        graph: It is not changed.
        changes: Applied in turn.
        profile: What cached nodes read.
        mode: ``async`` or ``sync``: where sync nodes find their threads.

    Raises:
        UnsafeTopologyError: The graph's edges forbid a change.
        CannotRewireError: No copy can show a change.
    """
    made = Applied(graph)
    for change in changes:
        _apply(made, change, profile, mode)
    return made


def _apply(made: Applied, change: ch.Change, profile: Profile, mode: str) -> None:
    match change:
        case ch.Parallel(nodes):
            made.graph = side_by_side(made.graph, nodes)
        case ch.RemoveBarrier(before, after):
            made.graph = fused(made.graph, before, after)
        case ch.CacheNode(node, _, ttl_s):
            made.graph = cached(made.graph, node, StateKey(cache_keys(change, profile)), ttl_s)
        case ch.Retry(node, max_attempts, initial_interval_s, backoff_factor):
            made.graph = retried(
                made.graph,
                node,
                max_attempts=max_attempts,
                initial_interval_s=initial_interval_s,
                backoff_factor=backoff_factor,
            )
        case ch.Unblock(node):
            made.graph = unblocked(made.graph, node)
        case ch.Durability(durability):
            if not made.graph.checkpointer:
                raise CannotRewireError("the graph has no checkpointer")
            _lay_over(made.config, durability_config(durability))
        case ch.SwapCheckpointer(kind):
            made.graph = _with_checkpointer(made.graph, kind)
        case ch.PoolSize(threads) if mode == "async":
            made.pool_threads = threads
        case ch.PoolSize(limit) | ch.MaxConcurrency(limit):
            made.config["max_concurrency"] = limit
        case _:
            raise CannotRewireError(_NOT_SHOWN[type(change)])


def _with_checkpointer(graph: AnyGraph, kind: ch.CheckpointerKind) -> AnyGraph:
    if kind == "memory":
        return with_checkpointer(graph, InMemorySaver())
    without = with_checkpointer(graph, None)
    if needs_checkpointer(without):
        raise CannotRewireError("the graph is interrupted, and resumed from its checkpoint")
    return without


def _lay_over(config: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in other.items():
        if isinstance(value, dict):
            config[name] = {**config.get(name, {}), **value}
        else:
            config[name] = value
