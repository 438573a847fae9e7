"""Every construct of LangGraph leaves its trace: right node paths, counts, spans and keys."""

from __future__ import annotations

import asyncio
import dataclasses
import operator
import threading
import time as real_time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import langgraph.errors
import langgraph.types
import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph._internal._runnable import RunnableCallable
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import CachePolicy, Command, Send, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from lgprof.errors import UsageError
from lgprof.model import Profile, Span
from lgprof.predicate import parse_predicate
from tests.profiling import profile_graph
from tests.recording.test_known_answers import State, books, chain, node, sleeper
from tests.virtual_time import VirtualTime

NodeError = getattr(langgraph.errors, "NodeError", None)
TimeoutPolicy = getattr(langgraph.types, "TimeoutPolicy", None)


def spans(profile: Profile, kind: str) -> list[Span]:
    return [span for request in profile.requests for span in request.spans if span.kind == kind]


def paths(profile: Profile) -> set[str]:
    return {row.path for row in profile.nodes}


def noop(state):
    return {}


class TestThreads:
    def test_sync_nodes_that_queue_for_a_small_executor(self) -> None:
        noted: dict[str, tuple[float, float]] = {}

        async def shrink(state):
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
            return {}

        def worker(name):
            def work(state):
                start = real_time.perf_counter()
                real_time.sleep(0.02)
                noted[name] = start, real_time.perf_counter()
                return {}

            return work

        builder = StateGraph(State)
        builder.add_node("shrink", shrink)
        builder.add_edge(START, "shrink")
        for i in range(6):
            builder.add_node(f"n{i}", worker(f"n{i}"))
            builder.add_edge("shrink", f"n{i}")
        profile = profile_graph(builder.compile(), {"a": 1}).profile
        attempts = {s.name: s for s in spans(profile, "attempt") if s.name in noted}
        assert len(attempts) == 6
        for name, (start, end) in noted.items():
            span = attempts[name]
            assert span.thread == "pool"
            # Both clocks are one; the probe's window is just around the function's own.
            assert span.work_end_s - span.work_start_s >= end - start
        last = max(attempts.values(), key=lambda span: span.end_s)
        assert last.work_start_s - last.start_s >= 0.04 - 0.001
        assert profile.attribution_s.executor_queue >= 0.04 - 0.001
        assert profile.attribution_s.unattributed == 0
        assert profile.requests[0].pool_size == 2

    def test_graphs_started_in_threads_keep_their_node(self) -> None:
        inner = chain(("deep", noop))

        def outer(state):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(inner.invoke, {"a": 1}).result()
            thread = threading.Thread(target=inner.invoke, args=({"a": 1},))
            thread.start()
            thread.join()
            return {}

        profile = profile_graph(chain(("outer", outer)), {"a": 1}).profile
        assert paths(profile) == {"outer", "outer/deep"}
        assert node(profile, "outer/deep").calls == 2

    def test_parallel_sync_nodes_in_a_sync_run(self) -> None:
        builder = StateGraph(State)
        for name in ("x", "y"):
            builder.add_node(name, noop)
            builder.add_edge(START, name)
        profile = profile_graph(builder.compile(), {"a": 1}).profile
        assert profile.target.mode == "sync"
        assert {s.thread for s in spans(profile, "attempt")} == {"pool"}
        assert profile.attribution_s.executor_queue == 0

    def test_a_sync_node_of_a_sync_run_is_on_the_callers_thread(self) -> None:
        profile = profile_graph(chain(("x", noop)), {"a": 1}).profile
        assert [s.thread for s in spans(profile, "attempt")] == ["caller"]


