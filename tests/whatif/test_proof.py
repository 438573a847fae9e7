"""Proving a change: what it saves on a copy, with the original beside it, in virtual time."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time as real_time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.pregel import Pregel
from langgraph.types import RetryPolicy
from typing_extensions import TypedDict

from lgprof.run import RunOptions, profile_run
from lgprof.target import Inputs, TargetSource
from lgprof.whatif import (
    CacheNode,
    Faster,
    MaxConcurrency,
    Parallel,
    PoolSize,
    RemoveBarrier,
    Retry,
    Unblock,
)
from lgprof.whatif.proof import proving
from lgprof.whatif.proof.evidence import Comparison
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
    assert proof.measured.inputs == 20
    assert proof.measured.control_error == pytest.approx(0, abs=1e-6)
    assert abs(proof.measured.prediction_error) < 0.02
    assert proof.reasons == (
        "0 of 20 runs of the unchanged graph against itself differed",
        "0 of 20 runs of the changed copy differed",
        "0 of 40 runs differed with a delay on either side",
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


def test_a_barrier_less_is_proven_where_the_next_node_needs_one_branch():
    async def slow(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.06)
        return {"b": 1}

    graph = StateGraph(State)
    for node in (first, slow, second_of_a, joined):
        graph.add_node(node)
    graph.add_edge(START, "first")
    graph.add_edge(START, "slow")
    graph.add_edge("first", "second_of_a")
    graph.add_edge(["second_of_a", "slow"], "joined")

    proof = proven(graph.compile(), [RemoveBarrier("first", "second_of_a")])

    assert proof.status == "proven", proof.reasons
    assert proof.measured.mean_s == pytest.approx(0.02)


async def second_of_a(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.02)
    return {"out": state["a"]}


async def joined(state: State) -> dict[str, Any]:
    return {"out": state["out"] + state["b"]}


def test_retries_that_wait_less_are_proven():
    async def flaky(state: State, config: RunnableConfig) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        task = config["metadata"]["langgraph_checkpoint_ns"]
        failed[task] = failed.get(task, 0) + 1
        if failed[task] == 1:
            raise ConnectionError
        return {"a": state["q"]}

    failed: dict[str, int] = {}
    policy = RetryPolicy(initial_interval=0.2, jitter=False)
    graph = StateGraph(State).add_node("flaky", flaky, retry_policy=policy)

    proof = proven(
        graph.add_edge(START, "flaky").compile(), [Retry("flaky", initial_interval_s=0.05)]
    )

    assert proof.status == "proven", proof.reasons
    assert proof.measured.mean_s == pytest.approx(0.15, abs=0.001)


def test_requests_are_told_before_they_are_made():
    told: list[tuple[int, int]] = []
    source = TargetSource("tests:graph", in_a_row(first, second, last), "graph")
    options = RunOptions(requests=4, warmup=0)
    profile = profile_run(source, numbers, options, folder=Path("/nonexistent")).profile
    change = [Parallel(("first", "second"))]

    with proving(source, numbers, options, profile, later_s=0) as prover:
        needed = prover.requests_needed(change, 4)
        prover.prove(change, requests=4, progress=lambda done, total: told.append((done, total)))

    assert told == [(number, needed) for number in range(1, needed + 1)]


def numbers(target: Any) -> Inputs:
    return Inputs([{"q": number} for number in range(4)], "the test")


def test_ctrl_c_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stream, threads = Pregel.stream, {thread.name for thread in threading.enumerate()}
    graph = in_a_row(first, second, last, checkpointer=InMemorySaver())
    source = TargetSource("tests:graph", graph, "graph")
    options = RunOptions(requests=4, warmup=0)
    profile = profile_run(source, numbers, options, folder=Path("/nonexistent")).profile

    def interrupt(done: int, total: int) -> None:
        if done == 5:
            assert len(list(tmp_path.iterdir())) == 1
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        proving(source, numbers, options, profile, later_s=0) as prover,
    ):
        prover.prove([Parallel(("first", "second"))], requests=4, progress=interrupt)

    assert Pregel.stream is stream
    assert {thread.name for thread in threading.enumerate()} <= threads
    assert list(tmp_path.iterdir()) == []
    assert not graph.checkpointer.storage


def test_a_node_that_hangs_ends_the_proof_and_is_said():
    async def hangs(state: State) -> dict[str, Any]:
        if state["q"] == 2 and is_proof:
            await asyncio.sleep(0.5)
        return {"a": 1}

    is_proof: list[bool] = []
    proof = proven(
        in_a_row(hangs, last_of_a),
        [CacheNode("hangs", ("q",))],
        timeout_s=0.1,
        before_proof=lambda: is_proof.append(True),
    )

    assert proof.status == "unproven"
    assert proof.evidence.failed == 1


async def last_of_a(state: State) -> dict[str, Any]:
    return {"out": state["a"]}


def side_by_side_nodes(count: int, make: Any) -> Any:
    graph = StateGraph(State)
    for number in range(count):
        graph.add_node(f"n{number}", make())
        graph.add_edge(START, f"n{number}")
    return graph.compile()


def test_max_concurrency_holds_in_the_copy_alone():
    running: list[int] = []
    peaks: list[int] = []

    def make() -> Any:
        async def node(state: State) -> dict[str, Any]:
            running.append(1)
            peaks.append(len(running))
            await asyncio.sleep(0.01)
            running.pop()
            return {}

        return node

    proof = proven(side_by_side_nodes(3, make), [MaxConcurrency(1)], requests=2, profiled=1)

    assert proof.measured.mean_s == pytest.approx(-0.02)
    assert proof.status == "unproven"
    assert "the changed copy was slower" in proof.reasons
    assert proof.evidence.natural.differing == 0


async def threads_of_the_pool(state: State) -> dict[str, Any]:
    pool: Any = asyncio.get_running_loop()._default_executor
    return {"a": pool._max_workers}


async def blocks(state: State) -> dict[str, Any]:
    real_time.sleep(0.05)
    return {"a": state["q"] + 1}


def test_what_an_unblocked_node_brings_is_measured_with_several_requests_at_once():
    # In real time: virtual time does not wait for threads. Four that block take 200 ms.
    source = TargetSource("tests:graph", in_a_row(blocks, second, last), "graph")
    options = RunOptions(requests=2, warmup=0)
    profile = profile_run(source, numbers, options, folder=Path("/nonexistent")).profile

    made: list[int] = []
    with proving(source, numbers, options, profile) as prover:
        change = [Unblock("blocks")]
        proof = prover.prove(
            change, requests=4, progress=lambda done, total: made.extend((done, total))
        )
        assert made[-2:] == [prover.requests_needed(change, 4)] * 2

    assert proof.evidence.natural == Comparison(4, 0)
    crowded = proof.evidence.crowded
    assert (crowded.at_once, crowded.timing.pairs) == (4, 1)
    assert crowded.timing.saved_s > 0
    assert any(one.startswith("with 4 requests at once each took ") for one in proof.reasons)


def test_the_pool_has_another_size_in_the_copy_alone():
    graph = in_a_row(threads_of_the_pool, last_of_a)

    profile, _, proof = predicted_and_proven(graph, [PoolSize(3)])

    assert profile.requests[0].pool_size > 3
    assert proof.evidence.control == Comparison(20, 0)
    assert proof.evidence.natural == Comparison(20, 20)
