"""Graphs in which running two nodes side by side, or caching one, would be wrong, each in its way.

`PAIRS` holds graphs with nodes ``A -> B -> J`` to run side by side, `CACHED` graphs with a node
``n`` to cache by ``q``. All functions are async: virtual time does not wait for threads.
"""

from __future__ import annotations

import asyncio
import functools
import operator
import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.runtime import Runtime
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

GLOBAL: dict[str, int] = {"v": 0}
COUNT = 0
RATES = dict.fromkeys(range(50), 1.5)
SENT: list[str] = []
FILE = Path(tempfile.gettempdir()) / f"lgprof-test-{uuid4()}"
TABLE = FILE.with_suffix(".table")


class State(TypedDict, total=False):
    q: int
    user: int
    a: Any
    b: Any
    out: Any
    lock: Any
    log: Annotated[list[Any], operator.add]
    messages: Annotated[list[Any], add_messages]


Build = Callable[[], Any]
PAIRS: dict[str, Build] = {}
CACHED: dict[str, Build] = {}


def pair(name: str) -> Callable[[Build], Build]:
    def add(build: Build) -> Build:
        PAIRS[name] = build
        return build

    return add


def cached(name: str) -> Callable[[Build], Build]:
    def add(build: Build) -> Build:
        CACHED[name] = build
        return build

    return add


def rest(seconds: float = 0.004) -> Any:
    return asyncio.sleep(seconds)


async def a_node(state: State) -> dict[str, Any]:
    await rest(0.008)
    return {"a": state["q"] + 1}


async def b_node(state: State) -> dict[str, Any]:
    await rest()
    return {"b": state["q"] + 2}


async def joined(state: State) -> dict[str, Any]:
    return {"out": f"{state.get('a')}/{state.get('b')}"}


def two(a: Any = a_node, b: Any = b_node, *, route: Any = None, **compiling: Any) -> Any:
    graph = StateGraph(State)
    graph.add_node("A", a)
    graph.add_node("B", b)
    graph.add_node("J", joined)
    graph.add_edge(START, "A")
    if route is None:
        graph.add_edge("A", "B")
    else:
        graph.add_conditional_edges("A", route, ["B", "J"])
    graph.add_edge("B", "J")
    graph.add_edge("J", END)
    return graph.compile(**compiling)


def one(node: Any, **compiling: Any) -> Any:
    graph = StateGraph(State)
    graph.add_node("n", node)
    graph.add_edge(START, "n")
    graph.add_edge("n", END)
    return graph.compile(**compiling)


class Client:
    def __init__(self) -> None:
        self.session: Any = None
        self.is_busy = False

    async def login(self, user: int) -> None:
        await rest(0.008)
        self.session = user

    async def get(self, key: int) -> str:
        await rest()
        return f"{self.session}:{key}"

    async def use(self) -> None:
        if self.is_busy:
            raise RuntimeError("connection in use")
        self.is_busy = True
        await rest()
        self.is_busy = False


# --- side by side ------------------------------------------------------------------------------


@pair("a module global")
def module_global() -> Any:
    async def a(state: State) -> dict[str, Any]:
        await rest(0.008)
        GLOBAL["v"] = state["q"] * 10
        return {"a": 1}

    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"b": GLOBAL["v"]}

    return two(a, b)


@pair("a module global that is set anew")
def set_anew() -> Any:
    async def a(state: State) -> dict[str, Any]:
        global COUNT
        await rest(0.008)
        COUNT = state["q"]
        return {"a": 1}

    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"b": COUNT}

    return two(a, b)


@pair("the session of a shared client")
def shared_client() -> Any:
    client = Client()

    async def a(state: State) -> dict[str, Any]:
        await client.login(state["q"])
        return {"a": 1}

    async def b(state: State) -> dict[str, Any]:
        return {"b": await client.get(state["q"])}

    return two(a, b)


@pair("a client that is not re-entrant")
def not_reentrant() -> Any:
    client = Client()

    async def a(state: State) -> dict[str, Any]:
        await client.use()
        return {"a": 1}

    async def b(state: State) -> dict[str, Any]:
        await client.use()
        return {"b": 1}

    return two(a, b)


@pair("a list in a closure")
def closure() -> Any:
    box: list[int] = []

    async def a(state: State) -> dict[str, Any]:
        await rest(0.008)
        box.append(state["q"])
        return {"a": 1}

    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"b": box[-1] if box else None}

    return two(a, b)


