"""What load.py loads: graphs that any number of generators may call, and that log what happened.

The variable `LOG` names the file for the log; without it nothing is written.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

SERVICE_S = 0.030
STALL_S, STALL_EVERY_S = 0.5, 5.0
NODE_S = 0.020
LOG = "LGPROF_BENCHMARK_LOG"


class State(TypedDict, total=False):
    i: int
    x: int


def log(*fields: Any) -> None:
    """One line, in one write: several processes may share the file."""
    if name := os.environ.get(LOG):
        file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, (" ".join(map(str, fields)) + "\n").encode())
        os.close(file)


def in_a_row(*nodes: Any) -> Any:
    graph = StateGraph(State)
    names = [f"n{number}" for number in range(len(nodes))]
    for name, node in zip(names, nodes, strict=True):
        graph.add_node(name, node)
    for source, target in zip([START, *names], names, strict=False):
        graph.add_edge(source, target)
    return graph.compile()


class Stalls:
    """The world stops every few seconds, whatever the requests do."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def keep_up_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(STALL_EVERY_S, self._stall)

    def _stall(self) -> None:
        assert self._loop is not None
        self._loop.call_later(STALL_EVERY_S, self._stall)
        stop_the_world(time.sleep)


def stop_the_world(sleep: Any) -> None:
    """Hold the thread, and log from when until when."""
    began_s = time.monotonic()
    sleep(STALL_S)
    log("stall", began_s, time.monotonic())


_stalls = Stalls()


async def _serve(state: State) -> State:
    log("start", state["i"], time.monotonic())
    _stalls.keep_up_on(asyncio.get_running_loop())
    await asyncio.sleep(SERVICE_S)
    return {"x": 1}


async def _serve_steadily(state: State) -> State:
    """`_serve` without stalls."""
    log("start", state["i"], time.monotonic())
    await asyncio.sleep(SERVICE_S)
    return {"x": 1}


async def _wait(state: State) -> State:
    await asyncio.sleep(NODE_S)
    return {"x": 1}


async def _add(state: State) -> State:
    return {"x": state.get("x", 0) + 1}


async def _note(state: State) -> State:
    log("start", state["i"], time.monotonic())
    return {"x": 1}


stalling = in_a_row(_serve)
steady = in_a_row(_serve_steadily)
three_waiting = in_a_row(_wait, _wait, _wait)
five_trivial = in_a_row(_add, _add, _add, _add, _add)
noting = in_a_row(_note)
