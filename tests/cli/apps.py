"""Graphs of an imaginary user: the tests copy this file into a project folder and run it there."""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    i: int
    text: str
    answers: Annotated[list[str], list.__add__]


def one_node(node: Any, **compile_options: Any) -> Any:
    builder = StateGraph(State).add_node("work", node)
    builder.add_edge(START, "work").add_edge("work", END)
    return builder.compile(**compile_options)


def note(name: str, line: object) -> None:
    """Tell the test what happened."""
    with Path(name).open("a") as file:
        file.write(f"{line}\n")


# --- that work ---------------------------------------------------------------------------------


def add_one(state: State) -> State:
    return {"i": state.get("i", 0) + 1}


async def add_one_async(state: State) -> State:
    await asyncio.sleep(0.001)
    return {"i": state.get("i", 0) + 1}


quick = one_node(add_one)
quick_async = one_node(add_one_async)
chosen = (
    StateGraph(State)
    .add_node("work", add_one)
    .add_conditional_edges(START, lambda state: "work", ["work"])
    .compile()
)


def shout(state: State) -> State:
    print("NOISE from print")
    os.write(1, b"NOISE from os.write\n")
    subprocess.run([sys.executable, "-c", "print('NOISE from a child')"], check=True)
    sys.stdout.write("NOISE without a line end")
    return {"i": 1}


noisy = one_node(shout)


class Context(TypedDict, total=False):
    user: str
    number: int


def see(state: State, config: RunnableConfig, runtime: Runtime[Context]) -> State:
    configurable = config["configurable"]
    seen = {
        "input": dict(state),
        "context": runtime.context,
        "label": configurable.get("label"),
        "thread_id": configurable["thread_id"],
    }
    note("seen.jsonl", json.dumps(seen))
    return {"i": 1}


seeing = (
    StateGraph(State, context_schema=Context).add_node("see", see).add_edge(START, "see").compile()
)


def count(state: State) -> State:
    return {"i": state["i"] + 1}


loops = (
    StateGraph(State)
    .add_node("count", count)
    .add_edge(START, "count")
    .add_conditional_edges("count", lambda state: "count" if state["i"] < 8 else END)
    .compile()
)


def together(state: State) -> State:
    time.sleep(0.03)
    return {"i": 1}


async def together_async(state: State) -> State:
    await asyncio.sleep(0.03)
    return {"i": 1}


slowish = one_node(together)
slowish_async = one_node(together_async)


# --- that fail ---------------------------------------------------------------------------------


def deep_down(i: int) -> None:
    raise ValueError(f"the third of ten: {i}")


def fail_once_in_ten(state: State) -> State:
    if state["i"] % 10 == 3:
        deep_down(state["i"])
    return {"i": 0}


def fail_always(state: State) -> State:
    raise LookupError("nothing there")


def leave(state: State) -> State:
    sys.exit(7)


def leave_at_once(state: State) -> State:
    with warnings.catch_warnings(action="ignore"):
        child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    os._exit(7)


def crash(state: State) -> State:
    faulthandler._sigsegv()  # type: ignore[attr-defined]
    return {"i": 0}


fails_once = one_node(fail_once_in_ten)
fails = one_node(fail_always)
exits = one_node(leave)
exits_at_once = one_node(leave_at_once)
crashes = one_node(crash)


def keep_error(state: State) -> dict[str, Any]:
    return {"text": "error" if state["i"] % 2 else "fine"}


keeps_error = one_node(keep_error)


# --- that do not come back ---------------------------------------------------------------------


async def sleep_async(state: State) -> State:
    note("started", "sleep_async")
    await asyncio.sleep(3600)
    return {"i": 1}


async def hold_the_loop(state: State) -> State:
    note("started", "hold_the_loop")
    time.sleep(3600)
    return {"i": 1}


def sleep_sync(state: State) -> State:
    note("started", "sleep_sync")
    time.sleep(3600)
    return {"i": 1}


async def sleep_in_thread(state: State) -> State:
    note("started", "sleep_in_thread")
    await asyncio.to_thread(time.sleep, 3600)
    return {"i": 1}


async def sleep_beside_thread(state: State) -> State:
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
    return await sleep_async(state)


async def sleep_beside_pool(state: State) -> State:
    ThreadPoolExecutor(1).submit(int).result()  # its thread waits for more, and does no harm
    return await sleep_async(state)


hangs_async = one_node(sleep_async)
hangs_in_thread = one_node(sleep_in_thread)
hangs_beside_thread = one_node(sleep_beside_thread)
hangs_beside_pool = one_node(sleep_beside_pool)
hangs_holding = one_node(hold_the_loop)
hangs_sync = one_node(sleep_sync)


def hang_from_third(state: State) -> State:
    note("started", state["i"])
    if state["i"] == 3:
        time.sleep(3600)
    return {"i": 0}


async def hang_from_third_async(state: State) -> State:
    note("started", state["i"])
    if state["i"] == 3:
        await asyncio.sleep(3600)
    return {"i": 0}


async def hold_from_third(state: State) -> State:
    note("started", state["i"])
    if state["i"] == 3:
        time.sleep(3600)
    return {"i": 0}


third_hangs = one_node(hang_from_third)
third_hangs_async = one_node(hang_from_third_async)
third_holds = one_node(hold_from_third)


# --- that stop and ask -------------------------------------------------------------------------


def ask(state: State) -> dict[str, Any]:
    first = interrupt("first?")
    second = interrupt("second?")
    return {"answers": [first, second]}


def check(state: State) -> dict[str, Any]:
    note("answers", json.dumps(state["answers"]))
    return {}


async def ask_async(state: State) -> dict[str, Any]:
    return ask(state)


def _asking(node: Any, **compile_options: Any) -> Any:
    builder = StateGraph(State).add_node("ask", node).add_node("check", check)
    builder.add_edge(START, "ask").add_edge("ask", "check")
    return builder.compile(**compile_options)


asks = _asking(ask)
asks_async = _asking(ask_async)


def answer(state: State) -> dict[str, Any]:
    return {"answers": ["none"]}


pauses = _asking(answer, interrupt_before=["check"])

not_a_graph = {"a": 1}
