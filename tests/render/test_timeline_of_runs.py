"""Timelines of graphs that ran, in virtual time."""

from __future__ import annotations

import asyncio

from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Send

from lgprof.render.terminal.critical import critical_spans
from tests.profiling import profile_graph
from tests.recording.test_known_answers import State
from tests.virtual_time import VirtualTime


def sends(number: int):
    async def work(state):
        await asyncio.sleep(state["a"] / 1e3)
        return {"items": [1]}

    async def fan_out(state):
        return [Send("work", state)] * number

    builder = StateGraph(State)
    builder.add_node("work", work)
    builder.add_conditional_edges(START, fan_out)
    return builder.compile()


def test_functional_tasks_wait_for_no_superstep(show) -> None:
    @task
    async def work(milliseconds):
        await asyncio.sleep(milliseconds / 1e3)

    @entrypoint()
    async def flow(value):
        await asyncio.gather(work(50), work(10))
        return value

    profile = profile_graph(flow, {}, time=VirtualTime()).profile
    shown = show(profile, sections=["timeline"])
    assert "waiting for its superstep" not in shown
    assert "··" not in shown


def test_what_waits_for_a_place_is_drawn_as_waiting(show) -> None:
    config = {"max_concurrency": 1}
    graph, time = sends(2), VirtualTime()
    profile = profile_graph(graph, {"a": 10}, time=time, config=config).profile
    lines = show(profile, sections=["timeline"]).splitlines()
    first, second = (line for line in lines if line[2:].startswith("work"))
    assert "10.0 ms" in first
    assert "░" not in first
    assert "20.0 ms" in second
    assert second.count("░") == second.count("█")


def test_the_slowest_request_differs_by_what_its_critical_path_says(show) -> None:
    graph, time = sends(30), VirtualTime()
    inputs = [{"a": 10}, {"a": 10}, {"a": 40}]
    shown = show(profile_graph(graph, *inputs, time=time).profile, sections=["timeline"])
    assert "Slowest request  #2, 40.0 ms, 4.0× the median, 30.0 ms more in work" in shown  # noqa: RUF001


def test_the_reason_goes_before_the_ratio_where_there_is_little_room(show) -> None:
    graph, time = sends(30), VirtualTime()
    inputs = [{"a": 10}, {"a": 10}, {"a": 40}]
    profile = profile_graph(graph, *inputs, time=time).profile
    title = next(line for line in show(profile, 60).splitlines() if line.startswith("Slowest"))
    assert title.startswith("Slowest request  #2, 40.0 ms, 30.0 ms more in work")


def test_who_merely_held_the_loop_is_not_on_the_critical_path() -> None:
    time = VirtualTime()

    async def computes(state):
        time.compute(0.002)
        return {"a": 1}

    async def waits(state):
        await asyncio.sleep(0.010)
        return {"b": 1}

    builder = StateGraph(State)
    for name, node in (("computes", computes), ("waits", waits)):
        builder.add_node(name, node)
        builder.add_edge(START, name)
    (request,) = profile_graph(builder.compile(), {}, time=time).profile.requests
    critical = critical_spans(request)
    on_path = {span.name for span in request.spans if span.id in critical}
    assert "waits" in on_path
    assert "computes" not in on_path
