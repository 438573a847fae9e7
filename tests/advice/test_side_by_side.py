"""Which nodes of a row may start together, and what runs in other branches meanwhile."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from lgprof.advice.advise import Counsel, advise
from lgprof.model import Advice
from tests.profiling import profile_graph
from tests.virtual_time import VirtualTime


class State(TypedDict, total=False):
    q: int
    a: int
    b: int
    c: int
    d: int
    log: Annotated[list[str], operator.add]


def node(writes: str, *reads: str, takes_s: float = 0.02) -> Any:
    async def run(state: State) -> dict[str, Any]:
        for key in reads:
            state.get(key)
        await asyncio.sleep(takes_s)
        return {writes: [writes] if writes == "log" else state["q"]}

    return run


def graph(nodes: dict[str, Any], edges: Sequence[tuple[str, str]]) -> Any:
    builder = StateGraph(State)
    for name, run in nodes.items():
        builder.add_node(name, run)
    for source, target in edges:
        builder.add_edge(source, target)
    return builder.compile()


def row(**nodes: Any) -> Any:
    return graph(nodes, list(pairwise([START, *nodes])))


def counsel_on(compiled: Any) -> Counsel:
    inputs = [{"q": number} for number in range(24)]
    return advise(profile_graph(compiled, *inputs, time=VirtualTime()).profile)


def found(counsel: Counsel) -> dict[tuple[str, ...], Advice]:
    return {
        tuple(one.nodes): one
        for one in [*counsel.noteworthy, *counsel.minor]
        if one.kind in ("parallel", "straggler")
    }


def refused(counsel: Counsel) -> dict[tuple[str, ...], str]:
    return {tuple(one.nodes): one.reasons[0] for one in counsel.refused}


def test_three_independent_nodes_start_together():
    counsel = counsel_on(row(a=node("a"), b=node("b"), c=node("c"), d=node("d", "a", "b", "c")))
    assert found(counsel).keys() == {("a", "b", "c")}
    assert 'graph.add_edge(["a", "b", "c"], "d")' in found(counsel)["a", "b", "c"].change
    assert refused(counsel) == {("c", "d"): "d reads c, which c writes"}


def test_each_stretch_of_a_row_that_fits_together_is_named_with_its_code():
    counsel = counsel_on(row(a=node("a"), b=node("b"), c=node("c", "a"), d=node("d", "c")))
    assert found(counsel).keys() == {("a", "b"), ("b", "c")}
    assert all(one.change and one.status == "predicted" for one in found(counsel).values())
    assert refused(counsel) == {("c", "d"): "d reads c, which c writes"}


def test_only_the_rest_of_a_row_fits_together():
    counsel = counsel_on(row(a=node("a"), b=node("b", "a"), c=node("c"), d=node("d")))
    assert found(counsel).keys() == {("b", "c", "d")}
    assert refused(counsel) == {("a", "b"): "b reads a, which a writes"}


def two_branches(**nodes: Any) -> Any:
    """``a -> b`` beside ``x -> y``."""
    edges = [(START, "a"), ("a", "b"), (START, "x"), ("x", "y")]
    return graph(nodes, edges)


def test_nodes_stay_apart_where_the_later_one_reads_what_another_branch_wrote():
    counsel = counsel_on(two_branches(a=node("a"), b=node("b", "c"), x=node("c"), y=node("d", "c")))
    assert ("a", "b") not in found(counsel)
    assert refused(counsel)["a", "b"] == "b reads c of x, and would no longer run after it"


def test_what_another_branch_writes_beside_is_no_obstacle():
    y = node("d", "c", takes_s=0.005)
    counsel = counsel_on(two_branches(a=node("a"), b=node("b", "q"), x=node("c"), y=y))
    assert found(counsel)["a", "b"].status == "predicted"


def test_a_barrier_stays_where_the_later_node_needs_what_runs_beside_the_earlier_one():
    def joined(*reads: str) -> Any:
        nodes = {
            "fast": node("a"),
            "slow": node("c", takes_s=0.2),
            "then": node("b", "a", *reads, takes_s=0.1),
        }
        return graph(nodes, [(START, "fast"), (START, "slow"), ("fast", "then")])

    assert ("fast", "then") in found(counsel_on(joined()))
    reading = counsel_on(joined("c"))
    assert ("fast", "then") not in found(reading)
    assert refused(reading)["fast", "then"]
    assert "then reads c of slow, and would no longer run after it" in [
        reason for one in reading.refused for reason in one.reasons
    ]


def test_a_branch_that_takes_no_time_at_all_is_no_measure_for_another():
    nodes = {"a": node("a"), "x": node("c", takes_s=0)}
    assert counsel_on(graph(nodes, [(START, "a"), (START, "x")])).noteworthy == []


# --- nodes that are graphs ---------------------------------------------------------------------


def subgraph(name: str, writes: str, *, output: Any) -> Any:
    class Input(TypedDict, total=False):
        q: int

    class Inner(Input, output, total=False):
        pass

    builder = StateGraph(Inner, input_schema=Input, output_schema=output)
    return builder.add_node(name, node(writes)).add_edge(START, name).compile()


def test_graphs_in_nodes_start_together_by_what_they_take_and_give():
    class A(TypedDict, total=False):
        a: int

    class B(TypedDict, total=False):
        b: int

    counsel = counsel_on(
        row(
            one=subgraph("first", "a", output=A),
            two=subgraph("second", "b", output=B),
            end=node("c", "a", "b"),
        )
    )
    assert found(counsel)["one", "two"].status == "predicted"
    assert "one reads q; two reads q" in found(counsel)["one", "two"].why


def test_graphs_in_nodes_that_give_back_the_same_key_stay_in_a_row():
    class Shared(TypedDict, total=False):
        q: int
        a: int

    def same(name: str) -> Any:
        builder = StateGraph(Shared)
        return builder.add_node(name, node("a")).add_edge(START, name).compile()

    counsel = counsel_on(row(one=same("first"), two=same("second"), end=node("c", "a")))
    assert ("one", "two") not in found(counsel)
    reasons = [one.reasons for one in counsel.refused if one.nodes == ["one", "two"]]
    assert reasons[0][0].startswith("two reads q, which one writes (a graph gives back all its")
    assert reasons[0][1] == "both write a, q"
