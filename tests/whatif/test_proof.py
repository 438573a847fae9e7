"""Proving a change: what it saves on a copy, with the original beside it, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from lgprof.whatif import CacheNode, Faster, Parallel
from tests.proving import predicted_and_proven, proven


class State(TypedDict, total=False):
    q: int
    a: int
    b: int
    out: int


async def first(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.03)
    return {"a": state["q"] + 1}


async def second(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.02)
    return {"b": state["q"] * 2}


async def last(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.01)
    return {"out": state["a"] + state["b"]}


def in_a_row(*nodes: Any, **compiling: Any) -> Any:
    graph = StateGraph(State).add_sequence(list(nodes))
    graph.add_edge(START, nodes[0].__name__)
    graph.add_edge(nodes[-1].__name__, END)
    return graph.compile(**compiling)


def test_independent_nodes_are_proven_to_save_the_shorter_one():
    graph = in_a_row(first, second, last)

    _, prediction, proof = predicted_and_proven(graph, [Parallel(("first", "second"))])

    assert proof.status == "proven"
    assert proof.measured.mean_s == pytest.approx(0.02)
    assert proof.measured.mean_ci_s == pytest.approx((0.02, 0.02))
    assert prediction.saving.mean_s == pytest.approx(0.02, abs=0.001)
    assert proof.measured.outputs_equal is True
    assert proof.measured.inputs == 24
    assert proof.measured.control_error == pytest.approx(0, abs=1e-6)
    assert abs(proof.measured.prediction_error) < 0.02
    assert proof.reasons == (
        "0 of 24 runs of the unchanged graph against itself differed",
        "0 of 24 runs of the changed copy differed",
        "0 of 48 runs differed with a delay on either side",
    )


def test_too_few_inputs_prove_nothing_however_often_they_run():
    graph = in_a_row(first, second, last)

    proof = proven(graph, [Parallel(("first", "second"))], {"q": 1}, {"q": 2}, requests=24)

    assert proof.status == "unproven"
    assert proof.reasons[0].startswith("2 distinct inputs are fewer than 20")


def test_what_no_copy_can_show_is_not_tried():
    proof = proven(in_a_row(first, second, last), [Faster("first", 0.5)])

    assert (proof.status, proof.measured) == ("unproven", None)
    assert proof.reasons == ("not tried: how to make a node faster is for its author",)


def test_a_pure_look_up_is_proven_with_enough_repeats_of_enough_keys():
    async def look_up(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"a": state["q"] % 6}

    async def answer(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"out": state["a"]}

    inputs = [{"q": number % 22} for number in range(90)]

    proof = proven(in_a_row(look_up, answer), [CacheNode("look_up", ("q",))], *inputs)

    assert proof.status == "proven"
    assert proof.measured.mean_s == pytest.approx(0.05 * 68 / 90)
    assert proof.evidence.repeats.calls == 68
    assert proof.evidence.repeats.keys == 22
    assert proof.evidence.repeats.again == 90
