"""Graphs of an imaginary user: the tests copy this file into a project folder and load them."""

from __future__ import annotations

import asyncio
import operator
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.func import entrypoint
from langgraph.func import task as graph_task
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import RetryPolicy, Send, interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    i: int
    secret: str
    items: Annotated[list[int], operator.add]


def one_node(node: Any, **compile_options: Any) -> Any:
    builder = StateGraph(State).add_node("work", node)
    return builder.add_edge(START, "work").add_edge("work", END).compile(**compile_options)


def note(name: str, line: object) -> None:
    """Tell the test what happened."""
    with Path(name).open("a") as file:
        file.write(f"{line}\n")


async def nap(state: State) -> State:
    await asyncio.sleep(0.005)
    return {"i": state.get("i", 0)}


def nap_sync(state: State) -> State:
    time.sleep(0.005)
    return {"i": state.get("i", 0)}


async def see(state: State) -> State:
    note("seen", state["i"])
    return {}


quick = one_node(nap)
quick_sync = one_node(nap_sync)
seeing = one_node(see)
not_a_graph = {"a": 1}


# --- of every kind -----------------------------------------------------------------------------


@tool
def look_up(word: str) -> str:
    """Look a word up."""
    return word.upper()


async def use_tool(state: State) -> State:
    await look_up.ainvoke({"word": "a"})
    return {}


async def each(state: State) -> State:
    await asyncio.sleep(0.002)
    return {"items": [state["i"]]}


def spread(state: State) -> list[Send]:
    return [Send("each", {"i": i}) for i in range(3)]


_tries: dict[int, int] = {}


async def flaky(state: State) -> State:
    tries = _tries[state["i"]] = _tries.get(state["i"], 0) + 1
    if tries % 2:
        raise ConnectionError("once more")
    return {}


inner = (
    StateGraph(State)
    .add_node("tool", use_tool)
    .add_node(
        "flaky",
        flaky,
        retry_policy=RetryPolicy(max_attempts=2, initial_interval=0.001, jitter=False),
    )
    .add_edge(START, "tool")
    .add_edge("tool", "flaky")
    .compile()
)
rich = (
    StateGraph(State)
    .add_node("begin", nap)
    .add_node("each", each)
    .add_node("inner", inner)
    .add_edge(START, "begin")
    .add_conditional_edges("begin", spread, ["each"])
    .add_edge("each", "inner")
    .compile()
)


@graph_task
async def double(number: int) -> int:
    await asyncio.sleep(0.002)
    return 2 * number


@entrypoint()
async def functional(state: dict[str, Any]) -> int:
    return sum([await double(state["i"]), await double(1)])


async def ask(state: State) -> State:
    note("answers", interrupt("how much?"))
    return {}


asks = one_node(ask)


async def ask_model(state: State) -> State:
    from sample_graphs.fake_models import gpt_4o_mini

    await gpt_4o_mini(lambda messages: "yes", first_token_s=0.001).ainvoke("y" * 400)
    return {"i": 1}


asks_model = one_node(ask_model)


async def remember(state: State, config: RunnableConfig, runtime: Runtime) -> State:
    print("NOISE from print")
    os.write(1, b"NOISE from os.write\n")
    thread = config["configurable"]["thread_id"]
    assert runtime.store is not None
    await runtime.store.aput(("seen",), thread, {"i": state["i"]})
    return {}


needs_store = one_node(remember)


# --- that fail, hang or block ------------------------------------------------------------------


async def fail_one_in_ten(state: State) -> State:
    await asyncio.sleep(0.001)
    if state["i"] % 10 == 3:
        raise LookupError("the secret is 42")
    return {}


fails_one_in_ten = one_node(fail_one_in_ten)


async def fail_always(state: State) -> State:
    raise LookupError("never")


fails = one_node(fail_always)


async def hang_sometimes(state: State) -> State:
    await asyncio.sleep(3600 if state["i"] % 20 == 7 else 0.001)
    return {}


def hang_sometimes_sync(state: State) -> State:
    time.sleep(3600 if state["i"] % 20 == 7 else 0.001)
    return {}


async def hold_sometimes(state: State) -> State:
    time.sleep(1.0 if state["i"] == 7 else 0.001)
    return {}


async def hold_for_good(state: State) -> State:
    if state["i"] == 7:
        time.sleep(3600)
    return {}


hangs = one_node(hang_sometimes)
hangs_sync = one_node(hang_sometimes_sync)
holds = one_node(hold_sometimes)
holds_for_good = one_node(hold_for_good)


async def sleep_long(state: State) -> State:
    note("started", state["i"])
    await asyncio.sleep(3600 if 0 <= state["i"] < 1_000_000 else 0)
    return {}


async def sleep_a_second(state: State) -> State:
    note("started", state["i"])
    await asyncio.sleep(0.8 if 0 <= state["i"] < 1_000_000 else 0)
    return {}


async def take_time(state: State) -> State:
    await asyncio.sleep(0.3)
    return {}


takes_time = one_node(take_time)
sleeps_long = one_node(sleep_long)
sleeps_a_second = one_node(sleep_a_second)


async def first_step(state: State) -> State:
    await asyncio.sleep(0.001)
    return {}


async def block(state: State) -> State:
    time.sleep(0.03)
    return {}


blocks = (
    StateGraph(State)
    .add_node("first_step", first_step)
    .add_node("blocks_loop", block)
    .add_edge(START, "first_step")
    .add_edge("first_step", "blocks_loop")
    .compile()
)


def spin(seconds: float) -> None:
    end_s = time.thread_time() + seconds
    while time.thread_time() < end_s:
        pass


async def compute(state: State) -> State:
    spin(0.02)
    return {}


computes = one_node(compute)


def wait_in_thread(state: State) -> State:
    time.sleep(0.1)
    return {}


async def async_side(state: State) -> State:
    return {}


fills_executor = (
    StateGraph(State)
    .add_node("first_step", async_side)
    .add_node("waits", wait_in_thread)
    .add_edge(START, "first_step")
    .add_edge("first_step", "waits")
    .compile()
)


# --- that end their process --------------------------------------------------------------------


async def die(state: State) -> State:
    if state["i"] == 20:
        os._exit(9)
    await asyncio.sleep(0.005)
    return {}


async def die_at_once(state: State) -> State:
    print("last words of the graph", file=sys.stderr, flush=True)
    os._exit(9)


dies = one_node(die)
dies_at_once = one_node(die_at_once)
