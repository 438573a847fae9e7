"""Which asyncio task of a function did what."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from langchain_core.tools import tool
from langgraph.graph import START, StateGraph

from lgprof.model import Segment, Span
from lgprof.whatif import Unblock, WhatIf
from lgprof.whatif.asyncio_tasks import Strand, strands
from lgprof.whatif.function_body import LoopTime
from lgprof.whatif.long_holds import LoopWaits
from lgprof.whatif.pieces import Wait
from tests.profiling import profile_graph
from tests.virtual_time import VirtualTime
from tests.whatif.graphs import State


def hold(start_s: float, task: int) -> Segment:
    """A hold of one second."""
    return Segment(start_s, 1.0, 1.0, task)


def call(start_s: float, end_s: float) -> Span:
    return Span(id=1, kind="model", path="n", name="m", start_s=start_s, end_s=end_s)


def read(makers: list[int], holds: list[Segment], calls: list[Span]) -> Strand:
    span = Span(id=0, kind="attempt", path="n", name="n", start_s=0, end_s=100, task_makers=makers)
    span.segments = holds
    return strands(span, (0, 100), calls)


def test_branches_of_a_gather_are_made_by_the_function() -> None:
    holds = [hold(0, 0), hold(1, 1), hold(2, 2), hold(30, 2), hold(50, 1), hold(51, 0)]
    own = read([0, 0], holds, [])
    assert (own.start_s, own.end_s) == (0, 100)
    assert own.segments == [holds[0], holds[5]]
    assert [(made.start_s, made.end_s) for made in own.made] == [(1, 51), (2, 31)]


def test_a_call_belongs_to_the_task_that_had_the_loop_when_it_began() -> None:
    asked = call(1.5, 40)
    own = read([0, 0], [hold(0, 0), hold(1, 1), hold(2, 2), hold(40, 1), hold(60, 2)], [asked])
    asking, waiting = own.made
    assert (asking.calls, waiting.calls, own.calls) == ([asked], [], [])


def test_a_task_that_was_made_during_a_call_is_part_of_it() -> None:
    """LangChain makes one for each model call; in it a client may make others."""
    asked = call(0.5, 40)
    holds = [hold(0, 0), hold(1, 1), hold(2, 2), hold(39, 1), hold(40, 0)]
    own = read([0, 1], holds, [asked])
    assert own.made == []
    assert own.segments == holds
    assert own.calls == [asked]


def test_a_branch_lasts_as_long_as_what_it_began() -> None:
    inner = call(2.5, 70)
    own = read([0, 1], [hold(0, 0), hold(1, 1), hold(2, 2)], [inner])
    (outer,) = own.made
    assert (outer.start_s, outer.end_s) == (1, 70)
    assert outer.made[0].calls == [inner]


def test_a_profile_of_before_knows_one_task() -> None:
    own = read([], [Segment(0, 1, 1), Segment(5, 1, 1)], [call(0.5, 4)])
    assert len(own.segments) == 2
    assert own.made == []


def test_a_call_that_queued_behind_a_block_begins_with_it_out_of_the_way() -> None:
    """Its task has its turn only after other nodes have had theirs."""
    time = VirtualTime()

    async def part() -> None:
        time.compute(0.001)
        await asyncio.sleep(0.08)

    @tool
    async def ask() -> None:
        """Asks."""
        await asyncio.gather(part())

    async def asks(state: State) -> dict[str, Any]:
        time.compute(0.001)
        await ask.ainvoke({})
        return {"a": 1}

    async def blocks(state: State) -> dict[str, Any]:
        time.block(0.03)
        return {"b": 1}

    async def computes(state: State) -> dict[str, Any]:
        time.compute(0.002)
        return {"c": 1}

    builder = StateGraph(State)
    for node in (asks, blocks, computes):
        builder.add_node(node).add_edge(START, node.__name__)
    profile = profile_graph(builder.compile(), {"i": 1}, time=time).profile
    saving = WhatIf(profile).predict([Unblock("blocks")]).saving
    assert saving is not None
    assert saving.mean_s == pytest.approx(0.03, abs=0.003)


@pytest.mark.parametrize(
    ("turn_s", "waits_s"),
    [(0.030, 0.010), (0.0312, 0.0112), (0.050, 0.050), (0.020, 0.020)],
    ids=["at once", "after a sibling", "later", "meanwhile"],
)
def test_a_task_queued_for_the_loop_if_its_next_turn_came_soon_after(
    turn_s: float, waits_s: float
) -> None:
    """Another one held it from 10 to 30 ms."""
    own = [Segment(0.0, 0.00005, 0.00005), Segment(turn_s, 0.00005, 0.00005)]
    whole = LoopTime(own, LoopWaits([(0.010, 0.030)], []))
    pieces = whole.of_task(own).pieces(0.0, turn_s)
    waited_s = math.fsum(piece.seconds for piece in pieces if isinstance(piece, Wait))
    assert waited_s == pytest.approx(waits_s, abs=0.0001)
