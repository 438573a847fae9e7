"""What the code of nodes reveals of state that nobody tracks."""

from __future__ import annotations

import datetime
import functools
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from langgraph.config import get_store
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from lgprof.langgraph_adapter.hints import node_hints
from lgprof.model import NodeHints
from tests.whatif import adversarial

BOX: list[int] = []
COUNT = 0
LIMIT = 3
RANDOM = random.Random(1)


class State(TypedDict, total=False):
    q: int
    a: int


class Settings:
    cache: dict[str, int] = {}


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, state: State) -> dict[str, Any]:
        self.calls += 1
        return {"a": self.calls}

    def node(self, state: State) -> dict[str, Any]:
        return {"a": 1}


class Box:
    items: list[int] = []

    def __call__(self, state: State) -> dict[str, Any]:
        self.items.append(state["q"])
        return {"a": len(self.items)}


class Service:
    def send(self, q: int) -> None:
        BOX.append(q)


SERVICE = Service()


@functools.cache
def remembered(q: int) -> int:
    BOX.append(q)
    return q


@tool
def look_up(q: int) -> int:
    """Looks something up."""
    return q


def hints_of(node: Any) -> NodeHints:
    graph = StateGraph(State).add_node("n", node).add_edge(START, "n").compile()
    return node_hints(graph)["n"]


def pure(state: State) -> dict[str, Any]:
    time.sleep(0)
    return {"a": state["q"] + LIMIT}


def appends(state: State) -> dict[str, Any]:
    BOX.append(state["q"])
    return {}


def through_a_helper(state: State) -> dict[str, Any]:
    return appends(state)


def sets_a_global(state: State) -> dict[str, Any]:
    global COUNT
    COUNT += 1
    return {}


def reads_a_set_global(state: State) -> dict[str, Any]:
    return {"a": COUNT}


def class_attribute(state: State) -> dict[str, Any]:
    return {"a": Settings.cache.get("x", 0)}


def sets_an_attribute(state: State) -> dict[str, Any]:
    pure.calls = 1
    return {}


def default(state: State, box: list[int] = []) -> dict[str, Any]:  # noqa: B006
    return {"a": len(box)}


def two(box: list[int], state: State) -> dict[str, Any]:
    return {"a": len(box)}


def seeded_chance(state: State) -> dict[str, Any]:
    return {"a": random.Random(state["q"]).randint(1, 6)}


def through_an_object(state: State) -> dict[str, Any]:
    SERVICE.send(state["q"])
    return {}


def through_a_new_object(state: State) -> dict[str, Any]:
    Service().send(state["q"])
    return {}


@dataclass
class Point:
    x: int = 0
    marks: list[int] = field(default_factory=list)


class Model(BaseModel):
    model_config = {"extra": "forbid"}
    x: int = 0


@functools.cache
def lower(text: str) -> str:
    return text.lower()


def makes_objects(state: State) -> dict[str, Any]:
    from json import loads

    return {"a": [Point(), Model.model_validate({}), Model(x=1), loads(lower("1"))]}


CHAIN = ChatPromptTemplate.from_messages([("human", "{q}")]) | RunnableLambda(str)


def asks_a_chain(state: State) -> dict[str, Any]:
    return {"a": CHAIN.invoke({"q": 1})}


def through_a_cache(state: State) -> dict[str, Any]:
    return {"a": remembered(state["q"])}


def through_a_module(state: State) -> dict[str, Any]:
    adversarial.module_global()
    return {}


@dataclass
class Options:
    number: int = 1

    @classmethod
    def of(cls, state: State) -> Options:
        return cls(state["q"])


def through_a_dataclass(state: State) -> dict[str, Any]:
    return {"a": Options.of(state).number}


def test_a_pure_node_has_none():
    assert hints_of(pure) == NodeHints()
    assert hints_of(through_a_dataclass) == NodeHints()
    assert hints_of(seeded_chance) == NodeHints()
    assert hints_of(makes_objects) == NodeHints()
    assert hints_of(asks_a_chain) == NodeHints()


