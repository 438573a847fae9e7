"""More of `adversarial.PAIRS`: nodes that share state in places where it is easily overlooked.

What ``B`` reads shows in no output of these inputs: comparing them finds nothing, so that it has to
be seen in the code.
"""

from __future__ import annotations

import functools
import itertools
import threading
from contextvars import ContextVar
from typing import Any

from langchain_core.runnables import RunnableLambda
from langgraph.types import Command

from tests.whatif.adversarial import State, pair, rest, two

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
