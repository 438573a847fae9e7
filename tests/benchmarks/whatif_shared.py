"""Changes to what nodes share: the event loop, threads, checkpointers, models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from whatif_arms import Case
from whatif_cases import LAST, parallel, rebuilt
from whatif_graphs import (
    Wide,
    asks_in_a_row,
    blocks,
    chain,
    computes,
    fan,
    sends,
    sleeps,
    streams,
    sync_computes,
    sync_sleeps,
    works,
)

from lgprof.langgraph_adapter.rewire import unblocked, with_checkpointer
from lgprof.whatif import (
    BatchCalls,
    Durability,
    FewerOutputTokens,
    MaxConcurrency,
    PoolSize,
    SwapCheckpointer,
    SwapModel,
    Unblock,
)

EXIT = {"durability": "exit"}


def six(saver: Any = None) -> Any:
    keys = "abcdef"
    return chain({f"n{key}": sleeps(key, 0.008) for key in keys}, checkpointer=saver)


def blocking() -> list[Case]:
    def alone() -> Any:
        return chain({"A": sleeps("a", 0.02), "bad": blocks("b", 0.04), "last": LAST})

    def pair() -> Any:
        return fan(
            {
                "bad": blocks("a", 0.04),
                "worse": blocks("e", 0.025, 0.005),
                "good": sleeps("b", 0.04),
            },
            LAST,
        )

    def one_of_three() -> Any:
        return fan(
            {"bad": blocks("a", 0.05), "B": sleeps("b", 0.05), "C": computes("c", 0.02, 4)}, LAST
        )

    return [
        Case(
            "blocking call, alone",
            "into a thread",
            alone,
            [Unblock("bad")],
            lambda graph: unblocked(graph, "bad"),
        ),
        Case(
            "two blocking siblings of three",
            "into threads",
            pair,
            [Unblock("bad"), Unblock("worse")],
            lambda graph: unblocked(unblocked(graph, "bad"), "worse"),
        ),
        Case(
            "one blocking sibling of three",
            "into a thread",
            one_of_three,
            [Unblock("bad")],
            lambda graph: unblocked(graph, "bad"),
        ),
    ]


def limits() -> list[Case]:
    def sync_fan() -> Any:
        return fan({f"n{key}": sync_sleeps(key, 0.03) for key in "abcefghi"}, LAST, Wide)

    def ten() -> Any:
        return sends(lambda seed: 10, works(0.02, 0.3), {"last": LAST})

    three = {"config": {"max_concurrency": 3}}
    same = {"changed": lambda graph: graph}
    return [
        Case(
            "eight sync siblings",
            "pool 4 -> 8",
            sync_fan,
            [PoolSize(8)],
            threads=4,
            changed_threads=8,
            **same,
        ),
        Case(
            "ten Sends, three at once",
            "no limit",
            ten,
            [MaxConcurrency(None)],
            options=three,
            changed_options={},
            **same,
        ),
        Case("ten Sends", "three at once", ten, [MaxConcurrency(3)], changed_options=three, **same),
    ]


def checkpoints() -> list[Case]:
    same = {"changed": lambda graph: graph, "changed_options": EXIT}
    on_disk = {"graph": six, "on_disk": True}
    return [
        Case(
            "checkpoints in memory",
            "durability exit",
            lambda: six(InMemorySaver()),
            [Durability("exit")],
            **same,
        ),
        Case(
            "checkpoints on disk",
            "durability exit",
            changes=[Durability("exit")],
            **on_disk,
            **same,
        ),
        Case(
            "checkpoints on disk, sync",
            "durability exit",
            changes=[Durability("exit")],
            options={"durability": "sync"},
            **on_disk,
            **same,
        ),
        Case(
            "checkpoints on disk",
            "saver in memory",
            changes=[SwapCheckpointer("memory")],
            changed=lambda graph: with_checkpointer(graph, InMemorySaver()),
            **on_disk,
        ),
        Case(
            "checkpoints on disk",
            "no saver",
            changes=[SwapCheckpointer("none")],
            changed=lambda graph: with_checkpointer(graph, None),
            **on_disk,
        ),
    ]


def models() -> list[Case]:
    def streamed(tokens: int, speed: float) -> Callable[[], Any]:
        return lambda: chain(
            {"A": sleeps("a", 0.01), "draft": streams("b", tokens, speed), "last": LAST}
        )

    def asked(changed: bool) -> Any:
        return chain({"A": sleeps("a", 0.01), "ask": asks_in_a_row("b", 3, at_once=changed)})

    return [
        Case(
            "streaming model",
            "half the output",
            streamed(10, 1),
            [FewerOutputTokens("draft", 0.5)],
            lambda graph: streamed(5, 1)(),
        ),
        Case(
            "streaming model",
            "twice as fast",
            streamed(10, 1),
            [SwapModel("draft", duration_factor=0.5)],
            lambda graph: streamed(10, 2)(),
        ),
        rebuilt("three model calls in a row", "at once", BatchCalls("ask"), asked),
    ]


def in_threads() -> list[Case]:
    mixed = {
        "A": sleeps("a", 0.04),
        "B": sync_sleeps("b", 0.03),
        "C": sync_computes("c", 0.02),
        "E": computes("e", 0.015),
    }
    two = {"A": sync_computes("a", 0.03), "B": sync_computes("b", 0.03), "C": sleeps("c", 0.02)}
    invoked = {"A": sync_sleeps("a", 0.03), "B": sync_computes("b", 0.03)}
    return [
        parallel("CPU in one thread", mixed, "ABCE"),
        parallel("CPU in two threads", two, "ABC"),
        parallel("CPU in a thread, invoke", invoked, "AB", sync=True),
    ]