class TestControlFlow:
    @pytest.mark.skipif(NodeError is None, reason="this langgraph has no error handlers")
    def test_an_error_handler_follows_the_failed_node(self) -> None:
        time = VirtualTime()

        async def fails(state):
            await asyncio.sleep(0.01)
            raise ValueError("no")

        async def repair(state, error: NodeError) -> Command:
            await asyncio.sleep(0.02)
            return Command(update={"a": 1}, goto="after")

        builder = StateGraph(State)
        builder.add_node("fails", fails, error_handler=repair)
        builder.add_node("after", sleeper(0.03))
        builder.add_edge(START, "fails")
        profile = profile_graph(builder.compile(), {"a": 0}, time=time).profile
        assert profile.summary.succeeded == 1
        assert books(profile) == {"failed_attempts": 10.0, "node_wait": 50.0}
        assert node(profile, "fails").errors == 1

    def test_a_deferred_node_runs_last_in_a_step_of_its_own(self) -> None:
        time = VirtualTime()
        builder = StateGraph(State)
        builder.add_node("fast", sleeper(0.01))
        builder.add_node("slow", sleeper(0.01, key="b"))
        builder.add_node("slower", sleeper(0.02, key="b"))
        builder.add_node("last", sleeper(0.005), defer=True)
        for name in ("fast", "slow"):
            builder.add_edge(START, name)
        builder.add_edge("fast", "last")
        builder.add_edge("slow", "slower")
        builder.add_edge("slower", "last")
        profile = profile_graph(builder.compile(), {"a": 0}, time=time).profile
        assert books(profile) == {"node_wait": 35.0}
        assert node(profile, "last").calls == 1

    def test_a_command_to_the_parent_is_no_error(self) -> None:
        def leave(state):
            return Command(graph=Command.PARENT, goto="after", update={"a": 5})

        builder = StateGraph(State)
        builder.add_node("sub", chain(("leave", leave)))
        builder.add_node("after", noop)
        builder.add_edge(START, "sub")
        profile = profile_graph(builder.compile(), {"a": 0}).profile
        assert profile.summary.succeeded == 1
        assert sum(row.errors for row in profile.nodes) == 0
        assert paths(profile) == {"sub", "sub/leave", "after"}

    def test_conditional_edges_are_routing_and_not_the_node(self) -> None:
        time = VirtualTime()

        async def work(state):
            await asyncio.sleep(0.01)
            return {"a": 1}

        async def choose(state):
            time.compute(0.003)
            return END

        builder = StateGraph(State)
        builder.add_node("work", work)
        builder.add_edge(START, "work")
        builder.add_conditional_edges("work", choose)
        profile = profile_graph(builder.compile(), {"a": 0}, time=time).profile
        assert books(profile) == {"node_wait": 10.0, "routing": 3.0}
        assert [span.name for span in spans(profile, "router")] == ["choose"]

    def test_max_concurrency_makes_tasks_queue(self) -> None:
        time = VirtualTime()

        async def work(state):
            await asyncio.sleep(0.01)
            return {"items": [1]}

        builder = StateGraph(State)
        builder.add_node("work", work)
        builder.add_conditional_edges(START, lambda state: [Send("work", {})] * 4)
        profile = profile_graph(
            builder.compile(), {}, time=time, config={"max_concurrency": 2}
        ).profile
        assert books(profile) == {"executor_queue": 10.0, "node_wait": 10.0}
        assert node(profile, "work").executor_queue_s == pytest.approx(2 * 0.010)

    def test_the_returned_value_of_an_entrypoint_is_what_it_writes(self) -> None:
        @entrypoint()
        async def flow(value):
            return entrypoint.final(value={"answer": value["a"]}, save={"seen": 1})

        profile = profile_graph(flow, {"a": 1}, time=VirtualTime()).profile
        row = node(profile, "flow")
        assert (row.reads, row.writes) == (["a"], ["answer"])

    def test_functional_tasks_queue_under_max_concurrency(self) -> None:
        time = VirtualTime()

        @task
        async def work(number):
            await asyncio.sleep(0.01)

        @entrypoint()
        async def flow(value):
            await asyncio.sleep(0.005)
            await asyncio.gather(*(work(number) for number in range(6)))
            return value

        # The entrypoint itself takes one of the three places.
        profile = profile_graph(flow, {}, time=time, config={"max_concurrency": 3}).profile
        assert books(profile) == {"executor_queue": 20.0, "node_wait": 15.0}
        assert node(profile, "flow/work").executor_queue_s == pytest.approx(2 * 0.010 + 2 * 0.020)

    def test_an_async_run_without_limits_has_no_queue(self) -> None:
        time = VirtualTime()

        async def work(state):
            time.compute(0.002)
            await asyncio.sleep(0.001)
            return {"items": [1]}

        builder = StateGraph(State)
        builder.add_node("work", work)
        builder.add_conditional_edges(START, lambda state: [Send("work", {})] * 50)
        profile = profile_graph(builder.compile(), {}, time=time).profile
        assert profile.attribution_s.executor_queue == 0
        assert node(profile, "work").executor_queue_s == 0

    def test_sync_sends_of_a_sync_run_queue_for_its_pool(self) -> None:
        size = ThreadPoolExecutor()._max_workers
        all_busy = threading.Barrier(size, timeout=20)

        def work(state):
            all_busy.wait()
            real_time.sleep(0.01)
            return {"items": [1]}

        builder = StateGraph(State)
        builder.add_node("work", work)
        builder.add_conditional_edges(START, lambda state: [Send("work", {})] * 2 * size)
        profile = profile_graph(builder.compile(), {}).profile
        assert profile.requests[0].pool_size == size
        # Half of the calls wait until one of the other half is done.
        assert node(profile, "work").executor_queue_s >= size * 0.010
        assert profile.attribution_s.executor_queue >= 0.010

    def test_sync_functional_tasks_queue_for_the_pool_of_their_run(self) -> None:
        size = ThreadPoolExecutor()._max_workers - 2  # the entrypoint and LangGraph take one each
        all_busy = threading.Barrier(size, timeout=20)

        @task
        def work(number):
            all_busy.wait()
            real_time.sleep(0.01)

        @entrypoint()
        def flow(value):
            for call in [work(number) for number in range(2 * size)]:
                call.result()
            return value

        profile = profile_graph(flow, {}).profile
        assert node(profile, "flow/work").executor_queue_s >= 0.010
        assert profile.attribution_s.executor_queue >= 0.010

    @pytest.mark.skipif(TimeoutPolicy is None, reason="this langgraph has no TimeoutPolicy")
    def test_a_node_timeout_is_counted(self) -> None:
        builder = StateGraph(State)
        builder.add_node("slow", sleeper(10), timeout=TimeoutPolicy(run_timeout=0.05))
        builder.add_edge(START, "slow")
        result = profile_graph(builder.compile(), {"a": 0}, time=VirtualTime())
        (request,) = result.profile.requests
        assert request.outcome == "failed"
        assert request.error_node == "slow"
        assert "Timeout" in result.profile.errors[0].type
        row = node(result.profile, "slow")
        assert (row.errors, row.timeouts) == (1, 1)

    @pytest.mark.skipif(TimeoutPolicy is None, reason="this langgraph has no TimeoutPolicy")
    def test_the_handler_of_a_timeout_follows_it(self) -> None:
        async def repair(state, error: NodeError):
            await asyncio.sleep(0.02)
            return {"a": 1}

        limit = TimeoutPolicy(run_timeout=0.05)
        builder = StateGraph(State)
        builder.add_node("slow", sleeper(10), timeout=limit, error_handler=repair)
        builder.add_edge(START, "slow")
        profile = profile_graph(builder.compile(), {"a": 0}, time=VirtualTime()).profile
        assert profile.summary.succeeded == 1
        assert books(profile) == {"failed_attempts": 50.0, "node_wait": 20.0}
        assert node(profile, "slow").timeouts == 1


