"""Graphs of many shapes: map-reduce, branches that meet, loops, functional tasks, slow savers."""

from __future__ import annotations

import asyncio
import operator
import random
import time
from collections.abc import Callable
from typing import Annotated, Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import NodeError
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy, Send, interrupt
from typing_extensions import TypedDict
from whatif_graphs import State, burn, chain, drawn, fan, sleeps

LAST = sleeps("d", 0.01)


class Out(TypedDict, total=False):
    out: Annotated[list[int], operator.add]


def graph(nodes: dict[str, Any], edges: list[tuple[Any, ...]], **options: Any) -> Any:
    """A compiled graph; an edge with a third part is a router's: source, router, targets."""
    builder = StateGraph(State)
    for name, node in nodes.items():
        builder.add_node(name, node)
    for edge in edges:
        if len(edge) == 3:
            builder.add_conditional_edges(*edge)
        else:
            builder.add_edge(*edge)
    return builder.compile(**options)


def map_reduce(item: Any, width: Callable[[int], int] = lambda seed: 2 + seed % 4) -> Any:
    """As many items as the seed says; an item may be a graph like this one."""
    builder = StateGraph(State, output_schema=Out)
    builder.add_node("plan", sleeps("a", 0.01))
    builder.add_node("item", item)
    builder.add_node("reduce", LAST)

    def spread(state: State) -> list[Send]:
        first = state.get("turn", 0) * 10
        seed = state["seed"]
        return [Send("item", {"seed": seed, "turn": first + i}) for i in range(width(seed))]

    builder.add_edge(START, "plan")
    builder.add_conditional_edges("plan", spread, ["item"])
    builder.add_edge("item", "reduce")
    builder.add_edge("reduce", END)
    return builder.compile()


def item(median_s: float = 0.02, factor: float = 1.0) -> Any:
    """One of a map-reduce."""

    async def node(state: State) -> dict[str, Any]:
        await asyncio.sleep(drawn(state["seed"], f"w{state['turn']}", median_s, 0.5) * factor)
        return {"out": [1]}

    return node


def item_graph(factor: float = 1.0, *, at_once: bool = False) -> Any:
    """One of a map-reduce: fetch, clean, judge."""
    builder = StateGraph(State, output_schema=Out)

    def part(name: str, median_s: float, factor: float = 1.0) -> Any:
        async def node(state: State) -> dict[str, Any]:
            tag = f"{name}{state['turn']}"
            await asyncio.sleep(drawn(state["seed"], tag, median_s, 0.3) * factor)
            return {"out": [1]} if name == "judge" else {}

        return node

    builder.add_node("fetch", part("fetch", 0.02))
    builder.add_node("clean", part("clean", 0.015))
    builder.add_node("judge", part("judge", 0.03, factor))
    builder.add_edge(START, "fetch")
    builder.add_edge(START if at_once else "fetch", "clean")
    builder.add_edge(["fetch", "clean"] if at_once else "clean", "judge")
    builder.add_edge("judge", END)
    return builder.compile()


def sync_items(factor: float = 1.0) -> Any:
    """Ten sync items."""

    def plan(state: State) -> dict[str, Any]:
        time.sleep(0.01)
        return {"a": 1}

    def item(state: State) -> dict[str, Any]:
        time.sleep(drawn(state["seed"], f"w{state['turn']}", 0.02, 0.4) * factor)
        return {"out": [1]}

    def spread(state: State) -> list[Send]:
        return [Send("item", {"seed": state["seed"], "turn": i}) for i in range(10)]

    nodes = {"plan": plan, "item": item}
    return graph(nodes, [(START, "plan"), ("plan", spread, ["item"]), ("item", END)])


def looks_up_items() -> Any:
    """Three items of 25: some repeat within a request, more from request to request."""

    async def item(state: State) -> dict[str, Any]:
        key = state["key"]
        await asyncio.sleep(drawn(key, "item", 0.03, 0.3))
        return {"out": [key]}

    def spread(state: State) -> list[Send]:
        draw = random.Random(state["seed"]).randrange
        # Warming up must not fill the cache.
        return [Send("item", {"key": draw(25) if state["seed"] >= 0 else -1}) for _ in range(3)]

    return graph(
        {"item": item, "last": LAST}, [(START, spread, ["item"]), ("item", "last"), ("last", END)]
    )


