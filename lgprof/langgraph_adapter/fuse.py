"""A node that starts as soon as the one before it has ended, not when their superstep has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.runnables import Runnable
from langgraph.pregel._read import PregelNode
from langgraph.types import Command

from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.rewire import (
    CannotRewireError,
    UnsafeTopologyError,
    at_node,
    with_node,
)
from lgprof.langgraph_adapter.shape import REPLACING
from lgprof.langgraph_adapter.side_by_side import (
    Builder,
    own_builder,
    recompiled,
    refuse_members,
    refuse_ways_in,
)


def fused(graph: AnyGraph, before: str, after: str) -> AnyGraph:
    """A copy in which a node is run by the one before it, in the same superstep.

    The later node reads the state as the first one leaves it, and nothing of what others write
    meanwhile. Both updates are written at the end of the superstep, in their order.

    Args:
        graph: The outermost graph.
        before: Path of a node that leads to ``after`` alone.
        after: Path of a node of the same graph that follows ``before`` alone.

    Raises:
        UnsafeTopologyError: The edges forbid it.
        CannotRewireError: The nodes are unknown, or have policies of their own.
    """

    def change(inner: AnyGraph, name: str) -> AnyGraph:
        follower = after.removeprefix(before.removesuffix(name))
        if follower not in inner.nodes:
            raise UnsafeTopologyError(f"{before} and {after} are not nodes of one graph")
        return _fused(inner, name, follower)

    return at_node(graph, before, change)


def _fused(graph: AnyGraph, before: str, after: str) -> AnyGraph:
    builder = own_builder(graph)
    if (before, after) not in builder.edges:
        raise UnsafeTopologyError(f"no plain edge leads from {before} to {after}")
    refuse_members(graph, builder, [before, after])
    refuse_ways_in(builder, [before, after])
    first, second = graph.nodes[before], graph.nodes[after]
    for name, node in ((before, first), (after, second)):
        if node.retry_policy or node.cache_policy or getattr(node, "timeout", None):
            raise CannotRewireError(f"{name} has a policy of its own, which both would share")
        if isinstance(node.channels, str):
            raise CannotRewireError(f"{name} reads a state without keys")
    channels = list(dict.fromkeys([*first.channels, *second.channels]))
    both = _Both(first, second, graph.channels)
    changed = with_node(graph, before, bound=both, channels=channels, mapper=None)
    _leave_out(builder, before, after)
    return recompiled(changed, builder)


def _leave_out(builder: Builder, before: str, after: str) -> None:
    """Let what led on from a node lead on from the one that runs it."""
    spec: Any = builder.nodes.pop(after)
    builder.edges.discard((before, after))
    builder.edges = {(before if a == after else a, b) for a, b in builder.edges}
    builder.waiting_edges = {
        (tuple(before if name == after else name for name in starts), end)
        for starts, end in builder.waiting_edges
    }
    if after in builder.branches:
        builder.branches[before] = {
            name: branch._replace(input_schema=branch.input_schema or spec.input_schema)
            for name, branch in builder.branches.pop(after).items()
        }


class _Both(Runnable[Any, Any]):
    """Runs two nodes, the second with the state as the first leaves it."""

    def __init__(self, first: PregelNode, second: PregelNode, channels: Mapping[str, Any]) -> None:
        self.name = first.bound.get_name()
        self._first = first
        self._second = second
        self._channels = channels

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        update = self._first.bound.invoke(_given(self._first, input), config, **kwargs)
        state = self._after(input, update)
        return self._together(
            update, self._second.bound.invoke(_given(self._second, state), config, **kwargs)
        )

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        update = await self._first.bound.ainvoke(_given(self._first, input), config, **kwargs)
        state = self._after(input, update)
        return self._together(
            update, await self._second.bound.ainvoke(_given(self._second, state), config, **kwargs)
        )

    def _after(self, state: dict[str, Any], update: Any) -> dict[str, Any]:
        changed = dict(state)
        for key, value in _writes(update):
            known = self._channels[key]
            channel = known.from_checkpoint(changed[key]) if key in changed else known.copy()
            channel.update([value])
            changed[key] = channel.get()
        return changed

    def _together(self, first: Any, second: Any) -> list[Command[Any]]:
        """Both updates; of a key that keeps its last value, the second one's alone."""
        later = dict(_writes(second))
        earlier = {
            key: value
            for key, value in _writes(first)
            if key not in later or not isinstance(self._channels[key], REPLACING)
        }
        return [Command(update=earlier), Command(update=later)]


def _given(node: PregelNode, state: dict[str, Any]) -> Any:
    own = {key: state[key] for key in node.channels if key in state}
    return own if node.mapper is None else node.mapper(own)


def _writes(update: Any) -> Iterator[tuple[str, Any]]:
    """What a node's result writes.

    Raises:
        CannotRewireError: That cannot be told.
    """
    if isinstance(update, Command):
        update = update.update
    if update is None:
        return
    if not isinstance(update, dict):
        raise CannotRewireError(f"a node returned a {type(update).__name__}, not a dict")
    yield from update.items()
