"""Graphs whose every millisecond is known, in virtual time: the books must balance exactly."""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy, Send
from typing_extensions import TypedDict

from lgprof.model import ATTRIBUTION_CATEGORIES, Profile
from tests.profiling import profile_graph
from tests.virtual_time import VirtualTime

MS = 1e-3


class State(TypedDict, total=False):
    a: int
    b: int
    items: Annotated[list, operator.add]


def chain(*nodes: tuple[str, Any], **options: Any) -> Any:
    builder = StateGraph(State)
    before = START
    for name, function in nodes:
        builder.add_node(name, function, **options)
        builder.add_edge(before, name)
        before = name
    return builder.compile()


def sleeper(seconds: float, key: str = "a"):
    async def node(state):
        await asyncio.sleep(seconds)
        return {key: 1}

    return node


def books(profile: Profile) -> dict[str, float]:
    """The attribution without its zeros, in milliseconds."""
    assert profile.summary.latency_s is not None
    parts = {name: getattr(profile.attribution_s, name) or 0.0 for name in ATTRIBUTION_CATEGORIES}
    assert sum(parts.values()) == pytest.approx(profile.summary.latency_s.mean, rel=1e-6)
    return {name: round(part / MS, 3) for name, part in parts.items() if part > 1e-9}


def node(profile: Profile, path: str):
    return next(row for row in profile.nodes if row.path == path)


def test_three_nodes_in_a_row() -> None:
    time = VirtualTime()
    graph = chain(("x", sleeper(0.020)), ("y", sleeper(0.060)), ("z", sleeper(0.040)))
    profile = profile_graph(graph, {"a": 0}, {"a": 0}, time=time).profile
    assert books(profile) == {"node_wait": 120.0}
    assert [row.path for row in profile.nodes] == ["y", "z", "x"]
    assert node(profile, "y").latency_s.p50 == pytest.approx(0.060)
    assert node(profile, "y").critical_s == pytest.approx(0.060)
    assert profile.summary.latency_s.p50 == pytest.approx(0.120)


def test_failed_attempts_and_backoff() -> None:
    time = VirtualTime()
    tries = []

    async def flaky(state):
        tries.append(1)
        await asyncio.sleep(0.010)
        if len(tries) % 3:
            raise ConnectionError("try again")
        return {"a": 1}

    policy = RetryPolicy(initial_interval=0.05, backoff_factor=2, jitter=False, max_attempts=3)
    profile = profile_graph(chain(("f", flaky), retry_policy=policy), {"a": 0}, time=time).profile
    assert books(profile) == {"failed_attempts": 20.0, "backoff": 150.0, "node_wait": 10.0}
    row = node(profile, "f")
    assert (row.calls, row.attempts, row.retries, row.errors) == (1, 3, 2, 0)
    assert row.failed_attempts_s == pytest.approx(0.020)
    assert row.backoff_s == pytest.approx(0.150)
    assert row.latency_s.max == pytest.approx(0.180)


def test_ten_sends_and_a_straggler() -> None:
    time = VirtualTime()

    async def work(state):
        await asyncio.sleep(state["a"] * MS)
        return {"items": [1]}

    builder = StateGraph(State)
    builder.add_node("work", work)
    builder.add_conditional_edges(
        START, lambda state: [Send("work", {"a": 200 if i == 4 else 20}) for i in range(10)]
    )
    profile = profile_graph(builder.compile(), {"items": []}, time=time).profile
    assert books(profile) == {"node_wait": 200.0}
    row = node(profile, "work")
    assert row.calls == 10
    assert row.visits.max == 10
    assert row.barrier_wait_s == pytest.approx(9 * 0.180)
    assert row.critical_s == pytest.approx(0.200)


def test_a_blocking_call_in_an_async_node() -> None:
    time = VirtualTime()

    async def blocks(state):
        await asyncio.sleep(0.010)
        time.block(0.040)
        return {"a": 1}

    profile = profile_graph(chain(("blocks", blocks)), {"a": 0}, time=time).profile
    assert books(profile) == {"blocked_loop": 40.0, "node_wait": 10.0}
    assert node(profile, "blocks").blocking_s == pytest.approx(0.040)
    assert node(profile, "blocks").longest_hold_s == pytest.approx(0.040)
    assert [warning.code for warning in profile.warnings] == ["blocking"]


def test_own_code_and_child_tasks_that_compute() -> None:
    time = VirtualTime()

    async def part():
        await asyncio.sleep(0.005)
        time.compute(0.010)

    async def gathers(state):
        time.compute(0.002)
        await asyncio.gather(part(), part())
        return {"a": 1}

    profile = profile_graph(chain(("gathers", gathers)), {"a": 0}, time=time).profile
    assert books(profile) == {"node_cpu": 22.0, "node_wait": 5.0}
    assert node(profile, "gathers").longest_hold_s == pytest.approx(0.010)
    assert node(profile, "gathers").cpu_s == pytest.approx(0.022)


