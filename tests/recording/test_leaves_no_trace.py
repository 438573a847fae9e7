"""After a run, the user's graph, process and environment are as they were."""

from __future__ import annotations

import asyncio
import copy
import os
import threading
from asyncio import events
from concurrent.futures import ThreadPoolExecutor

import pytest
from langchain_core.tracers import context as tracer_context
from langgraph.pregel import Pregel, _algo

from tests.profiling import profile_graph
from tests.recording.test_known_answers import chain, sleeper


def patched_places() -> list[object]:
    return [
        Pregel.stream,
        Pregel.astream,
        _algo.get_runnable_for_task,
        ThreadPoolExecutor.submit,
        threading.Thread.start,
        events.Handle._run,
        list(tracer_context._configure_hooks),
        dict(os.environ),
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_patches_are_undone(fails: bool) -> None:
    async def node(state):
        await asyncio.sleep(0)
        if fails:
            raise ValueError
        return {"a": 2}

    before = patched_places()
    profile_graph(chain(("x", node)), {"a": 1})
    assert patched_places() == before


def test_the_graph_is_untouched() -> None:
    graph = chain(("x", sleeper(0)), ("y", sleeper(0)))
    attributes = copy.copy(graph.__dict__)
    nodes = dict(graph.nodes)
    bounds = {name: vars(node.bound).copy() for name, node in nodes.items()}
    profile_graph(graph, {"a": 1})
    assert {k: v for k, v in graph.__dict__.items() if k != "nodes"} == {
        k: v for k, v in attributes.items() if k != "nodes"
    }
    assert graph.nodes == nodes
    assert {name: vars(node.bound) for name, node in graph.nodes.items()} == bounds


def test_outputs_and_exceptions_are_the_graphs_own() -> None:
    seen = []

    async def look(state):
        seen.append((type(state), dict(state)))
        return {"b": state["a"] + 1}

    graph = chain(("look", look))
    bare = asyncio.run(graph.ainvoke({"a": 1}))
    profile_graph(graph, {"a": 1})
    assert bare == {"a": 1, "b": 2, "items": []}
    assert seen[0][1] == seen[1][1]
    assert isinstance({}, seen[1][0].__mro__[1])


def test_langsmith_tracing_is_off_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    inside = []

    def look(state):
        inside.append(os.environ["LANGSMITH_TRACING"])
        return {}

    profile = profile_graph(chain(("look", look)), {"a": 1}).profile
    assert inside == ["false"]
    assert os.environ["LANGSMITH_TRACING"] == "true"
    assert [warning.code for warning in profile.warnings] == ["tracing_off"]