class TestInterrupts:
    def graph(self, **options: Any) -> Any:
        async def ask(state):
            first = interrupt("name?")
            second = interrupt("age?")
            await asyncio.sleep(0.01)
            return {"items": [first, second]}

        return chain(("ask", ask), ("after", sleeper(0.02)), **options)

    def test_answers_are_given_in_order(self) -> None:
        seen: list[Any] = []

        async def look(state):
            seen.append(state["items"])
            return {}

        async def ask(state):
            return {"items": [interrupt("name?"), interrupt("age?")]}

        graph = chain(("ask", ask), ("look", look))
        profile = profile_graph(
            graph, {"items": []}, resumes=[["Ada", "Bob"], {"age": 7}], time=VirtualTime()
        ).profile
        assert seen == [[["Ada", "Bob"], {"age": 7}]]
        assert profile.requests[0].interrupts == 2
        assert node(profile, "ask").calls == 3
        assert node(profile, "ask").errors == 0

    def test_the_time_between_is_not_the_graphs(self) -> None:
        profile = profile_graph(
            self.graph(), {"items": []}, resumes=["a", "b"], time=VirtualTime()
        ).profile
        assert books(profile) == {"node_wait": 30.0}

    def test_without_answers_it_stops_and_says_so(self) -> None:
        profile = profile_graph(self.graph(), {"items": []}, time=VirtualTime()).profile
        assert [warning.code for warning in profile.warnings] == ["unanswered_interrupt"]
        assert "after" not in paths(profile)

    def test_parallel_interrupts_are_answered_together(self) -> None:
        builder = StateGraph(State)
        for name in ("x", "y"):
            builder.add_node(name, lambda state: {"items": [interrupt("?")]})
            builder.add_edge(START, name)
        result = profile_graph(builder.compile(), {"items": []}, resumes=[1, 2])
        assert result.profile.summary.succeeded == 1
        assert result.profile.warnings == []

    @pytest.mark.parametrize(("resumes", "left"), [([], "no answers"), ([1], "1 answer ")])
    def test_too_few_answers_to_parallel_interrupts(self, resumes: list, left: str) -> None:
        builder = StateGraph(State)
        for name in "xyz":
            builder.add_node(name, lambda state: {"items": [interrupt("?")]})
            builder.add_edge(START, name)
        graph = builder.compile(checkpointer=InMemorySaver())
        [warning] = profile_graph(graph, {"items": []}, resumes=resumes).profile.warnings
        assert warning.code == "unanswered_interrupt"
        assert f"3 interrupts at once in x, y, z, with {left}" in warning.message
        assert "answer all 3 with --resume" in warning.fix

    def test_each_of_parallel_interrupts_gets_its_own_answer(self) -> None:
        seen = {}

        def asks(name):
            def ask(state):
                seen[name] = interrupt("?")
                return {}

            return ask

        builder = StateGraph(State)
        for name in "xyz":
            builder.add_node(name, asks(name))
            builder.add_edge(START, name)
        profile_graph(builder.compile(), {}, resumes=[1, None, [3]])
        assert seen == {"x": 1, "y": None, "z": [3]}

    def test_a_graph_that_interrupts_for_ever_fails(self) -> None:
        builder = StateGraph(State)
        builder.add_node("x", noop)
        builder.add_edge(START, "x")
        builder.add_edge("x", "x")
        result = profile_graph(builder.compile(interrupt_before=["x"]), {"a": 1})
        assert result.profile.summary.failed == 1
        assert "does not end" in result.failures[0].message

    def test_a_breakpoint_is_passed(self) -> None:
        graph = chain(("x", noop), ("y", noop))
        builder = StateGraph(State)
        builder.add_node("x", noop)
        builder.add_node("y", noop)
        builder.add_edge(START, "x")
        builder.add_edge("x", "y")
        graph = builder.compile(interrupt_before=["y"])
        profile = profile_graph(graph, {"a": 1}).profile
        assert paths(profile) == {"x", "y"}
        assert profile.requests[0].interrupts == 1
        assert profile.target.checkpointer == "InMemorySaver"
        assert graph.checkpointer is None


