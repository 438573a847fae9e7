"""Memory is found under the node that allocated it."""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph

from lgprof.analysis.memory import memory_of
from lgprof.model import Memory, NodeMemory, Span
from lgprof.run import Extras
from tests.profiling import profile_graph

pytest.importorskip("memray", reason="memray runs on Linux and macOS alone")

from lgprof.record.memory import Allocations, Held

MB = 1_000_000
kept: list[bytearray] = []


class State(TypedDict, total=False):
    value: int


def hold() -> None:
    kept.append(bytearray(8 * MB))


def keeps(state: State) -> None:
    hold()


async def keeps_async(state: State) -> None:
    hold()
    await asyncio.sleep(0)


async def hands_on(state: State) -> None:
    await asyncio.to_thread(hold)


def frees(state: State) -> None:
    data = bytearray(12 * MB)
    del data


def idle(state: State) -> None:
    """Allocate nothing to speak of."""


def tracked(*functions: Any, mode: str = "async") -> Memory:
    graph = StateGraph(State)
    for function in functions:
        graph.add_node(function.__name__, function)
        graph.add_edge(START, function.__name__)
        graph.add_edge(function.__name__, END)
    kept.clear()
    extras = Extras(sample=False, memory=True)
    profile = profile_graph(graph.compile(), {}, extras=extras, mode=mode).profile
    kept.clear()
    assert profile.memory is not None, profile.warnings
    return profile.memory


def row(memory: Memory, path: str) -> NodeMemory:
    return next(node for node in memory.nodes if node.path == path)


def test_each_node_has_its_own() -> None:
    memory = tracked(keeps, keeps_async, hands_on, frees, idle)
    assert memory.requests == 1
    for name in ("keeps", "keeps_async", "hands_on"):
        node = row(memory, name)
        assert 8 * MB <= node.peak_bytes < 10 * MB
        assert 8 * MB <= node.retained_bytes < 10 * MB
        assert node.sites[0].function == "hold"
        assert node.sites[0].file.endswith("test_memory.py")
        assert not node.sites[0].file.startswith("/")
    assert memory.peak_bytes >= 24 * MB
    # What is freed at once falls between two snapshots now and then, and its node has no row.
    assert all(node.retained_bytes < MB for node in memory.nodes if node.path == "frees")
    assert all(node.peak_bytes < MB for node in memory.nodes if node.path == "idle")


def test_in_threads_of_a_sync_run() -> None:
    memory = tracked(keeps, frees, mode="sync")
    assert row(memory, "keeps").retained_bytes >= 8 * MB


def test_what_is_kept_after_the_peak_has_its_lines_too() -> None:
    span = Span(id=1, kind="attempt", path="late", name="late", start_s=0, end_s=1)
    allocations = Allocations(peak_bytes=9, retained=[Held(7, (("keep", "/x/app.py", 5),), 8)])
    [node] = memory_of(allocations, {7: span}.get, 1).nodes
    assert [(site.function, site.line, site.size_bytes) for site in node.sites] == [("keep", 5, 8)]


def test_sums_and_peaks() -> None:
    spans = {7: Span(id=1, kind="attempt", path="a", name="a", start_s=0, end_s=1)}
    stack = (("inner", "/x/app.py", 3),)
    allocations = Allocations(
        peak_bytes=100,
        at_peak=[Held(7, stack, 40), Held(7, stack, 20), Held(0, (), 30)],
        retained=[Held(7, stack, 20)],
    )
    allocations.over_time[7].update({0: 50, 1: 20, 2: -60})
    memory = memory_of(allocations, spans.get, 2)
    assert [(node.path, node.peak_bytes, node.retained_bytes) for node in memory.nodes] == [
        ("a", 70, 10),
        ("", 30, 0),
    ]
    (site,) = memory.nodes[0].sites
    assert (site.function, site.file, site.line, site.size_bytes) == ("inner", "app.py", 3, 60)
