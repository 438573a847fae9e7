"""Python frames are found under the node that ran them, wherever it ran them."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

import pytest
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from pyinstrument import stack_sampler

from lgprof.analysis.flame import flame_graph
from lgprof.analysis.flame_tree import Flame
from lgprof.model import Profile, Sampling
from lgprof.run import Extras
from tests.profiling import profile_graph


class State(TypedDict, total=False):
    value: int


def burn() -> None:
    """Use the CPU for a while, however busy the machine is.

    Long enough that a thread that loses the processor in a frame above costs no test.
    """
    end_s = time.thread_time() + 0.2
    while time.thread_time() < end_s:
        pass


def middle() -> None:
    burn()


def planted() -> None:
    middle()


def in_sync_node(state: State) -> State:
    planted()
    return {"value": 1}


async def in_async_node(state: State) -> State:
    planted()
    return {"value": 1}


async def in_executor(state: State) -> State:
    await asyncio.to_thread(planted)
    return {"value": 1}


def in_own_pool(state: State) -> State:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(planted).result()
    return {"value": 1}


def in_own_thread(state: State) -> State:
    thread = threading.Thread(target=planted)
    thread.start()
    thread.join()
    return {"value": 1}


def chain(*functions: Any) -> Any:
    graph = StateGraph(State)
    names = [function.__name__ for function in functions]
    for name, function in zip(names, functions, strict=True):
        graph.add_node(name, function)
    for source, target in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(source, target)
    return graph.compile()


def sampled(graph: Any, **options: Any) -> Profile:
    result = profile_graph(graph, {}, extras=Extras(sample=True), **options)
    assert result.profile.summary.succeeded == 1, result.failures
    return result.profile


def sampling_of(profile: Profile) -> Sampling:
    assert profile.sampling is not None, profile.warnings
    return profile.sampling


def found_s(profile: Profile, *names: str) -> float:
    """Seconds of the frames that lie below one another like these, whatever is between them."""
    total = 0.0
    for way in flame_graph(profile).walk():
        rest = [flame.name for flame in way]
        if rest[-1] == names[-1] and names[-1] not in rest[:-1] and _in_order(names, rest):
            total += way[-1].value
    return total


def _in_order(names: tuple[str, ...], rest: list[str]) -> bool:
    left = iter(rest)
    return all(name in left for name in names)


def node(profile: Profile, name: str) -> Flame:
    return next(flame for flame in flame_graph(profile).children if flame.name == name)


@pytest.mark.parametrize(
    ("function", "mode"),
    [
        (in_sync_node, "sync"),
        (in_sync_node, "async"),
        (in_async_node, "async"),
        (in_executor, "async"),
        (in_own_pool, "sync"),
        (in_own_thread, "sync"),
    ],
)
def test_a_function_three_calls_deep_has_the_time(function: Any, mode: str) -> None:
    profile = sampled(chain(function), mode=mode)
    name = function.__name__
    whole_s = node(profile, name).value
    assert found_s(profile, name, "planted", "middle", "burn") > 0.9 * whole_s
    place = next(way[-1] for way in flame_graph(profile).walk() if way[-1].name == "burn")
    assert place.file.endswith("test_sampler.py")
    assert not place.file.startswith("/")
    assert place.line in range(burn.__code__.co_firstlineno, middle.__code__.co_firstlineno)


def test_nodes_side_by_side_on_a_loop_keep_apart() -> None:
    async def waits(state: State) -> None:
        await asyncio.sleep(0.05)

    async def burns(state: State) -> None:
        planted()

    graph = StateGraph(State)
    for name, function in {"waits": waits, "burns": burns, "sync": in_sync_node}.items():
        graph.add_node(name, function)
        graph.add_edge(START, name)
    profile = sampled(graph.compile(), mode="async")
    # The nodes contend for one interpreter: each switch is time in the frame where it happens.
    for name in ("burns", "sync"):
        assert found_s(profile, name, "planted", "burn") > 0.5 * node(profile, name).value
    assert found_s(profile, "waits", "burn") == 0
    assert found_s(profile, "waits", "waits", "asyncio.sleep") > 0.5 * node(profile, "waits").value


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_nodes_of_a_nested_graph_have_their_own(mode: str) -> None:
    inner = chain(in_sync_node)

    def outer(state: State) -> Any:
        return inner.invoke(state)

    async def outer_async(state: State) -> Any:
        return await inner.ainvoke(state)

    profile = sampled(chain(outer if mode == "sync" else outer_async), mode=mode)
    places = {place.node: place for place in sampling_of(profile).places}
    outside = "outer" if mode == "sync" else "outer_async"
    inside = f"{outside}/in_sync_node"
    seconds = {name: sum(row.self_s for row in place.rows) for name, place in places.items()}
    assert seconds[inside] > 0.05
    assert seconds.get(outside, 0.0) < 0.5 * seconds[inside]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_tool_has_what_it_runs(mode: str) -> None:
    @tool
    def search(query: str) -> str:
        """Search."""
        planted()
        return query

    def call(state: State) -> None:
        search.invoke({"query": "x"})

    async def call_async(state: State) -> None:
        await search.ainvoke({"query": "x"})

    profile = sampled(chain(call if mode == "sync" else call_async), mode=mode)
    place = next(place for place in sampling_of(profile).places if place.calls)
    assert place.calls == [("tool", "search")]
    tool_s = next(w[-1].value for w in flame_graph(profile).walk() if w[-1].kind == "tool")
    assert found_s(profile, "search", "planted", "burn") > 0.9 * tool_s


def test_nothing_is_left_behind() -> None:
    before = ThreadPoolExecutor.submit, threading.Thread.start
    profile = sampled(chain(in_sync_node, in_async_node), mode="async")
    assert sampling_of(profile).requests == 1
    assert (ThreadPoolExecutor.submit, threading.Thread.start) == before
    assert sys.getprofile() is None
    assert stack_sampler.active_profiler_context_var.get() is None


def test_a_failure_in_the_sampled_pass_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("no")

    monkeypatch.setattr("lgprof.analysis.stacks.place_stacks", broken)
    profile = sampled(chain(in_sync_node))
    assert profile.sampling is None
    assert [warning.code for warning in profile.warnings] == ["sampling_failed"]


def test_a_graph_that_fails_once_more_is_measured_all_the_same() -> None:
    calls = iter(range(10))

    def fails_the_second_time(state: State) -> None:
        if next(calls):
            raise ValueError("used up")

    profile = sampled(chain(fails_the_second_time))
    assert profile.summary.failed == 0
    assert profile.errors == []
    assert sampling_of(profile).slowdown is None


def test_a_node_that_samples_itself_still_runs() -> None:
    from pyinstrument import Profiler

    def own_profiler(state: State) -> None:
        with Profiler(async_mode="disabled"):
            planted()

    assert sampling_of(sampled(chain(own_profiler))).requests == 1