class TestFunctionalApi:
    def test_tasks_in_parallel(self) -> None:
        time = VirtualTime()

        @task
        async def part(seconds):
            await asyncio.sleep(seconds)
            return seconds

        @entrypoint()
        async def flow(value):
            await asyncio.gather(part(0.02), part(0.05))
            await asyncio.sleep(0.01)
            return value

        profile = profile_graph(flow, 7, time=time).profile
        assert books(profile) == {"node_wait": 60.0}
        assert node(profile, "flow/part").calls == 2
        assert node(profile, "flow").critical_s == pytest.approx(0.060)
        assert node(profile, "flow").self_s == pytest.approx(0.010)

    def test_sync_tasks(self) -> None:
        @task
        def double(value):
            return value * 2

        @entrypoint()
        def flow(value):
            return double(double(value).result()).result()

        profile = profile_graph(flow, 3).profile
        assert node(profile, "flow/double").calls == 2
        assert profile.attribution_s.unattributed == 0


class TestStateAccess:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Frozen:
        a: int = 0
        b: int = 0
        c: int = 0

    class Model(BaseModel):
        a: int = 0
        b: int = 0
        c: int = 0

    class Typed(TypedDict, total=False):
        a: int
        b: int
        c: int

    @pytest.mark.parametrize(
        ("schema", "read"),
        [
            (Typed, lambda state: state["a"] + state.get("b", 0)),
            (Model, lambda state: state.a + state.b),
            (Frozen, lambda state: state.a + state.b),
        ],
    )
    def test_keys_read_and_written(self, schema: type, read: Any) -> None:
        def add(state):
            assert isinstance(state, dict if schema is self.Typed else schema)
            return {"c": read(state)}

        builder = StateGraph(schema)
        builder.add_node("add", add)
        builder.add_edge(START, "add")
        profile = profile_graph(builder.compile(), {"a": 1, "b": 2, "c": 0}).profile
        assert node(profile, "add").reads == ["a", "b"]
        assert node(profile, "add").writes == ["c"]

    @pytest.mark.parametrize(
        "use", [lambda s: {**s}, lambda s: list(s), repr, len, lambda s: s == {}, dict, bool]
    )
    def test_a_use_of_the_whole_state(self, use: Any) -> None:
        def whole(state):
            use(state)
            return {}

        row = node(profile_graph(chain(("whole", whole)), {"a": 1}).profile, "whole")
        # bool() of a dict asks for its length.
        assert row.reads == "all"

    def test_equal_values_have_equal_hashes_within_a_file_only(self) -> None:
        graph = chain(("x", lambda state: {"b": state["a"]}))
        first = profile_graph(graph, {"a": 1}, {"a": 1}, {"a": 2}).profile
        hashes = [span.reads["a"] for span in spans(first, "attempt")]
        assert hashes[0] == hashes[1] != hashes[2]
        again = profile_graph(graph, {"a": 1}).profile
        assert spans(again, "attempt")[0].reads["a"] != hashes[0]

    def test_command_and_lists_of_commands_write(self) -> None:
        def both(state):
            return [Command(update={"a": 1}), {"b": 2}]

        assert node(profile_graph(chain(("both", both)), {"a": 0}).profile, "both").writes == [
            "a",
            "b",
        ]


