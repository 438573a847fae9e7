"""After a run, the user's graph, process and environment are as they were."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import os
import pickle
import ssl
import threading
from asyncio import events
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.tracers import context as tracer_context
from langgraph.cache.memory import InMemoryCache
from langgraph.graph import START, StateGraph
from langgraph.pregel import Pregel, _algo, _loop
from langgraph.types import CachePolicy, Command
from pydantic import BaseModel
from typing_extensions import TypedDict

from tests.profiling import profile_graph
from tests.recording.test_known_answers import chain, sleeper


def patched_places() -> list[object]:
    return [
        Pregel.stream,
        Pregel.astream,
        _algo.get_runnable_for_task,
        _loop.PregelLoop.accept_push,
        ThreadPoolExecutor.submit,
        threading.Thread.start,
        events.Handle._run,
        ssl.create_default_context,
        os._exit,
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


class Model(BaseModel):
    a: int = 0
    kept: Any = None


@dataclasses.dataclass
class Data:
    a: int = 0
    kept: Any = None


class Typed(TypedDict, total=False):
    a: int
    kept: Any


REGISTRY: list[type] = []


class Registered(BaseModel):
    a: int = 0
    kept: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        REGISTRY.append(cls)


def graph_of(schema: type, *functions: Any) -> Any:
    builder = StateGraph(schema)
    before = START
    for number, function in enumerate(functions):
        builder.add_node(f"n{number}", function)
        builder.add_edge(before, f"n{number}")
        before = f"n{number}"
    return builder.compile()


@pytest.mark.parametrize("schema", [Model, Data])
class TestStateObjectsBehaveAsTheirOwnClass:
    def check(self, schema: type, look: Any) -> Any:
        seen = []

        def node(state):
            seen.append(look(state))
            return {"a": 2}

        result = profile_graph(graph_of(schema, node), {"a": 1})
        assert result.failures == []
        return seen[0]

    def test_class_and_equality(self, schema: type) -> None:
        assert self.check(schema, lambda s: (s.__class__, isinstance(s, schema))) == (schema, True)
        assert self.check(schema, lambda s: s == schema(a=1) and schema(a=1) == s)

    def test_copies_and_pickles_are_of_that_class(self, schema: type) -> None:
        for duplicate in (copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))):
            made = self.check(schema, duplicate)
            assert type(made) is schema
            assert made == schema(a=1)

    def test_who_keeps_the_state_keeps_an_object_of_that_class(self, schema: type) -> None:
        assert type(self.check(schema, lambda s: s)) is schema

    def test_changed_copies(self, schema: type) -> None:
        change = (
            (lambda s: s.model_copy(update={"a": 5}))
            if schema is Model
            else (lambda s: dataclasses.replace(s, a=5))
        )
        made = self.check(schema, change)
        assert (type(made), made.a) == (schema, 5)


def test_a_class_that_watches_its_subclasses_is_not_subclassed() -> None:
    profile = profile_graph(
        graph_of(Registered, lambda state: {"a": state.a + 1}), {"a": 1}
    ).profile
    assert profile.summary.succeeded == 1
    assert REGISTRY == []
    assert profile.nodes[0].reads == ["a"]


@pytest.mark.parametrize(
    "keep",
    [
        lambda state: {"kept": state},
        lambda state: {"kept": [state]},
        lambda state: {"kept": {"x": (1, state)}},
        lambda state: Command(update={"kept": [state]}),
        lambda state: [Command(update={"kept": state})],
    ],
)
def test_a_state_that_is_kept_in_the_state_is_a_plain_dict(keep: Any) -> None:
    found = []

    def look(state):
        kept = state["kept"]
        while type(kept) is not dict or "x" in kept:
            kept = kept["x"][1] if isinstance(kept, dict) else kept[0]
        found.append(type(kept))
        return {}

    profile_graph(graph_of(Typed, keep, look), {"a": 1})
    assert found == [dict]


@pytest.mark.parametrize("probes", [True, False])
@pytest.mark.parametrize("at", ["the graph", "a subgraph"])
def test_a_cache_in_memory_keeps_its_contents(probes: bool, at: str) -> None:
    calls = []

    def work(state):
        calls.append(state["a"])
        return {"a": state["a"] + 1}

    cache = InMemoryCache()
    builder = StateGraph(Typed)
    builder.add_node("work", work, cache_policy=CachePolicy())
    builder.add_edge(START, "work")
    graph = builder.compile(cache=cache)
    if at == "a subgraph":
        graph = graph_of(Typed, graph)
    graph.invoke({"a": 1})
    before = copy.deepcopy(cache._cache)
    assert before
    result = profile_graph(graph, {"a": 1}, {"a": 5}, {"a": 5}, probes=probes)
    assert result.profile.summary.succeeded == 3
    assert calls == [1, 5]  # what it held was found, and what was new as well
    assert cache._cache == before