def branches(factor: float = 1.0, join: str = "list") -> Any:
    """A short branch and a long one, met by a join, a deferred node or one that runs twice."""
    builder = StateGraph(State)
    builder.add_node("short", sleeps("a", 0.05, sigma=0.2))
    builder.add_node("one", sleeps("b", 0.02, sigma=0.2))
    builder.add_node("two", sleeps("c", 0.025, sigma=0.2))
    builder.add_node("three", sleeps("e", 0.03, sigma=0.2, factor=factor))
    builder.add_node("last", LAST, defer=join == "defer")
    for source, target in [(START, "short"), (START, "one"), ("one", "two"), ("two", "three")]:
        builder.add_edge(source, target)
    for source in [["short", "three"]] if join == "list" else ["short", "three"]:
        builder.add_edge(source, "last")
    builder.add_edge("last", END)
    return builder.compile()


def chosen_branches(factor: float = 1.0) -> Any:
    """A router picks one to three branches."""
    nodes = {
        "pick": sleeps("a", 0.01),
        "x": sleeps("b", 0.03, sigma=0.2),
        "y": sleeps("c", 0.05, sigma=0.2),
        "z": sleeps("e", 0.07, sigma=0.2, factor=factor),
        "last": LAST,
    }
    edges = [(name, "last") for name in "xyz"]
    router = ("pick", lambda state: list("zyx"[: 1 + state["seed"] % 3]), list("xyz"))
    return graph(nodes, [(START, "pick"), router, *edges, ("last", END)])


def supervisor(factor: float = 1.0) -> Any:
    """Sends workers off with ``Command`` for one to three turns."""
    builder = StateGraph(State)

    async def boss(state: State) -> Command[Any]:
        await asyncio.sleep(0.01)
        turn = state.get("turn", 0)
        if turn >= 1 + state["seed"] % 3:
            return Command(goto=END)
        return Command(goto=["coder", "writer"] if turn % 2 else "coder", update={"turn": turn + 1})

    def worker(key: str, median_s: float, factor: float = 1.0) -> Any:
        async def node(state: State) -> Command[Any]:
            await sleeps(key, median_s, sigma=0.3, factor=factor)(state)
            return Command(goto="boss", update={key: 1})

        return node

    builder.add_node("boss", boss, destinations=("coder", "writer", END))
    builder.add_node("coder", worker("a", 0.04, factor), destinations=("boss",))
    builder.add_node("writer", worker("b", 0.03), destinations=("boss",))
    builder.add_edge(START, "boss")
    return builder.compile()


def approved(factor: float = 1.0) -> Any:
    """Asks, and does its work again from the node's start once answered."""

    async def review(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.02 * factor)
        interrupt("ok?")
        await asyncio.sleep(0.03 * factor)
        return {"b": 1}

    nodes = {"draft": sleeps("a", 0.02), "review": review, "last": LAST}
    return chain(nodes, checkpointer=InMemorySaver())


def handled(factor: float = 1.0) -> Any:
    """Every other request fails, and its handler goes on."""

    async def call(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.02)
        if state["seed"] % 2:
            raise ValueError
        return {"a": 1}

    async def fix(state: State, error: NodeError) -> Command[Any]:
        await asyncio.sleep(0.03 * factor)
        return Command(goto="last", update={"a": 2})

    builder = StateGraph(State)
    builder.add_node("call", call, error_handler=fix)
    builder.add_node("beside", sleeps("b", 0.03))
    builder.add_node("last", LAST)
    for source, target in [(START, "call"), (START, "beside"), ("call", "last"), ("last", END)]:
        builder.add_edge(source, target)
    return builder.compile()