class TestInputsAndOutputs:
    def test_checkpoints_are_timed_and_ours_are_deleted(self) -> None:
        saver = InMemorySaver()
        builder = StateGraph(State)
        builder.add_node("x", noop)
        builder.add_edge(START, "x")
        graph = builder.compile(checkpointer=saver)
        graph.invoke({"a": 1}, {"configurable": {"thread_id": "theirs"}})
        before = dict(saver.storage["theirs"])
        profile = profile_graph(graph, {"a": 1}, {"a": 2}).profile
        names = {span.name for span in spans(profile, "checkpoint")}
        assert {"get_tuple", "put", "put_writes"} <= names
        assert profile.attribution_s.checkpoint > 0
        assert set(saver.storage) == {"theirs"}
        assert dict(saver.storage["theirs"]) == before

    def test_a_thread_that_the_user_named_is_kept(self) -> None:
        saver = InMemorySaver()
        builder = StateGraph(State)
        builder.add_node("x", noop)
        builder.add_edge(START, "x")
        config = {"configurable": {"thread_id": "t{{i}}"}}
        profile_graph(builder.compile(checkpointer=saver), {}, {}, config=config)
        assert set(saver.storage) == {"t0", "t1"}

    def test_the_store_that_the_host_supplies(self) -> None:
        def remember(state, runtime: Runtime):
            runtime.store.put(("people",), "ada", {"age": 36})
            return {"a": runtime.store.get(("people",), "ada").value["age"]}

        profile = profile_graph(chain(("remember", remember)), {"a": 0}).profile
        assert profile.summary.succeeded == 1
        assert [span.path for span in spans(profile, "store")] == ["remember", "remember"]
        assert profile.attribution_s.store > 0

    def test_cache_hits(self) -> None:
        calls = []

        def work(state):
            calls.append(1)
            return {"b": 1}

        builder = StateGraph(State)
        builder.add_node("work", work, cache_policy=CachePolicy(key_func=lambda state: "same"))
        builder.add_edge(START, "work")
        graph = builder.compile(cache=InMemoryCache())
        profile = profile_graph(graph, {"a": 1}, {"a": 2}, {"a": 3}).profile
        assert len(calls) == 1
        row = node(profile, "work")
        assert (row.calls, row.cache_hits, row.visits.mean) == (1, 2, 1.0)


