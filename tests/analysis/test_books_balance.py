"""Whatever a graph does, its parts add up: random graphs in virtual time."""

from __future__ import annotations

import asyncio
import operator
from itertools import pairwise
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from lgprof.analysis.attribution import attribute
from tests.analysis.schedule import replayed_latency_s
from tests.profiling import profile_graph
from tests.virtual_time import VirtualTime


class Seen(TypedDict, total=False):
    seen: Annotated[list, operator.add]


# A node is a list of acts, each (what, milliseconds); a layer is what runs in one superstep.
KINDS = ["wait", "compute", "block", "gather", "graph"]
acts = st.tuples(st.sampled_from(KINDS), st.integers(0, 9))
nodes = st.lists(acts, max_size=4)
layers = st.lists(nodes, min_size=1, max_size=3)
graphs = st.lists(layers, min_size=1, max_size=3)


def make_node(plan: list[tuple[str, int]], time: VirtualTime) -> Any:
    async def node(state):
        for what, milliseconds in plan:
            seconds = milliseconds / 1e3
            if what == "wait":
                await asyncio.sleep(seconds)
            elif what == "compute":
                time.compute(seconds)
            elif what == "block":
                time.block(seconds)
            elif what == "gather":
                await asyncio.gather(asyncio.sleep(seconds), asyncio.sleep(seconds / 2))
            else:
                await make_graph([[[("wait", milliseconds), ("compute", 1)]]], time).ainvoke({})
        return {"seen": [1]}

    return node


def make_graph(plan: list[list[list[tuple[str, int]]]], time: VirtualTime) -> Any:
    builder = StateGraph(Seen)
    before: list[str] = [START]
    for depth, layer in enumerate(plan):
        names = [f"n{depth}_{place}" for place in range(len(layer))]
        for name, node in zip(names, layer, strict=True):
            builder.add_node(name, make_node(node, time))
            builder.add_edge(before if before != [START] else START, name)
        before = names
    return builder.compile()


@given(graphs)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_graphs(plan) -> None:
    time = VirtualTime()
    profile = profile_graph(make_graph(plan, time), {}, time=time).profile
    (request,) = profile.requests
    tiles = attribute(request)
    assert sum(t.end_s - t.start_s for t in tiles) == pytest.approx(request.latency_s, abs=1e-9)
    for before, after in pairwise(tiles):
        assert after.start_s == pytest.approx(before.end_s, abs=1e-9)
    assert profile.attribution_s.unattributed == 0
    # In virtual time LangGraph itself takes none; a timer is late by less than a nanosecond.
    assert profile.attribution_s.framework == pytest.approx(0, abs=1e-7)
    assert replayed_latency_s(request) == pytest.approx(request.latency_s, abs=1e-9)