@pytest.mark.parametrize(
    ("node", "label"),
    [
        (appends, "global BOX (list)"),
        (through_a_helper, "global BOX (list)"),
        (sets_a_global, "global COUNT (set anew)"),
        (reads_a_set_global, "global COUNT (set anew)"),
        (class_attribute, "global Settings.cache (dict)"),
        (sets_an_attribute, "global pure.calls (set anew)"),
        (default, "default of default (list)"),
        (functools.partial(two, []), "argument (list)"),
        (Counter(), "attributes of Counter"),
        (Counter().node, "attributes of Counter"),
        (Box(), "attributes of Box"),
        (through_an_object, "global BOX (list)"),
        (through_a_new_object, "global BOX (list)"),
        (through_a_cache, "global BOX (list)"),
        (through_a_module, "global GLOBAL (dict)"),
    ],
)
def test_shared_state_is_named(node, label):
    assert label in hints_of(node).shared


def test_what_a_closure_shares_is_named():
    box: list[int] = []
    count = 0

    def mutable(state: State) -> dict[str, Any]:
        return {"a": len(box)}

    def sets(state: State) -> dict[str, Any]:
        nonlocal count
        count += 1
        return {}

    def reads(state: State) -> dict[str, Any]:
        return {"a": count}

    graph = StateGraph(State).add_node(mutable).add_node(sets).add_node(reads)
    found = node_hints(graph.add_edge(START, "sets").compile())

    assert found["mutable"].shared == ["closure box (list)"]
    assert found["sets"].shared == found["reads"].shared == ["closure count (set anew)"]


@pytest.mark.parametrize(
    ("expression", "clock"),
    [
        (lambda state: {"a": time.time()}, "time.time"),
        (lambda state: {"a": random.random()}, "random.random"),
        (lambda state: {"a": str(uuid.uuid4())}, "uuid.uuid4"),
        (lambda state: {"a": datetime.datetime.now()}, "now"),
    ],
)
def test_time_and_chance_are_named(expression, clock):
    assert clock in hints_of(expression).clocks


def test_time_imported_inside_the_function_is_seen():
    def node(state: State) -> dict[str, Any]:
        from time import time

        return {"a": int(time())}

    assert hints_of(node).clocks == ["time"]


def test_a_generator_in_a_global_is_shared_state():
    def node(state: State) -> dict[str, Any]:
        return {"a": RANDOM.randint(1, 6)}

    assert hints_of(node).shared == ["global RANDOM (Random)"]


def test_injections_are_named():
    def configured(state: State, config: RunnableConfig) -> dict[str, Any]:
        return {}

    async def stored(state: State) -> dict[str, Any]:
        get_store()
        return {}

    assert hints_of(configured).context == ["config"]
    assert hints_of(stored).context == ["store"]


def test_tools_and_control_are_named():
    def node(state: State) -> Any:
        interrupt("?")
        return Command(update={"a": look_up.invoke({"q": 1})})

    found = hints_of(node)

    assert found.tools == ["look_up"]
    assert found.control == ["interrupt", "Command"]


def test_nodes_of_subgraphs_and_tasks_have_their_paths():
    inner = StateGraph(State).add_node(appends).add_edge(START, "appends").compile()

    @task
    def work(q: int) -> int:
        BOX.append(q)
        return q

    @entrypoint()
    def flow(q: int) -> int:
        inner.invoke({"q": q})
        return work(q).result()

    outer = StateGraph(State).add_node("outer", inner).add_edge(START, "outer").compile()

    assert node_hints(outer).keys() == {"outer", "outer/appends"}
    assert node_hints(outer)["outer/appends"].shared == ["global BOX (list)"]
    assert node_hints(flow).keys() == {"flow", "flow/appends", "flow/work"}
    assert node_hints(flow)["flow/work"].shared == ["global BOX (list)"]