class TestTracedCallables:
    """Some prebuilt nodes open a callback run of their own below their attempt."""

    def test_what_the_probes_saw_belongs_to_the_attempt(self) -> None:
        time = VirtualTime()

        async def work(state):
            await asyncio.sleep(0.010)
            time.block(0.020)
            return {"b": state["a"]}

        profile = profile_graph(
            chain(("traced", RunnableCallable(None, work, name="inner", trace=True))),
            {"a": 1},
            time=time,
        ).profile
        assert books(profile) == {"blocked_loop": 20.0, "node_wait": 10.0}
        row = node(profile, "traced")
        assert (row.reads, row.writes) == (["a"], ["b"])


class TestCalls:
    def model(self) -> GenericFakeChatModel:
        usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
        return GenericFakeChatModel(messages=iter([AIMessage("hi", usage_metadata=usage)] * 9))

    def test_a_model_called_with_callbacks_of_its_own(self) -> None:
        model = self.model()

        def ask(state):
            model.invoke("hello", {"callbacks": []})
            return {}

        profile = profile_graph(chain(("ask", ask)), {"a": 1}).profile
        assert [(row.node, row.calls) for row in profile.models] == [("ask", 1)]
        assert profile.summary.tokens.input == 3

    @pytest.mark.parametrize("mode", ["sync", "async"])
    def test_a_stream_that_its_reader_leaves_is_no_error(self, mode: str) -> None:
        model = GenericFakeChatModel(messages=iter([AIMessage("a long answer to nobody")]))

        def ask(state):
            stream = model.stream("x")
            next(stream)
            stream.close()
            return {}

        async def ask_async(state):
            stream = model.astream("x")
            await anext(stream)
            await stream.aclose()
            return {}

        graph = chain(("ask", ask if mode == "sync" else ask_async))
        profile = profile_graph(graph, {"a": 1}).profile
        assert profile.target.mode == mode
        assert [span.outcome for span in spans(profile, "model")] == ["cancelled"]
        assert [(row.calls, row.errors) for row in profile.models] == [(1, 0)]

    def test_tools_and_models_inside_tools(self) -> None:
        model = self.model()

        @tool
        def think(text: str) -> str:
            """Think about it."""
            return model.invoke(text).content

        def use(state):
            think.invoke({"text": "x"})
            return {}

        profile = profile_graph(chain(("use", use)), {"a": 1}).profile
        assert [(row.node, row.tool, row.calls) for row in profile.tools] == [("use", "think", 1)]
        assert [row.node for row in profile.models] == ["use"]

    def test_a_chain_as_a_node(self) -> None:
        steps = RunnableLambda(lambda state: state) | RunnableLambda(lambda state: {"a": 1})
        profile = profile_graph(chain(("steps", steps)), {"a": 0}).profile
        assert paths(profile) == {"steps"}
        assert profile.attribution_s.unattributed == 0

    def test_unreported_tokens_are_estimated_and_said(self) -> None:
        model = GenericFakeChatModel(messages=iter([AIMessage("hi")] * 3))
        profile = profile_graph(
            chain(("ask", lambda state: {"b": len(model.invoke("x").content)})), {"a": 1}
        ).profile
        assert profile.summary.tokens.input == 3 + 1 + 1 + 3  # framing, role, text, answer's start
        assert profile.summary.tokens.estimated_share == 1.0
        [warning] = profile.warnings
        assert warning.code == "no_usage"
        assert warning.message == "1 of 1 model calls reported no tokens: theirs are estimated"


