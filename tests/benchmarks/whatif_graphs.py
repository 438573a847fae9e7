"""Nodes and graphs for what-ifs. What a node draws at random depends on the request and the node
alone, so that all arms of a comparison see the same draws."""

from __future__ import annotations

import asyncio
import math
import operator
import random
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langgraph.graph import END, START, StateGraph
from langgraph.types import RetryPolicy, Send
from typing_extensions import TypedDict

Node = Callable[..., Any]


class State(TypedDict, total=False):
    seed: int
    key: int
    turn: int
    a: int
    b: int
    c: int
    d: int
    e: int
    f: int
    out: Annotated[list[int], operator.add]


class Wide(State, total=False):
    g: int
    h: int
    i: int
    j: int


def drawn(seed: int, tag: str, median_s: float, sigma: float) -> float:
    """A lognormal duration."""
    return median_s * math.exp(sigma * random.Random(f"{seed}/{tag}").gauss(0, 1))


def burn(seconds: float) -> None:
    """Use the CPU for so long."""
    end_s = time.thread_time() + seconds
    while time.thread_time() < end_s:
        pass


def sleeps(
    key: str, seconds: float, reads: Sequence[str] = (), sigma: float = 0.0, factor: float = 1.0
) -> Node:
    async def node(state: State) -> dict[str, Any]:
        for name in reads:
            state.get(name)
        tag = f"{key}{state.get('turn', 0)}"
        await asyncio.sleep(drawn(state.get("seed", 0), tag, seconds, sigma) * factor)
        return {key: 1}

    return node


def looks_up(seconds: float) -> Node:
    """A pure function of one key of the state."""

    async def node(state: State) -> dict[str, Any]:
        key = state["key"]
        await asyncio.sleep(drawn(key, "lookup", seconds, 0.2))
        return {"a": key}

    return node


def blocks(key: str, seconds: float, first_s: float = 0.0) -> Node:
    """A blocking call in an async node."""

    async def node(state: State) -> dict[str, Any]:
        await asyncio.sleep(first_s)
        time.sleep(seconds)
        return {key: 1}

    return node


def computes(key: str, seconds: float, bursts: int = 1) -> Node:
    """An async node that uses the CPU, in bursts with waits of 3 ms between them."""

    async def node(state: State) -> dict[str, Any]:
        for burst in range(bursts):
            if burst:
                await asyncio.sleep(0.003)
            burn(seconds / bursts)
        return {key: 1}

    return node


def sync_sleeps(key: str, seconds: float, factor: float = 1.0) -> Node:
    def node(state: State) -> dict[str, Any]:
        time.sleep(seconds * factor)
        return {key: 1}

    return node


def sync_computes(key: str, seconds: float) -> Node:
    def node(state: State) -> dict[str, Any]:
        burn(seconds)
        return {key: 1}

    return node


def chain(nodes: dict[str, Any], schema: Any = State, **compile_options: Any) -> Any:
    """Nodes one after another."""
    builder = StateGraph(schema)
    for name, node in nodes.items():
        builder.add_node(name, node)
    for source, target in zip([START, *nodes], [*nodes, END], strict=True):
        builder.add_edge(source, target)
    return builder.compile(**compile_options)


def fan(nodes: dict[str, Any], last: Node, schema: Any = State) -> Any:
    """Nodes side by side, and one that waits for all of them."""
    builder = StateGraph(schema)
    builder.add_node("last", last)
    for name, node in nodes.items():
        builder.add_node(name, node)
        builder.add_edge(START, name)
    builder.add_edge(list(nodes), "last")
    builder.add_edge("last", END)
    return builder.compile()


def sends(width: Callable[[int], int], work: Node, after: dict[str, Node]) -> Any:
    """As many tasks as the request's seed says, then a chain."""
    builder = StateGraph(State)
    builder.add_node("work", work)

    def spread(state: State) -> list[Send]:
        seed = state["seed"]
        return [Send("work", {"seed": seed, "turn": i}) for i in range(width(seed))]

    builder.add_conditional_edges(START, spread, ["work"])
    names = list(after)
    for name, node in after.items():
        builder.add_node(name, node)
    for source, target in zip(["work", *names], [*names, END], strict=True):
        builder.add_edge(source, target)
    return builder.compile()


def works(median_s: float, sigma: float, straggler: float = 1.0, factor: float = 1.0) -> Node:
    """A task of `sends`; the first one takes ``straggler`` times as long."""

    async def node(state: State) -> dict[str, Any]:
        turn = state["turn"]
        seconds = drawn(state["seed"], f"work{turn}", median_s, sigma) * factor
        await asyncio.sleep(seconds * (straggler if turn == 0 else 1))
        return {"out": [turn]}

    return node


