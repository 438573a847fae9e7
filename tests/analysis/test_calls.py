"""How long a node's call took, apart from what others did on the same event loop."""

from __future__ import annotations

import asyncio

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy

from tests.profiling import profile_graph
from tests.recording.test_known_answers import State, books, node
from tests.virtual_time import VirtualTime


def test_what_siblings_do_on_the_loop_is_not_the_nodes() -> None:
    time = VirtualTime()

    async def work(state):
        time.compute(0.005)
        await asyncio.sleep(0.020)
        time.compute(0.010)
        return {"items": [1]}

    builder = StateGraph(State)
    for name in ("n1", "n2", "n3"):
        builder.add_node(name, work)
        builder.add_edge(START, name)
    profile = profile_graph(builder.compile(), {}, time=time).profile
    # n3 begins when n1 and n2 have computed, and its sleep is over before they have again.
    assert node(profile, "n1").latency_s.p50 == pytest.approx(0.035)
    assert node(profile, "n2").latency_s.p50 == pytest.approx(0.040)
    assert node(profile, "n3").latency_s.p50 == pytest.approx(0.045)
    assert node(profile, "n3").critical_s == pytest.approx(0.035)
    assert books(profile) == {"node_cpu": 15.0, "node_wait": 20.0, "loop_wait": 20.0}


def test_a_queue_and_backoff_are_part_of_a_call() -> None:
    time = VirtualTime()

    async def work(state):
        await asyncio.sleep(0.010)
        return {"items": [1]}

    builder = StateGraph(State)
    for name in ("n1", "n2", "n3"):
        builder.add_node(name, work)
        builder.add_edge(START, name)
    config = {"max_concurrency": 1}
    profile = profile_graph(builder.compile(), {}, time=time, config=config).profile
    latencies_s = sorted(node(profile, name).latency_s.p50 for name in ("n1", "n2", "n3"))
    assert latencies_s == pytest.approx([0.010, 0.020, 0.030])


def test_without_probes_a_call_is_as_long_as_its_attempts() -> None:
    async def work(state):
        return {"a": 1}

    builder = StateGraph(State)
    builder.add_node("work", work)
    builder.add_edge(START, "work")
    profile = profile_graph(builder.compile(), {"a": 0}, probes=False).profile
    (span,) = [s for s in profile.requests[0].spans if s.kind == "node" and s.name == "work"]
    assert node(profile, "work").latency_s.max == pytest.approx(span.end_s - span.start_s)


def test_a_failed_attempt_is_as_long_as_its_function() -> None:
    time = VirtualTime()
    tries = []

    async def computes(state):
        time.compute(0.005)
        return {"a": 1}

    async def fails_once(state):
        tries.append(1)
        await asyncio.sleep(0.010)
        if len(tries) == 1:
            raise ConnectionError("try again")
        return {"b": 1}

    policy = RetryPolicy(initial_interval=0.05, jitter=False, max_attempts=2)
    builder = StateGraph(State)
    builder.add_node("computes", computes)
    builder.add_node("fails_once", fails_once, retry_policy=policy)
    builder.add_edge(START, "computes")
    builder.add_edge(START, "fails_once")
    profile = profile_graph(builder.compile(), {}, time=time).profile
    # While the first attempt waits for the loop, the other node computes.
    row = node(profile, "fails_once")
    assert row.failed_attempts_s == pytest.approx(0.010)
    assert row.self_s == pytest.approx(0.020)
    expected = {"failed_attempts": 10.0, "backoff": 50.0, "node_wait": 10.0, "loop_wait": 5.0}
    assert books(profile) == expected