def test_a_blocked_sibling_is_the_blocking_nodes_fault() -> None:
    time = VirtualTime()

    async def blocks(state):
        time.block(0.050)
        return {"a": 1}

    builder = StateGraph(State)
    builder.add_node("blocks", blocks)
    builder.add_node("waits", sleeper(0.060, key="b"))
    builder.add_edge(START, "blocks")
    builder.add_edge(START, "waits")
    profile = profile_graph(builder.compile(), {"a": 0}, time=time).profile
    assert books(profile) == {"blocked_loop": 50.0, "node_wait": 60.0}
    assert node(profile, "blocks").critical_s == pytest.approx(0.050)
    assert node(profile, "waits").critical_s == pytest.approx(0.060)


def test_a_graph_called_inside_a_plain_function() -> None:
    time = VirtualTime()
    inner = chain(("deep", sleeper(0.030)))

    async def helper():
        return await inner.ainvoke({"a": 1})

    async def outer(state):
        await asyncio.sleep(0.010)
        await helper()
        time.compute(0.005)
        return {"a": 1}

    profile = profile_graph(chain(("outer", outer)), {"a": 0}, time=time).profile
    assert books(profile) == {"node_cpu": 5.0, "node_wait": 40.0}
    assert node(profile, "outer/deep").critical_s == pytest.approx(0.030)
    assert node(profile, "outer").critical_s == pytest.approx(0.045)
    assert node(profile, "outer").self_s == pytest.approx(0.015)


def test_subgraphs_three_levels_deep() -> None:
    time = VirtualTime()
    third = chain(("c", sleeper(0.010)))
    second = chain(("b", third), ("b2", sleeper(0.020)))
    first = chain(("a", second))
    profile = profile_graph(first, {"a": 0}, time=time).profile
    assert books(profile) == {"node_wait": 30.0}
    assert {row.path for row in profile.nodes} == {"a", "a/b", "a/b/c", "a/b2"}
    assert node(profile, "a").critical_s == pytest.approx(0.030)


class Streaming(GenericFakeChatModel):
    """80 ms to the first token, then two gaps of 20 ms."""

    model: str = "fast-1"

    def _get_ls_params(self, stop=None, **kwargs):
        return {"ls_provider": "fake", "ls_model_name": self.model, "ls_model_type": "chat"}

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        for wait_s, text in ((0.0, ""), (0.080, "one "), (0.020, "two "), (0.020, "three")):
            await asyncio.sleep(wait_s)
            last = text == "three"
            usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10} if last else None
            chunk = AIMessageChunk(content=text, usage_metadata=usage)
            if run_manager:
                await run_manager.on_llm_new_token(text, chunk=ChatGenerationChunk(message=chunk))
            yield ChatGenerationChunk(message=chunk)


def test_a_streaming_model_call() -> None:
    time = VirtualTime()
    model = Streaming(messages=iter([AIMessage("unused")]))

    async def ask(state):
        async for _ in model.astream("hello"):
            pass
        return {"a": 1}

    profile = profile_graph(chain(("ask", ask)), {"a": 0}, time=time).profile
    assert books(profile) == {"model": 120.0}
    (row,) = profile.models
    assert (row.node, row.model, row.provider, row.calls) == ("ask", "fast-1", "fake", 1)
    assert row.time_to_first_token_s.p50 == pytest.approx(0.080)
    assert (row.tokens.input, row.tokens.output) == (7, 3)
    assert row.output_tokens_per_s == pytest.approx(3 / 0.040)
    assert row.inter_token_s.p50 == pytest.approx(0.020, rel=1e-3)
    assert profile.summary.llm_calls == 1
    assert profile.requests[0].spans[-1].model.prompt_blocks is not None


def test_a_loop_by_command_counts_its_visits() -> None:
    time = VirtualTime()

    async def again(state) -> Command:
        await asyncio.sleep(0.001)
        count = state["a"] + 1
        return Command(update={"a": count}, goto="again" if count < 50 else END)

    builder = StateGraph(State)
    builder.add_node("again", again, destinations=("again", END))
    builder.add_edge(START, "again")
    profile = profile_graph(builder.compile(), {"a": 0}, time=time, recursion_limit=60).profile
    assert books(profile) == {"node_wait": 50.0}
    row = node(profile, "again")
    assert (row.calls, row.visits.max) == (50, 50)
    assert row.reads == ["a"]
    assert row.writes == ["a"]