class TestFailures:
    def test_one_request_in_five_raises(self) -> None:
        def fragile(state):
            if state["a"] == 3:
                raise ValueError("three is bad")
            return {}

        inputs = [{"a": i} for i in range(5)]
        result = profile_graph(chain(("fragile", fragile)), *inputs)
        summary = result.profile.summary
        assert (summary.succeeded, summary.failed, summary.error_rate) == (4, 1, 0.2)
        (row,) = result.profile.errors
        assert (row.type, row.node, row.message) == ("builtins.ValueError", "fragile", None)
        (failure,) = result.failures
        assert failure.message == "three is bad"
        assert "in fragile" in failure.traceback
        assert "lgprof" not in failure.traceback.replace(__file__, "")
        assert "langgraph" not in failure.traceback

    def test_a_timed_out_request_counts_the_time_waited(self) -> None:
        profile = profile_graph(
            chain(("hang", sleeper(1e6))), {"a": 1}, time=VirtualTime(), timeout_s=2.0
        ).profile
        assert profile.summary.timed_out == 1
        assert profile.summary.latency_s.max == pytest.approx(2.0)
        assert books(profile) == {"node_wait": 2000.0}
        assert profile.errors[0].node == "hang"

    @pytest.mark.parametrize("mode", ["sync", "async"])
    @pytest.mark.parametrize("fails", [False, True])
    def test_a_timeout_that_nobody_could_enforce_counts(self, mode: str, fails: bool) -> None:
        time = VirtualTime()

        def work(state):
            time.compute(0.02)  # no real time: no timer fires meanwhile
            if fails:
                raise ValueError("too late")
            return {}

        async def work_async(state):
            return work(state)

        graph = chain(("work", work if mode == "sync" else work_async))
        result = profile_graph(graph, {"a": 1}, {"a": 1}, time=time, timeout_s=0.01)
        assert result.profile.target.mode == mode
        assert [request.outcome for request in result.profile.requests] == ["timed_out"] * 2
        assert result.profile.summary.latency_s.max == pytest.approx(0.02)

    def test_errors_kept_in_state(self) -> None:
        def charge(state):
            return {"a": state["a"] + 1, "status": "error" if state["a"] < 2 else "ok"}

        class Kept(TypedDict, total=False):
            a: int
            status: str

        builder = StateGraph(Kept)
        builder.add_node("charge", charge)
        builder.add_edge(START, "charge")
        builder.add_conditional_edges(
            "charge", lambda state: "charge" if state["status"] == "error" else END
        )
        profile = profile_graph(
            builder.compile(), {"a": 0}, failed_when=parse_predicate('status == "error"')
        ).profile
        row = node(profile, "charge")
        assert (row.calls, row.errors, row.visits.max) == (3, 2, 3)
        assert row.failed_attempts_s > 0
        assert profile.summary.failed == 0

    def test_a_final_state_that_is_an_error(self) -> None:
        profile = profile_graph(
            chain(("x", lambda state: {"a": 9})), {"a": 0}, failed_when=parse_predicate("a == 9")
        ).profile
        assert profile.summary.failed == 1
        assert profile.errors[0].type == "failed_when"
        assert profile.errors[0].node == "x"


