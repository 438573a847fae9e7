"""The changes that are predicted and then made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from whatif_arms import Case
from whatif_graphs import (
    Wide,
    chain,
    computes,
    diamond,
    flaky,
    looks_up,
    loop_of,
    routed,
    sends,
    sleeps,
    sync_sleeps,
    works,
)

from lgprof.langgraph_adapter.rewire import cached, retried
from lgprof.langgraph_adapter.side_by_side import side_by_side
from lgprof.whatif import (
    CacheNode,
    Faster,
    Parallel,
    RemoveBarrier,
    Retry,
)

LAST = sleeps("d", 0.01)
SYNC_LAST = sync_sleeps("d", 0.01)


def parallel(name: str, nodes: dict[str, Any], paths: Sequence[str], **more: Any) -> Case:
    """A chain whose first nodes then run side by side."""
    schema = more.pop("schema", Wide)
    return Case(
        name,
        f"side by side: {len(paths)}",
        lambda: chain({**nodes, "last": SYNC_LAST if more.get("sync") else LAST}, schema),
        [Parallel(tuple(paths))],
        lambda graph: side_by_side(graph, paths),
        **more,
    )


def rebuilt(name: str, what: str, change: Any, build: Callable[..., Any], **more: Any) -> Case:
    """A graph that is built with or without the change; ``build`` is told which."""
    return Case(name, what, lambda: build(False), [change], lambda graph: build(True), **more)


def readers() -> list[Case]:
    waits = {"A": sleeps("a", 0.03), "B": sleeps("b", 0.04), "C": sleeps("c", 0.05)}
    lognormal = {n: sleeps(n.lower(), 0.04, sigma=0.6) for n in "ABC"}
    wide = {n: sleeps(n.lower(), 0.025, sigma=0.4) for n in "ABCEF"}
    mixed = {"A": sleeps("a", 0.04), "B": sync_sleeps("b", 0.03), "E": computes("e", 0.015)}
    bursts = {n: computes(n.lower(), 0.02, bursts=4) for n in "ABC"}
    keys = "abcefghi"
    pooled = {f"n{key}": sync_sleeps(key, 0.02) for key in keys}
    return [
        parallel("independent readers", waits, "ABC"),
        parallel("lognormal readers", lognormal, "ABC"),
        parallel("five lognormal readers", wide, "ABCEF"),
        parallel("async CPU", {n: computes(n.lower(), 0.015) for n in "ABC"}, "ABC"),
        parallel("bursts of CPU between waits", bursts, "ABC"),
        parallel("sync and async", mixed, "ABE"),
        parallel("eight sync nodes, pool of 6", pooled, list(pooled), threads=6),
        parallel(
            "sync nodes, invoke", {n: sync_sleeps(n.lower(), 0.03) for n in "AB"}, "AB", sync=True
        ),
    ]


def speeds() -> list[Case]:
    def dependent(changed: bool) -> Any:
        factor = 0.5 if changed else 1.0
        return chain(
            {"A": sleeps("a", 0.02), "B": sleeps("b", 0.03, "a", factor=factor), "last": LAST}
        )

    def straggler(changed: bool) -> Any:
        work = works(0.02, 0.0, straggler=10, factor=0.4 if changed else 1.0)
        return sends(lambda seed: 10, work, {"last": LAST})

    def branch(changed: bool) -> Any:
        return routed(sleeps("b", 0.01), sleeps("b", 0.09, sigma=0.3, factor=0.3 if changed else 1))

    def whole_state(changed: bool) -> Any:
        async def node(state: dict[str, Any]) -> dict[str, Any]:
            await sleeps("b", 0.03, factor=0.5 if changed else 1.0)(state)
            return {**{k: v for k, v in state.items() if k != "out"}, "b": 1}

        return chain({"A": sleeps("a", 0.02), "W": node, "last": LAST})

    def invoked(changed: bool) -> Any:
        nodes = {"A": sync_sleeps("a", 0.04, 0.5 if changed else 1.0), "B": sync_sleeps("b", 0.02)}
        return chain(nodes)

    return [
        rebuilt("dependent chain", "node x 0.5", Faster("B", 0.5), dependent),
        rebuilt("ten Sends with a straggler", "node x 0.4", Faster("work", 0.4), straggler),
        rebuilt("routed", "dear branch x 0.3", Faster("dear", 0.3), branch),
        rebuilt("reads the whole state", "node x 0.5", Faster("W", 0.5), whole_state),
        rebuilt("sync chain, invoke", "node x 0.5", Faster("A", 0.5), invoked, sync=True),
    ]


def structures() -> list[Case]:
    def levels() -> Any:
        inner = chain(
            {"x": sleeps("a", 0.025), "y": sleeps("b", 0.03), "z": sleeps("c", 0.01, "ab")}
        )
        middle = chain({"m": sleeps("e", 0.01), "inner": inner})
        return chain({"A": sleeps("f", 0.01), "middle": middle, "last": LAST})

    def fanout() -> Any:
        after = {"A": sleeps("a", 0.03), "B": sleeps("b", 0.045), "last": LAST}
        return sends(lambda seed: 3 + seed % 4, works(0.03, 0.5), after)

    def both(graph: Any) -> Any:
        faster = chain({"A": sleeps("a", 0.03), "B": sleeps("b", 0.025), "last": LAST})
        return side_by_side(faster, "AB")

    third = ["middle/inner/x", "middle/inner/y"]
    body = {"A": sleeps("a", 0.02, sigma=0.3), "B": sleeps("b", 0.025, sigma=0.3)}
    return [
        Case(
            "three levels of subgraphs",
            "side by side: 2, third level",
            levels,
            [Parallel(tuple(third))],
            lambda graph: side_by_side(graph, third),
        ),
        Case(
            "Sends, then a chain",
            "side by side: 2",
            fanout,
            [Parallel(("A", "B"))],
            lambda graph: side_by_side(graph, "AB"),
        ),
        Case(
            "loop of 1 to 4 turns",
            "side by side: 2",
            lambda: loop_of(body),
            [Parallel(("A", "B"))],
            lambda graph: side_by_side(graph, "AB"),
        ),
        Case(
            "two changes at once",
            "side by side, x 0.5",
            lambda: chain({"A": sleeps("a", 0.03), "B": sleeps("b", 0.05), "last": LAST}),
            [Parallel(("A", "B")), Faster("B", 0.5)],
            both,
        ),
        rebuilt(
            "diamond",
            "no barrier",
            RemoveBarrier("fast", "follow"),
            lambda changed: diamond(None if changed else sleeps("e", 0.045, "b")),
        ),
    ]


def caches() -> list[Case]:
    def lookup() -> Any:
        return chain({"lookup": looks_up(0.05), "last": LAST})

    def nested() -> Any:
        inner = chain({"x": looks_up(0.02), "y": sync_sleeps("b", 0.015)})
        return chain({"gather": inner, "last": LAST})

    def by_key(node: str, ttl_s: float | None = None) -> Callable[[Any], Any]:
        return lambda graph: cached(graph, node, lambda state: str(state["key"]), ttl_s)

    repeats = {"inputs": lambda i: {"seed": i, "key": i % 10 if i >= 0 else i}, "rounds": 50}
    return [
        Case(
            "lookup, 80 % repeats",
            "cache",
            lookup,
            [CacheNode("lookup")],
            by_key("lookup"),
            **repeats,
        ),
        Case(
            "lookup, repeats after 1 s and 7 s",
            "cache, 3 s",
            lookup,
            [CacheNode("lookup", ttl_s=3)],
            by_key("lookup", 3),
            inputs=lambda i: {"seed": i, "key": i % 4 if i % 2 else 10 + i % 20 if i >= 0 else i},
            rounds=50,
        ),
        Case(
            "subgraph, 80 % repeats",
            "cache",
            nested,
            [CacheNode("gather")],
            by_key("gather"),
            **repeats,
        ),
    ]


def retries() -> list[Case]:
    def again(interval_s: float, factor: float) -> Callable[[Any], Any]:
        return lambda graph: retried(
            graph, "call", max_attempts=None, initial_interval_s=interval_s, backoff_factor=factor
        )

    return [
        Case(
            "two failures, 50 ms x 2",
            "backoff 1 ms",
            lambda: flaky(2, 0.05, 2.0),
            [Retry("call", None, 0.001, 1.0)],
            again(0.001, 1.0),
        ),
        Case(
            "two failures, 50 ms x 2",
            "backoff 20 ms x 1",
            lambda: flaky(2, 0.05, 2.0),
            [Retry("call", None, 0.02, 1.0)],
            again(0.02, 1.0),
        ),
        Case(
            "two failures, 40 ms x 2",
            "backoff 5 ms x 3",
            lambda: flaky(2, 0.04, 2.0),
            [Retry("call", None, 0.005, 3.0)],
            again(0.005, 3.0),
        ),
    ]