def jittered(interval_s: float) -> Any:
    """Fails once beside a node of 200 ms; LangGraph's jitter is up to a second."""
    seen: dict[int, int] = {}

    async def call(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        seed = state["seed"]
        seen[seed] = seen.get(seed, 0) + 1
        if seen[seed] % 2:
            raise ConnectionError
        return {"a": 1}

    policy = RetryPolicy(initial_interval=interval_s, jitter=True, retry_on=ConnectionError)
    builder = StateGraph(State)
    builder.add_node("call", call, retry_policy=policy)
    builder.add_node("beside", sleeps("b", 0.2))
    builder.add_node("last", LAST)
    builder.add_edge(START, "call")
    builder.add_edge(START, "beside")
    builder.add_edge(["call", "beside"], "last")
    builder.add_edge("last", END)
    return builder.compile()


def functional(factor: float = 1.0) -> Any:
    """Tasks whose futures are awaited late, of which two call tasks."""

    @task
    async def part(seed: int, tag: str) -> int:
        await asyncio.sleep(drawn(seed, tag, 0.03, 0.3) * factor)
        return 1

    @task
    async def whole(seed: int, name: str) -> int:
        parts = [part(seed, f"{name}{number}") for number in range(2)]
        await asyncio.sleep(0.01)
        return sum([await one for one in parts]) + await part(seed, f"{name}last")

    @entrypoint()
    async def flow(state: dict[str, Any]) -> int:
        seed = state["seed"]
        first, second = whole(seed, "a"), whole(seed, "b")
        await asyncio.sleep(0.02)
        return await first + await second + await part(seed, "z")

    return flow


class SlowSaver(InMemorySaver):
    """As over a network."""

    async def aput(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0.006)
        return await super().aput(*args, **kwargs)

    async def aput_writes(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0.003)
        await super().aput_writes(*args, **kwargs)

    async def aget_tuple(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0.006)
        return await super().aget_tuple(*args, **kwargs)


def saved(node_s: float = 0.01, factor: float = 1.0) -> Any:
    """Four nodes with a slow saver."""
    nodes = {key: sleeps(key, node_s) for key in "abcd"}
    nodes["c"] = sleeps("c", 2 * node_s, factor=factor)
    return chain(nodes, checkpointer=SlowSaver())


def saved_subgraph() -> Any:
    """The same around a subgraph, which writes checkpoints of its own."""
    inner = chain({"x": sleeps("b", 0.01), "y": sleeps("c", 0.02)})
    return chain({"a": sleeps("a", 0.01), "inner": inner, "d": LAST}, checkpointer=SlowSaver())


def blocked_subgraph(*, threaded: bool = False) -> Any:
    """A subgraph of three short nodes beside a node that blocks the loop twice."""

    async def bad(state: State) -> dict[str, Any]:
        for _ in range(2):
            await asyncio.sleep(0.005)
            if threaded:
                await asyncio.to_thread(time.sleep, 0.02)
            else:
                time.sleep(0.02)
        return {"a": 1}

    inner = chain({name: sleeps("b", 0.012) for name in "xyz"})
    return fan({"sub": inner, "bad": bad, "third": sleeps("c", 0.03)}, LAST)


def parses(factor: float = 1.0, *, at_once: bool = False) -> Any:
    """20 ms of CPU, and two waits."""

    async def parse(state: State) -> dict[str, Any]:
        burn(0.02 * factor)
        return {"a": 1}

    waits = {"fetch": sleeps("b", 0.03, sigma=0.2), "fetch2": sleeps("c", 0.04, sigma=0.2)}
    nodes = {"parse": parse, **waits}
    return fan(nodes, LAST) if at_once else chain({**nodes, "last": LAST})


def shares_two_places(factor: float = 1.0) -> Any:
    """Asks a service that answers two at a time, whoever asks."""
    places: list[asyncio.Semaphore] = []

    async def ask(state: State) -> dict[str, Any]:
        if not places:
            places.append(asyncio.Semaphore(2))
        async with places[0]:
            await asyncio.sleep(drawn(state["seed"], "ask", 0.04, 0.2) * factor)
        return {"a": 1}

    return chain({"ask": ask, "read": sleeps("b", 0.03), "last": LAST})
