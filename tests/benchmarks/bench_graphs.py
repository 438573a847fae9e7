"""The graphs that are measured: nodes that do next to nothing, so that overhead shows."""

from __future__ import annotations

import asyncio
import operator
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import uuid4

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    x: int
    found: Annotated[list[int], operator.add]


@dataclass(frozen=True)
class Workload:
    """A graph and how to call it."""

    name: str
    graph: Any
    nodes: int
    """How many nodes one run executes."""
    is_async: bool
    trivial_chain: bool

    def run(
        self, config: dict[str, Any] | None, times: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Call the graph a few times, one after another."""
        if self.is_async:
            loop.run_until_complete(self._arun(config, times))
            return
        for _ in range(times):
            self.graph.invoke({"x": 0}, {**_request(), **(config or {})})

    async def _arun(self, config: dict[str, Any] | None, times: int) -> None:
        for _ in range(times):
            await self.graph.ainvoke({"x": 0}, {**_request(), **(config or {})})


def _request() -> dict[str, Any]:
    """The config with which lgprof sends every request, watched or not."""
    return {"run_id": uuid4(), "configurable": {"thread_id": "benchmark"}}


def workloads() -> list[Workload]:
    return [
        Workload("10 nodes in a row, `invoke`", chain(10, _add), 10, False, True),
        Workload("10 nodes in a row, `ainvoke`", chain(10, _aadd), 10, True, True),
        Workload("plan, 50 `Send`, join, `ainvoke`", fan_out(50), 52, True, False),
    ]


def chain(length: int, node: Any) -> Any:
    graph = StateGraph(State)
    names = [f"n{number}" for number in range(length)]
    for name in names:
        graph.add_node(name, node)
    for source, target in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(source, target)
    return graph.compile()


def sync_chain() -> Any:
    """The graph of the memory benchmark."""
    return chain(10, _add)


def fan_out(width: int) -> Any:
    graph = StateGraph(State)
    graph.add_node("plan", _aadd)
    graph.add_node("work", _find)
    graph.add_node("join", _aadd)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges(
        "plan", lambda state: [Send("work", {"x": i}) for i in range(width)], ["work"]
    )
    graph.add_edge("work", "join")
    graph.add_edge("join", END)
    return graph.compile()


def _add(state: State) -> dict[str, Any]:
    return {"x": state.get("x", 0) + 1}


async def _aadd(state: State) -> dict[str, Any]:
    return {"x": state.get("x", 0) + 1}


async def _find(state: State) -> dict[str, Any]:
    return {"found": [state["x"]]}
