"""Changes applied to copies of graphs: same outputs, and the originals as they were."""

from __future__ import annotations

import asyncio
import importlib
import json
import operator
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.messages import BaseMessage
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy, Send, interrupt
from typing_extensions import TypedDict

from lgprof.langgraph_adapter.entry import entering
from lgprof.langgraph_adapter.fuse import fused
from lgprof.langgraph_adapter.rewire import (
    CannotRewireError,
    UnsafeTopologyError,
    cached,
    current_form,
    delayed,
    retried,
    unblocked,
    with_full_output,
)
from lgprof.langgraph_adapter.side_by_side import side_by_side
from tests.virtual_time import VirtualTime

SAMPLES = Path(importlib.import_module("sample_graphs").__file__).parent
CHAINS = {
    "basic": ["parse", "retrieve"],
    "caching": ["normalise", "embed"],
    "customer_support": ["load_customer", "load_orders"],
    "data_pipeline": ["aggregate", "publish"],
    "production": ["load_schema", "validate"],
    "research": ["gather/web search/news", "gather/web search/blogs"],
    "resilient": ["load_profile", "answer"],
    "retrying": ["load_order", "reserve_stock"],
    "token_budget": ["take_turn", "fit"],
}
INDEPENDENT = {"customer_support", "research"}
"""Where the nodes of `CHAINS` do not need one another, so that the outputs must be the same."""


class State(TypedDict, total=False):
    q: int
    a: int
    b: int
    c: int
    out: str


