"""How a graph is wired, as the Profile keeps it."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import END, START, StateGraph
from langgraph.types import CachePolicy, Command, RetryPolicy
from typing_extensions import TypedDict

from lgprof.langgraph_adapter.shape import graph_shapes
from lgprof.model import GraphShape, Join, NodeShape, RetryShape
from tests.profiling import profile_graph


class State(TypedDict, total=False):
    a: int
    log: Annotated[list[str], operator.add]


@dataclass
class Record:
    a: int = 0


def work(state: Any) -> dict[str, Any]:
    return {"a": 1}


async def wait(state: Any) -> dict[str, Any]:
    return {"a": 2}


def jump(state: Any) -> Command[Any]:
    return Command(goto="end")


def test_nodes_edges_joins_branches_and_reducers():
    builder = StateGraph(State)
    for name in ("a", "b", "end"):
        builder.add_node(name, work)
    builder.add_node("w", wait, defer=True)
    builder.add_node("j", jump, destinations=("end",))
    builder.add_edge(START, "a").add_edge(START, "b").add_edge(["a", "b"], "w")
    builder.add_conditional_edges("w", lambda state: "j", ["j", END])
    shape = graph_shapes(builder.compile())[""]
    assert shape == GraphShape(
        nodes={
            "a": NodeShape(function="work"),
            "b": NodeShape(function="work"),
            "end": NodeShape(function="work"),
            "w": NodeShape(function="wait", is_async=True, defers=True),
            "j": NodeShape(function="jump", destinations=["end"]),
        },
        edges=[("__start__", "a"), ("__start__", "b")],
        joins=[Join(["a", "b"], "w")],
        branches={"w": ["__end__", "j"]},
        reducers=["log"],
        inputs=["a", "log"],
    )


def test_policies_pauses_and_caches():
    retry = RetryPolicy(initial_interval=0.1, jitter=False, max_attempts=5, retry_on=ValueError)
    builder = StateGraph(Record)
    builder.add_node("plain", work, cache_policy=CachePolicy())
    builder.add_node(
        "keyed",
        partial(work),
        cache_policy=CachePolicy(key_func=lambda state: "x"),
        retry_policy=retry,
    )
    builder.add_edge(START, "plain").add_edge("plain", "keyed")
    graph = builder.compile(
        cache=InMemoryCache(), checkpointer=InMemorySaver(), interrupt_before=["keyed"]
    )
    shape = graph_shapes(graph)[""]
    assert shape.has_cache
    assert shape.state_is_object
    assert shape.pauses == ["keyed"]
    assert shape.nodes["plain"] == NodeShape(function="work", caches=True)
    assert shape.nodes["keyed"].caches_by_key
    assert shape.nodes["keyed"].retry == RetryShape(
        max_attempts=5,
        initial_interval_s=0.1,
        backoff_factor=2.0,
        jitter=False,
        retry_on=["ValueError"],
    )


def test_nested_graphs_stand_under_the_path_of_their_node():
    inner = StateGraph(State).add_node("leaf", work).add_edge(START, "leaf").compile()
    middle = StateGraph(State).add_node("inner", inner).add_edge(START, "inner").compile()
    outer = StateGraph(State).add_node("middle", middle).add_edge(START, "middle").compile()
    shapes = graph_shapes(outer)
    assert list(shapes) == ["", "middle", "middle/inner"]
    assert shapes[""].nodes["middle"].is_graph
    assert shapes["middle/inner"].nodes == {"leaf": NodeShape(function="work")}


def test_a_functional_graph_has_nodes_and_no_edges():
    @entrypoint()
    def flow(value: int) -> int:
        return value

    assert graph_shapes(flow)[""].nodes.keys() == {"flow"}
    assert graph_shapes(flow)[""].edges == []


def test_the_profile_keeps_shape_and_hints():
    graph = StateGraph(State).add_node("work", work).add_edge(START, "work").compile()
    target = profile_graph(graph).profile.target
    assert list(target.graphs[""].nodes) == ["work"]
    assert list(target.hints) == ["work"]