@pair("a partial's argument")
def partial_argument() -> Any:
    async def a(box: list[int], state: State) -> dict[str, Any]:
        await rest(0.008)
        box.append(state["q"])
        return {"a": 1}

    async def b(box: list[int], state: State) -> dict[str, Any]:
        await rest()
        return {"b": sum(box[-1:])}

    box: list[int] = []
    return two(functools.partial(a, box), functools.partial(b, box))


@pair("attributes of a callable object")
def callable_object() -> Any:
    class Both:
        value = 0

        async def __call__(self, state: State) -> dict[str, Any]:
            await rest(0.008)
            self.value = state["q"]
            return {"a": 1}

        async def read(self, state: State) -> dict[str, Any]:
            await rest()
            return {"b": self.value}

    both = Both()
    return two(both, both.read)


@pair("{**state}")
def spread() -> Any:
    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"b": {**state}.get("a", 0) + 1}

    return two(b=b)


@pair("state.items()")
def items() -> Any:
    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"b": sorted(key for key, _ in state.items())}

    return two(b=b)


@pair("a read, and Command(update=...)")
def command_update() -> Any:
    async def b(state: State) -> Any:
        await rest()
        return Command(update={"b": state.get("a", 0) + 1})

    return two(b=b)


@pair("the order of messages")
def messages_order() -> Any:
    def adding(name: str) -> Any:
        async def node(state: State) -> dict[str, Any]:
            await rest()
            return {"messages": [AIMessage(name)]}

        return node

    graph = StateGraph(State)
    graph.add_node("B", adding("second"))
    graph.add_node("A", adding("first"))
    # Within a superstep the order is that of the nodes' names.
    graph.add_edge(START, "B")
    graph.add_edge("B", "A")
    return graph.compile()


@pair("the order of a reduced list")
def reduced_order() -> Any:
    async def a(state: State) -> dict[str, Any]:
        await rest(0.008)
        return {"log": ["a"]}

    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"log": [f"b after {len(state['log'])}"]}

    return two(a, b)


@pair("a router's read")
def router() -> Any:
    async def a(state: State) -> dict[str, Any]:
        await rest(0.008)
        return {"a": state["q"] % 2}

    async def route(state: State) -> str:
        return "B" if state["a"] else "J"

    return two(a, route=route)


@pair("interrupt()")
def interrupting() -> Any:
    async def a(state: State) -> dict[str, Any]:
        return {"a": interrupt("ok?")}

    return two(a)


@pair("a store that one writes and the other reads")
def through_the_store() -> Any:
    async def a(state: State, runtime: Runtime) -> dict[str, Any]:
        await rest(0.008)
        await runtime.store.aput(("x",), "k", {"v": state["q"]})
        return {"a": 1}

    async def b(state: State, runtime: Runtime) -> dict[str, Any]:
        await rest()
        item = await runtime.store.aget(("x",), "k")
        return {"b": item.value["v"] if item else None}

    return two(a, b, store=InMemoryStore())


@pair("a store that is only written, by both")
def effects_on_the_store() -> Any:
    async def a(state: State, runtime: Runtime) -> dict[str, Any]:
        await rest(0.008)
        await runtime.store.aput(("x",), "last", {"v": "a"})
        return {"a": 1}

    async def b(state: State, runtime: Runtime) -> dict[str, Any]:
        await rest()
        await runtime.store.aput(("x",), "last", {"v": "b"})
        return {"b": 1}

    return two(a, b, store=InMemoryStore())


@pair("an input changed in place")
def in_place() -> Any:
    async def start(state: State) -> dict[str, Any]:
        return {"out": {"n": 0}}

    async def a(state: State) -> dict[str, Any]:
        await rest(0.008)
        state["out"]["n"] += 1
        return {"a": 1}

    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"b": state["out"]["n"]}

    graph = StateGraph(State)
    for name, node in (("S", start), ("A", a), ("B", b)):
        graph.add_node(name, node)
    graph.add_edge(START, "S")
    graph.add_edge("S", "A")
    graph.add_edge("A", "B")
    return graph.compile()


@pair("a key that both write")
def same_key() -> Any:
    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"a": 7}

    return two(b=b)


@pair("a read for 1 input in 20")
def rare_read() -> Any:
    async def b(state: State) -> dict[str, Any]:
        await rest()
        return {"b": state.get("a", 0) if state["q"] % 20 == 19 else 0}

    return two(b=b)


