"""Graphs of known timing for what-ifs, to run in virtual time."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from lgprof.model import Profile
from tests.profiling import profile_graph
from tests.virtual_time import VirtualTime


class State(TypedDict, total=False):
    i: int
    a: int
    b: int
    c: int
    d: int
    items: Annotated[list[int], operator.add]


def sleeper(key: str, seconds: float, reads: tuple[str, ...] = ()) -> Callable[..., Any]:
    async def node(state: State) -> dict[str, Any]:
        for name in reads:
            state.get(name)
        await asyncio.sleep(seconds)
        return {key: 1}

    return node


def blocker(time: VirtualTime, key: str, seconds: float) -> Callable[..., Any]:
    async def node(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.001)  # so that all nodes of the superstep have begun
        time.block(seconds)
        return {key: 1}

    return node


def computer(time: VirtualTime, key: str, seconds: float) -> Callable[..., Any]:
    async def node(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.001)
        time.compute(seconds)
        return {key: 1}

    return node


def graph(nodes: dict[str, Any], edges: list[tuple[Any, str]], **options: Any) -> Any:
    """A compiled graph; an edge from several nodes waits for all of them."""
    builder = StateGraph(State)
    for name, node in nodes.items():
        builder.add_node(name, node)
    for source, target in edges:
        builder.add_edge(source, target)
    return builder.compile(**options)


def chain(**nodes: Callable[..., Any]) -> Any:
    names = list(nodes)
    return graph(nodes, list(zip([START, *names], [*names, END], strict=True)))


def side_by_side(last: Callable[..., Any], **nodes: Callable[..., Any]) -> Any:
    names = list(nodes)
    edges = [(START, name) for name in names] + [(names, "last"), ("last", END)]
    return graph({**nodes, "last": last}, edges)


def profile_in_virtual_time(
    graph: Any, *inputs: Any, time: VirtualTime | None = None, **options: Any
) -> Profile:
    """LangGraph's own work takes no time: what is left is what the nodes sleep and compute."""
    return profile_graph(graph, *inputs, time=time or VirtualTime(), **options).profile
