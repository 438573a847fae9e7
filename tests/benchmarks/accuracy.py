"""How true the figures are in real time: graphs whose every millisecond is known, profiled.

    python tests/benchmarks/accuracy.py [--requests 20]

Prints one row per figure with its truth, and exits 1 if one is further off than 5 % and 2 ms.
Where the graph's own sleeps overshoot, that is real time: the truth is what was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy, Send

from lgprof.model import NodeRow, Profile
from tests.profiling import profile_graph
from tests.recording.test_known_answers import State, Streaming, chain, sleeper

SHARE, ABSOLUTE_S = 0.05, 0.002


@dataclass(frozen=True)
class Figure:
    """One measured number beside its truth, in seconds."""

    graph: str
    name: str
    truth_s: float
    found_s: float

    @property
    def holds(self) -> bool:
        return abs(self.found_s - self.truth_s) <= max(SHARE * self.truth_s, ABSOLUTE_S)

    def __str__(self) -> str:
        return (
            f"| {self.graph} | {self.name} | {self.truth_s * 1e3:.0f} ms "
            f"| {self.found_s * 1e3:.1f} ms | {'yes' if self.holds else 'NO'} |"
        )


def row(profile: Profile, path: str) -> NodeRow:
    return next(row for row in profile.nodes if row.path == path)


def three_in_a_row(profiled: Callable[..., Profile]) -> Iterator[Figure]:
    graph = chain(("x", sleeper(0.020)), ("y", sleeper(0.060)), ("z", sleeper(0.040)))
    profile = profiled(graph)
    for path, truth_s in (("x", 0.020), ("y", 0.060), ("z", 0.040)):
        yield Figure("three nodes", f"{path}, p50", truth_s, row(profile, path).latency_s.p50)
    yield Figure("three nodes", "own code, waiting", 0.120, profile.attribution_s.node_wait)


def retries(profiled: Callable[..., Profile]) -> Iterator[Figure]:
    tries = []

    async def flaky(state: State) -> State:
        tries.append(1)
        await asyncio.sleep(0.010)
        if len(tries) % 3:
            raise ConnectionError("try again")
        return {"a": 1}

    policy = RetryPolicy(initial_interval=0.05, backoff_factor=2, jitter=False, max_attempts=3)
    parts = profiled(chain(("f", flaky), retry_policy=policy)).attribution_s
    yield Figure("two failed attempts", "failed attempts", 0.020, parts.failed_attempts)
    yield Figure("two failed attempts", "backoff", 0.150, parts.backoff)
    yield Figure("two failed attempts", "own code, waiting", 0.010, parts.node_wait)


def straggler(profiled: Callable[..., Profile]) -> Iterator[Figure]:
    async def work(state: State) -> State:
        await asyncio.sleep(state["a"] / 1e3)
        return {"items": [1]}

    builder = StateGraph(State)
    builder.add_node("work", work)
    builder.add_conditional_edges(
        START, lambda state: [Send("work", {"a": 200 if i == 4 else 20}) for i in range(10)]
    )
    profile = profiled(builder.compile())
    yield Figure("ten Sends", "latency", 0.200, profile.summary.latency_s.p50)
    yield Figure(
        "ten Sends", "barrier wait of each of nine", 0.180, row(profile, "work").barrier_wait_s / 9
    )


def blocking(profiled: Callable[..., Profile]) -> Iterator[Figure]:
    async def blocks(state: State) -> State:
        await asyncio.sleep(0.010)
        time.sleep(0.040)
        return {"a": 1}

    parts = profiled(chain(("blocks", blocks))).attribution_s
    yield Figure("time.sleep in async", "blocked event loop", 0.040, parts.blocked_loop)
    yield Figure("time.sleep in async", "own code, waiting", 0.010, parts.node_wait)


def nested(profiled: Callable[..., Profile]) -> Iterator[Figure]:
    inner = chain(("deep", sleeper(0.030)))

    async def outer(state: State) -> State:
        await asyncio.sleep(0.010)
        await inner.ainvoke({"a": 1})
        return {"a": 1}

    profile = profiled(chain(("outer", outer)))
    yield Figure(
        "graph in a function", "outer/deep, p50", 0.030, row(profile, "outer/deep").latency_s.p50
    )
    yield Figure("graph in a function", "outer's own", 0.010, row(profile, "outer").self_s)


def small_executor(profiled: Callable[..., Profile]) -> Iterator[Figure]:
    pool = ThreadPoolExecutor(2)

    async def shrink(state: State) -> State:
        asyncio.get_running_loop().set_default_executor(pool)
        return {}

    def work(state: State) -> State:
        time.sleep(0.050)
        return {}

    builder = StateGraph(State)
    builder.add_node("shrink", shrink)
    builder.add_edge(START, "shrink")
    for i in range(6):
        builder.add_node(f"n{i}", work)
        builder.add_edge("shrink", f"n{i}")
    profile = profiled(builder.compile())
    spans = [
        s for r in profile.requests for s in r.spans if s.kind == "attempt" and s.name[0] == "n"
    ]
    mean_s = sum(s.work_end_s - s.work_start_s for s in spans) / len(spans)
    yield Figure("six sync nodes, two threads", "each function", 0.050, mean_s)
    yield Figure(
        "six sync nodes, two threads", "executor queue", 0.100, profile.attribution_s.executor_queue
    )


def streaming(profiled: Callable[..., Profile]) -> Iterator[Figure]:
    model = Streaming(messages=iter([AIMessage("unused")]))

    async def ask(state: State) -> State:
        async for _ in model.astream("hello"):
            pass
        return {"a": 1}

    (call,) = profiled(chain(("ask", ask))).models
    yield Figure("streaming model", "time to first token", 0.080, call.time_to_first_token_s.p50)
    yield Figure("streaming model", "model call, p50", 0.120, call.latency_s.p50)


CASES = (three_in_a_row, retries, straggler, blocking, nested, small_executor, streaming)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20)
    requests = parser.parse_args().requests

    def profiled(graph: Any) -> Profile:
        return profile_graph(graph, {"a": 0}, requests=requests, warmup=2).profile

    print("| graph | figure | truth | measured | within 5 % or 2 ms |\n|---|---|--:|--:|---|")
    figures = [figure for case in CASES for figure in case(profiled)]
    print(*figures, sep="\n")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