@pair("a race that natural timing hides")
def hidden_race() -> Any:
    async def a(state: State) -> dict[str, Any]:
        GLOBAL["race"] = state["q"]
        await rest()
        return {"a": 1}

    async def b(state: State) -> dict[str, Any]:
        await rest(0.008)
        return {"b": GLOBAL.get("race")}

    return two(a, b)


@pair("mails sent in order")
def effects_in_order() -> Any:
    async def a(state: State) -> dict[str, Any]:
        await rest(0.008)
        SENT.append("debit")
        return {"a": 1}

    async def b(state: State) -> dict[str, Any]:
        await rest()
        SENT.append("mail")
        return {"b": 1}

    return two(a, b)


@pair("chance")
def chance() -> Any:
    async def a(state: State) -> dict[str, Any]:
        await rest(0.008)
        return {"a": random.random()}

    return two(a)


# --- caching -----------------------------------------------------------------------------------


@cached("chance")
def cached_chance() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"out": random.random() + state["q"]}

    return one(n)


@cached("one answer in fifty is another")
def rare_chance() -> Any:
    draw = random.Random(3).random

    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"out": "yes" if draw() < 0.98 else "no"}

    return one(n)


@cached("the year")
def slow_clock() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"out": f"{state['q']} {time.strftime('%Y')}"}

    return one(n)


@cached("a counter")
def counter() -> Any:
    async def n(state: State) -> dict[str, Any]:
        global COUNT
        await rest()
        COUNT += 1
        return {"out": COUNT + state["q"]}

    return one(n)


@cached("the user in the config")
def reads_config() -> Any:
    async def n(state: State, config: RunnableConfig) -> dict[str, Any]:
        await rest()
        return {"out": f"{config['configurable'].get('user')}:{state['q']}"}

    return one(n)


@cached("the store")
def reads_store() -> Any:
    async def n(state: State, runtime: Runtime) -> dict[str, Any]:
        await rest()
        item = await runtime.store.aget(("k",), "x")
        return {"out": [state["q"], item and item.value]}

    return one(n, store=InMemoryStore())


@cached("a table that may change")
def reads_table() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"out": state["q"] * RATES[state["q"]]}

    return one(n)


@cached("a mail")
def sends_mail() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        SENT.append(str(state["q"]))
        return {"out": "sent"}

    return one(n)


@cached("a line in a file")
def writes_file() -> Any:
    path = str(FILE)

    async def n(state: State) -> dict[str, Any]:
        await rest()
        with open(path, "a") as file:
            file.write(f"{state['q']}\n")
        return {"out": "written"}

    return one(n)


@cached("a file that may change")
def reads_file() -> Any:
    path = str(TABLE)
    TABLE.write_text("3")

    async def n(state: State) -> dict[str, Any]:
        await rest()
        with open(path) as file:
            return {"out": state["q"] * int(file.read())}

    return one(n)


@cached("a key that is missing from the cache key")
def unkeyed_read() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"out": state["q"] if state["user"] else state.get("user")}

    return one(n)


@cached("a key that cannot be pickled")
def unpicklable() -> Any:
    async def make(state: State) -> dict[str, Any]:
        return {"lock": threading.Lock()}

    async def n(state: State) -> dict[str, Any]:
        await rest()
        with state["lock"]:
            return {"out": state["q"]}

    graph = StateGraph(State)
    graph.add_node("make", make)
    graph.add_node("n", n)
    graph.add_edge(START, "make")
    graph.add_edge("make", "n")
    return graph.compile()


@cached("messages with ids of their own, in a loop")
def message_ids() -> Any:
    async def n(state: State) -> dict[str, Any]:
        await rest()
        return {"messages": [AIMessage(f"about {state['q']}", id=str(uuid4()))]}

    async def twice(state: State) -> str:
        return "n" if len(state["messages"]) < 2 else END

    graph = StateGraph(State)
    graph.add_node("n", n)
    graph.add_edge(START, "n")
    # A message with a known id replaces the other: a hit does not make the list longer.
    graph.add_conditional_edges("n", twice)
    return graph.compile()


@cached("errors now and then")
def fails_sometimes() -> Any:
    draw = random.Random(5).random

    async def n(state: State) -> dict[str, Any]:
        await rest()
        if draw() < 0.1:
            raise ConnectionError("no answer")
        return {"out": state["q"]}

    return one(n)