def loop_of(body: dict[str, Node]) -> Any:
    """A chain that repeats one to four times, as the request's seed says."""
    builder = StateGraph(State)

    async def count(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.005)
        return {"turn": state.get("turn", 0) + 1}

    names = [*body, "count"]
    for name, node in [*body.items(), ("count", count)]:
        builder.add_node(name, node)
    for source, target in zip([START, *names[:-1]], names, strict=True):
        builder.add_edge(source, target)
    builder.add_conditional_edges(
        "count",
        lambda state: "again" if state["turn"] < 1 + state["seed"] % 4 else "stop",
        {"again": names[0], "stop": END},
    )
    return builder.compile()


def routed(cheap: Node, dear: Node) -> Any:
    """Two requests in three take the dear branch."""
    builder = StateGraph(State)
    for name, node in (
        ("pick", sleeps("a", 0.01)),
        ("cheap", cheap),
        ("dear", dear),
        ("last", sleeps("c", 0.01)),
    ):
        builder.add_node(name, node)
    builder.add_edge(START, "pick")
    builder.add_conditional_edges("pick", lambda s: "dear" if s["seed"] % 3 else "cheap")
    builder.add_edge("cheap", "last")
    builder.add_edge("dear", "last")
    builder.add_edge("last", END)
    return builder.compile()


def diamond(second: Node | None) -> Any:
    """A fast branch of two nodes beside a slow one; without ``second``, one node does both."""
    fast, follow, slow = sleeps("b", 0.02), sleeps("e", 0.045, ("b",)), sleeps("c", 0.065)

    async def both(state: State) -> dict[str, Any]:
        found = await fast(state)
        return {**found, **await follow({**state, **found})}

    builder = StateGraph(State)
    builder.add_node("first", sleeps("a", 0.01))
    builder.add_node("fast", fast if second else both)
    builder.add_node("slow", slow)
    builder.add_node("last", sleeps("d", 0.01, ("e", "c")))
    builder.add_edge(START, "first")
    builder.add_edge("first", "fast")
    builder.add_edge("first", "slow")
    if second:
        builder.add_node("follow", second)
        builder.add_edge("fast", "follow")
        builder.add_edge(["follow", "slow"], "last")
    else:
        builder.add_edge(["fast", "slow"], "last")
    builder.add_edge("last", END)
    return builder.compile()


def flaky(failures: int, interval_s: float, factor: float) -> Any:
    """A node that fails so often in each request before it answers."""
    seen: dict[int, int] = {}

    async def node(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        seed = state["seed"]
        seen[seed] = seen.get(seed, 0) + 1
        if seen[seed] % (failures + 1):
            raise ConnectionError
        return {"a": 1}

    policy = RetryPolicy(
        initial_interval=interval_s,
        backoff_factor=factor,
        max_attempts=failures + 1,
        jitter=False,
        retry_on=ConnectionError,
    )
    builder = StateGraph(State)
    builder.add_node("call", node, retry_policy=policy)
    builder.add_node("last", sleeps("d", 0.01))
    builder.add_edge(START, "call")
    builder.add_edge("call", "last")
    builder.add_edge("last", END)
    return builder.compile()


class Streaming(GenericFakeChatModel):
    """Answers token by token."""

    tokens: int
    first_s: float = 0.03
    each_s: float = 0.008

    async def _astream(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(self.first_s)
        for number in range(self.tokens):
            if number:
                await asyncio.sleep(self.each_s)
            yield ChatGenerationChunk(message=AIMessageChunk("x"))
        usage = {"input_tokens": 9, "output_tokens": self.tokens, "total_tokens": 9 + self.tokens}
        yield ChatGenerationChunk(message=AIMessageChunk("", usage_metadata=usage))


def streams(key: str, tokens: int, speed: float = 1.0) -> Node:
    """A node that streams an answer."""
    model = Streaming(
        messages=iter([AIMessage("")]),
        tokens=tokens,
        first_s=0.03 / speed,
        each_s=0.008 / speed,
    )

    async def node(state: State) -> dict[str, Any]:
        async for _ in model.astream("hello"):
            pass
        return {key: 1}

    return node


class Waiting(GenericFakeChatModel):
    """Answers after a while."""

    async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0.02 + len(messages[-1].content) * 0.001)
        return self._generate(messages)


def asks_in_a_row(key: str, questions: int, *, at_once: bool) -> Node:
    """A node that asks a model some questions, one after another or together."""
    model = Waiting(messages=iter([AIMessage("x")] * 100_000))

    async def node(state: State) -> dict[str, Any]:
        asked = ["?" * (5 * number) for number in range(1, questions + 1)]
        if at_once:
            await asyncio.gather(*map(model.ainvoke, asked))
        else:
            for question in asked:
                await model.ainvoke(question)
        return {key: 1}

    return node