class TestTargetsAround:
    def test_graphs_behind_wrappers(self) -> None:
        graph = chain(("x", noop))
        for target in (
            graph.with_config(tags=["t"]),
            graph.with_retry(),
            graph | RunnableLambda(lambda state: state),
        ):
            profile = profile_graph(target, {"a": 1}).profile
            assert paths(profile) == {"x"}
            assert profile.attribution_s.unattributed <= 0.01 * profile.summary.latency_s.mean

    def test_requests_at_once_are_kept_apart(self) -> None:
        time = VirtualTime()
        profile = profile_graph(
            chain(("x", sleeper(0.01))), *[{"a": i} for i in range(8)], time=time, concurrency=4
        ).profile
        assert [len(request.spans) for request in profile.requests] == [3] * 8
        assert profile.summary.latency_s.max == pytest.approx(0.010)
        assert profile.summary.cpu_s is None
        assert profile.summary.throughput_rps == pytest.approx(8 / 0.020)

    def test_sync_requests_at_once(self) -> None:
        profile = profile_graph(
            chain(("x", noop)), *[{"a": i} for i in range(8)], concurrency=4
        ).profile
        assert profile.summary.succeeded == 8
        assert sorted(request.index for request in profile.requests) == list(range(8))

    def test_without_probes(self) -> None:
        profile = profile_graph(
            chain(("x", sleeper(0.01)), ("y", sleeper(0.02))),
            {"a": 1},
            time=VirtualTime(),
            probes=False,
        ).profile
        assert books(profile) == {"unattributed": 30.0}
        assert node(profile, "y").reads is None
        assert node(profile, "y").cpu_s is None
        assert [warning.code for warning in profile.warnings] == ["no_probes"]


class Reducer(TypedDict):
    items: Annotated[list, operator.add]


def test_subgraph_in_a_send() -> None:
    inner = StateGraph(Reducer)
    inner.add_node("leaf", lambda state: {"items": [1]})
    inner.add_edge(START, "leaf")
    builder = StateGraph(Reducer)
    builder.add_node("branch", inner.compile())
    builder.add_conditional_edges(START, lambda state: [Send("branch", {"items": []})] * 3)
    profile = profile_graph(builder.compile(), {"items": []}).profile
    assert node(profile, "branch").calls == node(profile, "branch/leaf").calls == 3


class TestWhatTheUserTyped:
    def test_an_input_that_fails_validation_is_a_usage_error(self) -> None:
        class Strict(BaseModel):
            x: int

        builder = StateGraph(Strict)
        builder.add_node("n", noop)
        builder.add_edge(START, "n")
        with pytest.raises(
            UsageError, match="does not fit the graph: x: Input should be a valid integer"
        ):
            profile_graph(builder.compile(), {"x": "many"})

    def test_a_node_that_breaks_the_state_is_the_graphs_failure(self) -> None:
        class Strict(BaseModel):
            x: int

        builder = StateGraph(Strict)
        builder.add_node("n", lambda state: {"x": "many"})
        builder.add_node("m", noop)
        builder.add_edge(START, "n")
        builder.add_edge("n", "m")
        assert profile_graph(builder.compile(), {"x": 1}).profile.summary.failed == 1

    def test_a_context_whose_fields_all_have_defaults_is_supplied(self) -> None:
        @dataclasses.dataclass
        class Context:
            model: str = "small"

        def look(state, runtime: Runtime[Context]):
            assert runtime.context.model == "small"
            return {}

        builder = StateGraph(State, context_schema=Context)
        builder.add_node("look", look)
        builder.add_edge(START, "look")
        assert profile_graph(builder.compile(), {}).profile.summary.succeeded == 1
