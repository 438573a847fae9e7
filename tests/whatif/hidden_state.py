"""More of `adversarial.PAIRS` and `CACHED`: dependencies in places where they are overlooked.

Of most, what ``B`` reads shows in no output of these inputs: comparing outputs finds nothing.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import threading
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.managed import RemainingSteps
from langgraph.runtime import Runtime
from langgraph.types import Command

from tests.whatif.adversarial import State, a_node, b_node, cached, joined, one, pair, rest, two

IDS = itertools.count()
LOCAL = threading.local()
BAG: ContextVar[dict[str, int]] = ContextVar("BAG", default={})  # noqa: B039
KEPT: dict[str, int] = {}


class Session:
    user: int | None = None
    seen: list[int] = []

    @classmethod
    def log_in(cls, user: int) -> None:
        cls.user = user

    @classmethod
    def is_known(cls) -> bool:
        return cls.user is None


@functools.lru_cache
def session() -> Session:
    return Session()


def memo() -> None:
    """Holds what is put on it."""


memo.held = {}
keep = RunnableLambda(lambda value: KEPT.update(last=value)) | str
kept = RunnableLambda(lambda _: KEPT.get("last") is None)


def writing_and_reading(write: Any, read: Any) -> Any:
    """Nodes that do so; the answer of ``B`` is the same whatever it reads."""

    async def a(state: State) -> dict[str, Any]:
        await rest(0.008)
        write(state["q"])
        return {"a": 1}

    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"b": len([read()])}

    return two(a, b)


@pair("an attribute of a class")
def class_attribute() -> Any:
    class Settings:
        limit = 0

    def write(q: int) -> None:
        Settings.limit += q

    return writing_and_reading(write, lambda: Settings.limit)


@pair("class methods")
def class_methods() -> Any:
    return writing_and_reading(Session.log_in, Session.is_known)


@pair("a list of a class that is made anew")
def list_of_a_class() -> Any:
    return writing_and_reading(lambda q: Session().seen.append(q), lambda: Session().seen[-1:])


@pair("setattr")
def set_by_name() -> Any:
    def write(q: int) -> None:
        setattr(session(), "user", q)  # noqa: B010

    return writing_and_reading(write, lambda: 1)


@pair("globals()")
def set_in_globals() -> Any:
    def write(q: int) -> None:
        globals()["NEW"] = q

    return writing_and_reading(write, lambda: 1)


@pair("what functools.lru_cache keeps")
def cached_object() -> Any:
    def write(q: int) -> None:
        session().seen.append(q)

    return writing_and_reading(write, lambda: session().seen[-1:])


@pair("a module that is imported inside")
def imported_inside() -> Any:
    def write(q: int) -> None:
        from tests.whatif import hidden_state

        hidden_state.KEPT["other"] = q

    def read() -> Any:
        from tests.whatif.hidden_state import KEPT as kept_here

        return kept_here.get("other")

    return writing_and_reading(write, read)


@pair("what hangs on a function")
def on_a_function() -> Any:
    return writing_and_reading(lambda q: memo.held.update(q=q), lambda: memo.held.get("q"))


@pair("a function inside a chain")
def inside_a_chain() -> Any:
    return writing_and_reading(keep.invoke, lambda: kept.invoke(1))


@pair("what a context variable holds")
def context_variable() -> Any:
    return writing_and_reading(lambda q: BAG.get().update(q=q), lambda: BAG.get().get("q"))


@pair("a thread's own variables")
def thread_local() -> Any:
    def write(q: int) -> None:
        LOCAL.q = q

    return writing_and_reading(write, lambda: getattr(LOCAL, "q", None))


@pair("a generator")
def generator() -> Any:
    return writing_and_reading(lambda q: next(IDS), lambda: next(IDS))


@pair("a Command that goes elsewhere for other inputs")
def goes_elsewhere() -> Any:
    async def a(state: State) -> Any:
        from langgraph.types import Command as Jump

        await rest(0.008)
        return Jump(goto="J") if state["q"] > 99 else Command(update={"a": 1})

    return two(a)


@pair("an interrupt for other inputs")
def interrupts_elsewhere() -> Any:
    async def a(state: State) -> dict[str, Any]:
        from langgraph.errors import GraphInterrupt

        await rest(0.008)
        if state["q"] > 99:
            raise GraphInterrupt
        return {"a": 1}

    return two(a)


@pair("the context, changed in place")
def context_in_place() -> Any:
    async def a(state: State, runtime: Runtime[Any]) -> dict[str, Any]:
        await rest(0.008)
        runtime.context["user"] = state["q"]
        return {"a": 1}

    async def b(state: State, runtime: Runtime[Any]) -> dict[str, Any]:
        await rest()
        return {"b": len([runtime.context["user"]])}

    return two(a, b)


@pair("an object of the config, changed in place")
def config_in_place() -> Any:
    async def a(state: State, config: RunnableConfig) -> dict[str, Any]:
        await rest(0.008)
        config["configurable"]["bag"].append(state["q"])
        return {"a": 1}

    async def b(state: State, config: RunnableConfig) -> dict[str, Any]:
        await rest()
        return {"b": len([config["configurable"]["bag"]])}

    return two(a, b)


@pair("the order in the stream of events")
def stream_order() -> Any:
    return writing_and_reading(lambda q: get_stream_writer()(q), lambda: get_stream_writer()(0))


@pair("the supersteps that are left")
def steps_left() -> Any:
    class Counted(State, total=False):
        left: RemainingSteps

    async def b(state: Counted) -> dict[str, Any]:
        await rest()
        return {"b": state["left"] < 5}

    graph = StateGraph(Counted)
    for name, node in (("A", a_node), ("B", b), ("J", joined)):
        graph.add_node(name, node)
    graph.add_edge(START, "A").add_edge("A", "B").add_edge("B", "J").add_edge("J", END)
    return graph.compile()


# --- what runs beside them in another branch ---------------------------------------------------


async def x_node(state: State) -> dict[str, Any]:
    await rest()
    return {"lock": state["q"] * 3}


def beside(x: Any = x_node, b: Any = b_node, follower: Any = joined) -> Any:
    """``A -> B -> J`` beside ``W -> X -> Y``, whose ``X`` and ``Y`` run when ``B`` and ``J`` do."""

    async def nothing(state: State) -> dict[str, Any]:
        return {}

    graph = StateGraph(State)
    for name, node in (("A", a_node), ("B", b), ("J", follower), ("X", x), ("Y", nothing)):
        graph.add_node(name, node)
    graph.add_edge(START, "A").add_edge("A", "B").add_edge("B", "J")
    graph.add_edge(START, "X").add_edge("X", "Y")
    return graph.compile()


@pair("what another branch wrote meanwhile")
def branch_read() -> Any:
    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"b": state.get("lock")}

    return beside(b=b)


@pair("what another branch wrote before the follower")
def branch_read_later() -> Any:
    async def follower(state: State) -> dict[str, Any]:
        return {"out": [state["a"], state["b"], state.get("user")]}

    async def y(state: State) -> dict[str, Any]:
        await rest()
        return {"user": state["q"] * 5}

    graph = StateGraph(State)
    for name, node in (("A", a_node), ("B", b_node), ("J", follower), ("X", x_node), ("Y", y)):
        graph.add_node(name, node)
    graph.add_edge(START, "A").add_edge("A", "B").add_edge("B", "J")
    graph.add_edge(START, "X").add_edge("X", "Y")
    return graph.compile()


@pair("the order of a list that another branch adds to")
def branch_adds() -> Any:
    def adding(name: str) -> Any:
        async def node(state: State) -> dict[str, Any]:
            await rest()
            return {"log": [name]}

        return node

    return beside(x=adding("X"), b=adding("B"))


@cached("a router that goes by another key")
def routed() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"a": state["q"]}

    async def left(state: State) -> dict[str, Any]:
        return {"out": "left"}

    async def right(state: State) -> dict[str, Any]:
        return {"out": "right"}

    async def route(state: State) -> str:
        return "left" if state["user"] % 2 else "right"

    graph = StateGraph(State)
    for node in (n, left, right):
        graph.add_node(node)
    graph.add_edge(START, "n").add_conditional_edges("n", route, ["left", "right"])
    return graph.compile()


@cached("a file that may come to be")
def asks_for_a_file() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"out": [state["q"], Path("nowhere").exists()]}

    return one(n)


@cached("a folder that may fill")
def lists_a_folder() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"out": [state["q"], os.path.isdir("nowhere")]}

    return one(n)


@cached("the time of the event loop")
def loop_time() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"out": [state["q"], asyncio.get_running_loop().time() < 0]}

    return one(n)


@cached("the year, from a module imported inside")
def year_inside() -> Any:
    async def n(state: State) -> dict[str, Any]:
        import time

        await rest()
        return {"out": [state["q"], time.strftime("%Y")]}

    return one(n)


@cached("an attribute that a class method sets")
def class_attribute_read() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"out": [state["q"], Session.is_known()]}

    return one(n)


@cached("what is changed in place")
def changed_in_place() -> Any:
    async def make(state: State) -> dict[str, Any]:
        return {"lock": {"n": 0}}

    async def n(state: State) -> dict[str, Any]:
        await rest()
        state["lock"]["n"] = 1
        return {"a": state["q"]}

    graph = StateGraph(State).add_node("make", make).add_node("n", n)
    return graph.add_edge(START, "make").add_edge("make", "n").compile()