@pytest.fixture(autouse=True)
def _no_sleep(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


def run(graph: Any, value: Any) -> Any:
    """The output in virtual time; of an error, its type."""
    loop = VirtualTime().loop()
    config = {"configurable": {"thread_id": "1"}}
    try:
        return plain(loop.run_until_complete(graph.ainvoke(value, config)))
    except Exception as error:
        return type(error).__name__
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def plain(value: Any) -> Any:
    if isinstance(value, BaseMessage):
        return value.type, value.content
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def sample(name: str) -> tuple[Any, list[Any]]:
    module = importlib.import_module(f"sample_graphs.{name}")
    lines = (SAMPLES / f"{name}.jsonl").read_text().splitlines()[:2]
    return module, [json.loads(line) for line in lines]


def fresh(name: str) -> Any:
    module = importlib.import_module(f"sample_graphs.{name}")
    if name == "caching":
        module.clear()
    if name == "resilient":
        module.breaker.close()
    return module.build().compile()


def shape(graph: Any) -> Any:
    """What a change could spoil: nodes with their parts, edges, and what compiling set."""
    nodes = {
        name: (
            *(id(node.bound), node.cache_policy, node.retry_policy, list(node.triggers)),
            *(len(node.writers), [shape(inner) for inner in node.subgraphs]),
        )
        for name, node in graph.nodes.items()
    }
    builder = getattr(graph, "builder", None)
    edges = builder and (set(builder.edges), set(builder.waiting_edges), sorted(builder.nodes))
    branches = builder and {
        source: {name: (id(b.path), b.ends) for name, b in by_name.items()}
        for source, by_name in builder.branches.items()
    }
    return nodes, edges, branches, sorted(graph.channels), graph.cache, graph.output_channels


@pytest.mark.parametrize("name", sorted(CHAINS))
def test_every_sample_graph_can_be_rewired_and_stays_as_it_was(name):
    graph = fresh(name)
    before = shape(graph)
    inputs = sample(name)[1]

    changed = side_by_side(graph, CHAINS[name])
    outputs = [run(changed, value) for value in inputs]

    assert shape(graph) == before
    if name in INDEPENDENT:
        assert outputs == [run(fresh(name), value) for value in inputs]


@pytest.mark.parametrize("name", sorted(CHAINS))
def test_caches_retries_threads_and_delays_leave_outputs_as_they_were(name):
    graph = fresh(name)
    before = shape(graph)
    inputs = sample(name)[1]
    expected = [run(fresh(name), value) for value in inputs]
    path = CHAINS[name][1]

    for changed in (
        cached(graph, path, repr, None),
        retried(graph, path, max_attempts=2, initial_interval_s=0.0, backoff_factor=None),
        unblocked(graph, path),
        delayed(graph, path, 0.01),
    ):
        fresh(name)
        assert [run(changed, value) for value in inputs] == expected
    assert shape(graph) == before


# --- side by side ------------------------------------------------------------------------------


class Log:
    """Which nodes ran together, by when they started and ended."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def node(self, name: str, writes: str) -> Any:
        async def function(state: State) -> dict[str, Any]:
            self.events.append(f"+{name}")
            await asyncio.sleep(0.01)
            self.events.append(f"-{name}")
            return {writes: state["q"]}

        return function

    @property
    def together(self) -> bool:
        return self.events.index("+B") < self.events.index("-A")


@pytest.fixture
def log() -> Log:
    return Log()


def chain(log: Log) -> StateGraph:
    graph = StateGraph(State)
    for name, writes in (("A", "a"), ("B", "b"), ("C", "c")):
        graph.add_node(name, log.node(name, writes))
    graph.add_edge("A", "B")
    return graph


def test_three_in_a_row_start_together_and_the_next_waits_for_all(log):
    graph = chain(log)
    graph.add_node("end", lambda state: {"out": f"{state['a']}{state['b']}{state['c']}"})
    graph.add_edge(START, "A")
    graph.add_edge("B", "C")
    graph.add_edge("C", "end")

    output = run(side_by_side(graph.compile(), ["C", "A", "B"]), {"q": 1})

    assert output["out"] == "111"
    assert log.events[:3] == ["+A", "+B", "+C"]


def test_a_router_before_leads_to_all(log):
    graph = chain(log)
    graph.add_conditional_edges(START, lambda state: "go", {"go": "A", "stop": END})

    assert run(side_by_side(graph.compile(), ["A", "B"]), {"q": 1}) == {"q": 1, "a": 1, "b": 1}
    assert log.together


def test_a_router_before_without_a_map_leads_to_all(log):
    graph = chain(log)
    graph.add_conditional_edges(START, lambda state: ["A", "C"])

    output = run(side_by_side(graph.compile(), ["A", "B"]), {"q": 1})

    assert output == {"q": 1, "a": 1, "b": 1, "c": 1}
    assert log.together


def test_a_router_after_sees_what_all_wrote(log):
    graph = chain(log)
    graph.add_edge(START, "A")
    graph.add_conditional_edges("B", lambda state: "C" if state["a"] and state["b"] else END)

    assert run(side_by_side(graph.compile(), ["A", "B"]), {"q": 1})["c"] == 1
    assert log.together


def test_a_loop_runs_them_together_each_time():
    ran = Counter()

    def count(name: str, writes: str) -> Any:
        def function(state: State) -> dict[str, Any]:
            ran[name] += 1
            return {writes: state.get(writes, 0) + 1}

        return function

    graph = StateGraph(State)
    graph.add_node("A", count("A", "a"))
    graph.add_node("B", count("B", "b"))
    graph.add_edge(START, "A")
    graph.add_edge("A", "B")
    graph.add_conditional_edges("B", lambda state: "A" if state["a"] < 3 else END, ["A", END])

    assert run(side_by_side(graph.compile(), ["A", "B"]), {"q": 1}) == {"q": 1, "a": 3, "b": 3}
    assert ran == {"A": 3, "B": 3}


def test_a_barrier_after_waits_for_all(log):
    graph = chain(log)
    graph.add_node("end", lambda state: {"out": f"{state['a']}{state['b']}{state['c']}"})
    graph.add_edge(START, "A")
    graph.add_edge(START, "C")
    graph.add_edge(["B", "C"], "end")

    assert run(side_by_side(graph.compile(), ["A", "B"]), {"q": 1})["out"] == "111"


def test_several_changes_compose(log):
    graph = chain(log)
    graph.add_edge(START, "A")
    graph.add_edge("B", "C")

    changed = side_by_side(cached(graph.compile(), "A", repr, None), ["A", "B"])
    run(changed, {"q": 1})
    run(changed, {"q": 1})

    assert log.together
    assert log.events.count("+A") == 1


def _interrupting(state: State) -> dict[str, Any]:
    return {"a": interrupt("?")}


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda g: g.add_conditional_edges("A", lambda s: "C"), "a router after A"),
        (lambda g: g.add_edge("A", "C"), "A also leads to C"),
        (lambda g: g.add_edge("C", "B"), "B also follows C"),
        (lambda g: g.add_edge(["A", "C"], "end"), "A also leads to end"),
        (lambda g: g.add_edge(["C", "end"], "B"), "B also follows C and end"),
        (lambda g: g.add_conditional_edges("C", lambda s: "B", ["B"]), "a router after C may go"),
        (
            lambda g: g.add_node("D", lambda s: Command(goto="A"), destinations=("A",)),
            "a Command of D may go",
        ),
    ],
)
def test_edges_that_forbid_it_are_named(log, build, reason):
    graph = chain(log)
    graph.add_node("end", lambda state: {})
    graph.add_edge(START, "A")
    build(graph)

    with pytest.raises(UnsafeTopologyError, match=reason):
        side_by_side(graph.compile(), ["A", "B"])


def test_nodes_that_steer_or_stop_the_graph_are_refused(log):
    def two(node: Any, **options: Any) -> Any:
        graph = StateGraph(State).add_node("A", node, **options)
        graph.add_node("B", log.node("B", "b"))
        return graph.add_edge(START, "A").add_edge("A", "B")

    stopping = two(_interrupting).compile()
    steering = two(lambda s: Command(goto="B"), destinations=("B",)).compile()
    deferred = two(log.node("A", "a"), defer=True).compile()
    broken = two(log.node("A", "a")).compile(interrupt_after=["A"])

    for graph, reason in (
        (stopping, r"A calls interrupt\(\)"),
        (steering, "returns a Command"),
        (deferred, "A is deferred"),
        (broken, "interrupted at A"),
    ):
        with pytest.raises(UnsafeTopologyError, match=reason):
            side_by_side(graph, ["A", "B"])


def test_nodes_that_do_not_follow_one_another_are_refused(log):
    graph = chain(log).add_edge(START, "A").add_edge("B", "C").compile()

    for names in (["A", "C"], ["A"], ["A", "A"]):
        with pytest.raises(UnsafeTopologyError):
            side_by_side(graph, names)
    with pytest.raises(CannotRewireError, match="no node 'nowhere'"):
        side_by_side(graph, ["nowhere", "A"])


# --- other changes -----------------------------------------------------------------------------


def test_a_cached_node_runs_once_a_key_in_a_subgraph_too():
    calls: list[int] = []

    def work(state: State) -> dict[str, Any]:
        calls.append(state["q"])
        return {"a": state["q"] % 2}

    inner = StateGraph(State).add_node(work).add_edge(START, "work").compile()
    graph = StateGraph(State).add_node("inner", inner).add_edge(START, "inner").compile()

    changed = cached(graph, "inner/work", lambda state: str(state["q"] % 2), 60)

    assert [run(changed, {"q": q})["a"] for q in range(6)] == [0, 1, 0, 1, 0, 1]
    assert calls == [0, 1]
    assert inner.cache is None


def test_a_graph_that_a_function_calls_is_exchanged_when_it_starts():
    calls: list[int] = []

    def work(state: State) -> dict[str, Any]:
        calls.append(state["q"])
        return {"a": 1}

    inner = StateGraph(State).add_node(work).add_edge(START, "work").compile()

    async def outer(state: State) -> dict[str, Any]:
        return {"a": (await inner.ainvoke({"q": state["q"]}))["a"]}

    graph = StateGraph(State).add_node(outer).add_edge(START, "outer").compile()
    changed = cached(graph, "outer/work", lambda state: "same", None)

    with entering(lambda started, run_id: current_form(started)):
        run(changed, {"q": 1})
        run(changed, {"q": 2})
        assert calls == [1]
        run(graph, {"q": 3})
    assert calls == [1, 3]


def test_tasks_are_called_with_another_policy():
    calls = Counter()

    @task
    def work(q: int) -> int:
        calls["work"] += 1
        return q

    @task(retry_policy=RetryPolicy(max_attempts=2, initial_interval=0.0, jitter=False))
    def flaky(q: int) -> int:
        calls["flaky"] += 1
        if calls["flaky"] < 4:
            raise ConnectionError
        return q

    @entrypoint()
    def flow(q: int) -> int:
        return work(q).result() + flaky(q).result()

    changed = cached(flow, "flow/work", lambda *args, **kwargs: repr(args), None)
    changed = retried(
        changed, "flow/flaky", max_attempts=5, initial_interval_s=0.001, backoff_factor=None
    )

    assert [changed.invoke(1), changed.invoke(1)] == [2, 2]
    assert calls == {"work": 1, "flaky": 5}
    assert flow.cache is None
    with pytest.raises(CannotRewireError, match="@entrypoint"):
        side_by_side(flow, ["flow", "flow"])


def test_an_unblocked_node_leaves_the_loop():
    threads: list[int] = []

    async def work(state: State) -> dict[str, Any]:
        threads.append(threading.get_ident())
        await asyncio.sleep(0)
        return {"a": 1}

    graph = StateGraph(State).add_node(work).add_edge(START, "work").compile()

    async def both() -> None:
        await unblocked(graph, "work").ainvoke({"q": 1})
        await graph.ainvoke({"q": 1})

    asyncio.run(both())

    assert threads[0] != threads[1] == threading.get_ident()


def test_a_retry_policy_changes_only_where_told():
    graph = StateGraph(State)
    graph.add_node("n", lambda s: {}, retry_policy=RetryPolicy(max_attempts=7, jitter=False))
    compiled = graph.add_edge(START, "n").compile()

    changed = retried(
        compiled, "n", max_attempts=None, initial_interval_s=0.25, backoff_factor=None
    )

    (policy,) = changed.nodes["n"].retry_policy
    assert (policy.max_attempts, policy.initial_interval, policy.jitter) == (7, 0.25, False)


def test_the_full_output_holds_what_the_schema_hides():
    class Output(TypedDict):
        a: int

    graph = StateGraph(State, output_schema=Output)
    graph.add_node("n", lambda s: {"a": 1, "b": 2})
    compiled = graph.add_edge(START, "n").compile()

    assert run(compiled, {"q": 1}) == {"a": 1}
    assert run(with_full_output(compiled), {"q": 1}) == {"q": 1, "a": 1, "b": 2}


def test_send_fans_out_to_all_members_alike(log):
    graph = chain(log)
    graph.add_conditional_edges(START, lambda s: [Send("C", s), "A"], ["C", "A"])

    output = run(side_by_side(graph.compile(), ["A", "B"]), {"q": 1})

    assert output == {"q": 1, "a": 1, "b": 1, "c": 1}


# --- a barrier less ----------------------------------------------------------------------------


class Reduced(TypedDict, total=False):
    q: int
    a: int
    b: int
    slow: int
    log: Annotated[list[str], operator.add]


def with_barrier(before: Any, after: Any, ends: list[str]) -> Any:
    async def slow(state: Reduced) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        ends.append("slow")
        return {"slow": 1}

    async def joined(state: Reduced) -> dict[str, Any]:
        return {"log": [f"{state['a']}{state['b']}{state['slow']}"]}

    graph = StateGraph(Reduced)
    for name, node in (("before", before), ("after", after), ("slow", slow), ("join", joined)):
        graph.add_node(name, node)
    graph.add_edge(START, "before")
    graph.add_edge(START, "slow")
    graph.add_edge("before", "after")
    graph.add_edge(["after", "slow"], "join")
    return graph.compile()


def test_without_a_barrier_the_next_node_starts_at_once():
    ends: list[str] = []

    async def before(state: Reduced) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"a": 1, "b": 1, "log": ["before"]}

    async def after(state: Reduced) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        ends.append("after")
        return {"b": state["a"] + 1, "log": [f"after {len(state['log'])}"]}

    graph = with_barrier(before, after, ends)
    expected = run(graph, {"q": 1})
    assert ends == ["slow", "after"]
    ends.clear()

    assert run(fused(graph, "before", "after"), {"q": 1}) == expected
    assert expected["log"] == ["before", "after 1", "121"]
    assert ends == ["after", "slow"]


def test_a_router_after_the_barrier_follows_the_node_that_runs_both(log):
    graph = chain(log)
    graph.add_edge(START, "A")
    graph.add_conditional_edges("B", lambda state: "C" if state["b"] else END, ["C", END])

    assert run(fused(graph.compile(), "A", "B"), {"q": 1}) == {"q": 1, "a": 1, "b": 1, "c": 1}


def test_a_barrier_that_others_need_or_a_policy_stays(log):
    graph = chain(log).add_edge(START, "A").add_edge("B", "C").add_edge("A", "C")
    with pytest.raises(UnsafeTopologyError, match="A also leads to C"):
        fused(graph.compile(), "A", "B")

    graph = StateGraph(State)
    graph.add_node("A", log.node("A", "a"), retry_policy=RetryPolicy())
    graph.add_node("B", log.node("B", "b"))
    graph.add_edge(START, "A")
    graph.add_edge("A", "B")
    with pytest.raises(CannotRewireError, match="A has a policy of its own"):
        fused(graph.compile(), "A", "B")
