"""A question is answered whatever it asks for, and with what speaks against the change."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph

from lgprof.advice.what_if import answers
from lgprof.model import Advice, Profile
from tests.profiling import profile_graph
from tests.virtual_time import VirtualTime


class State(TypedDict, total=False):
    q: str
    a: str
    b: str
    c: str


async def look_up(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.04)
    return {"a": state["q"][:1]}


async def other(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.05)
    return {"b": state["q"]}


async def needs_b(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.06)
    return {"c": state["b"] + state["q"]}


@cache
def profile() -> Profile:
    graph = StateGraph(State).add_sequence([look_up, other, needs_b])
    app = graph.add_edge(START, "look_up").add_edge("needs_b", END).compile()
    inputs = [{"q": f"{number % 5} {number}"} for number in range(24)]
    return profile_graph(app, *inputs, requests=24, time=VirtualTime()).profile


def answer(text: str) -> Advice:
    ((advice, _),) = answers([text], profile())
    assert advice.saving is not None
    return advice


def test_what_would_be_advised_is_predicted():
    advice = answer("parallel(look_up, other)")
    assert (advice.status, advice.reasons) == ("predicted", [])
    assert advice.saving.mean_s == pytest.approx(0.04, abs=0.002)


def test_nodes_that_need_one_another_are_answered_as_unsafe():
    advice = answer("parallel(other, needs_b)")
    assert advice.status == "unsafe"
    assert advice.reasons[0] == "needs_b reads b, which other writes"
    assert advice.saving.mean_s == pytest.approx(0.05, abs=0.002)


def test_one_change_of_several_is_enough():
    advice = answer("parallel(other, needs_b); node.look_up*0.5")
    assert advice.status == "unsafe"


def test_a_key_that_leaves_out_what_is_read_says_so():
    advice = answer("cache(needs_b, keys=b)")
    assert advice.status == "unproven"
    assert advice.reasons[0] == "needs_b reads q, which the key leaves out"


def test_what_changes_nothing_but_speed_has_nothing_against_it():
    assert answer("node.look_up*0.5").status == "predicted"
