"""Changes to graphs that were written before anybody looked at how they are predicted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from whatif_agents import (
    FAST,
    Model,
    Typing,
    asked,
    asks_for_each,
    falls_back,
    gathers,
    react,
    runs_in_parallel,
    two_streams,
)
from whatif_arms import Case
from whatif_shapes import (
    approved,
    blocked_subgraph,
    branches,
    chosen_branches,
    functional,
    handled,
    item,
    item_graph,
    jittered,
    looks_up_items,
    map_reduce,
    parses,
    saved,
    saved_subgraph,
    shares_two_places,
    supervisor,
    sync_items,
)

from lgprof.langgraph_adapter.rewire import cached, with_checkpointer
from lgprof.langgraph_adapter.side_by_side import side_by_side
from lgprof.whatif import (
    BatchCalls,
    CacheNode,
    Change,
    Durability,
    Faster,
    FewerOutputTokens,
    MaxConcurrency,
    Parallel,
    PoolSize,
    Retry,
    SwapCheckpointer,
    SwapModel,
    Unblock,
)

ROUNDS = 14
Build = Callable[[], Any]


def _case(name: str, what: str, graph: Build, *changes: Change, **more: Any) -> Case:
    """The graph as it is, changed by how it is called unless told otherwise."""
    unchanged = {"rounds": ROUNDS, "changed": lambda graph: graph}
    return Case(name, what, graph, changes, **{**unchanged, **more})


def _built(name: str, what: str, graph: Build, other: Build, *changes: Change, **more: Any) -> Case:
    """The graph beside another one."""
    return _case(name, what, graph, *changes, changed=lambda graph: other(), **more)


def _limit(tasks: int) -> dict[str, Any]:
    return {"config": {"max_concurrency": tasks}}


def agents() -> list[Case]:
    agent = partial(react, Model(turns=3))
    small = partial(Typing, model_name="small", **FAST)
    faster = partial(SwapModel, duration_factor=0.5)
    asks: dict[str, Any] = {"inputs": asked}
    return [
        _built("ReAct", "tools x 0.5", agent, partial(agent, 0.5), Faster("tools", 0.5), **asks),
        _built(
            "ReAct",
            "model x 0.5",
            agent,
            partial(react, Model(turns=3, **FAST)),
            faster("agent"),
            **asks,
        ),
        _built(
            "ReAct",
            "half the output",
            agent,
            partial(react, Model(turns=3, length=0.5)),
            FewerOutputTokens("agent", 0.5),
            **asks,
        ),
        _case(
            "ReAct",
            "two tools at once",
            agent,
            MaxConcurrency(2),
            changed_options=_limit(2),
            **asks,
        ),
        _built(
            "two streams",
            "the other's model",
            lambda: two_streams(Typing(), small()),
            lambda: two_streams(small(), small()),
            SwapModel("draft", model="small"),
        ),
        _built(
            "two streams",
            "40 % of the output",
            lambda: two_streams(Typing(), Typing()),
            lambda: two_streams(Typing(length=0.4), Typing()),
            FewerOutputTokens("draft", 0.4),
        ),
        _built(
            "three things at once in a node",
            "model x 0.5",
            lambda: gathers(Model()),
            lambda: gathers(Model(**FAST)),
            faster("think"),
        ),
        _built(
            "RunnableParallel",
            "model x 0.5",
            lambda: runs_in_parallel(Model()),
            lambda: runs_in_parallel(Model(**FAST)),
            faster("both"),
        ),
        _built(
            "a call for each of two to four",
            "at once",
            lambda: asks_for_each(Model(), at_once=False),
            lambda: asks_for_each(Model(), at_once=True),
            BatchCalls("each"),
        ),
        _built(
            "time limit and fallback",
            "model x 0.5",
            lambda: falls_back(Model()),
            lambda: falls_back(Model(**FAST)),
            faster("ask"),
        ),
    ]


def maps() -> list[Case]:
    graphs = partial(map_reduce, item_graph())

    def fifty(node: Any) -> Build:
        return partial(map_reduce, node, lambda seed: 50)

    def inner(node: Any) -> Any:
        return map_reduce(node, lambda seed: 3)

    return [
        _built(
            "map-reduce of subgraphs",
            "inner node x 0.4",
            graphs,
            partial(map_reduce, item_graph(0.4)),
            Faster("item/judge", 0.4),
        ),
        _built(
            "map-reduce of subgraphs",
            "side by side: 2, inside",
            graphs,
            partial(map_reduce, item_graph(at_once=True)),
            Parallel(("item/fetch", "item/clean")),
        ),
        _case(
            "map-reduce of subgraphs",
            "two at once",
            graphs,
            MaxConcurrency(2),
            changed_options=_limit(2),
        ),
        _built(
            "map-reduce of map-reduces",
            "inner item x 0.5",
            partial(map_reduce, inner(item())),
            partial(map_reduce, inner(item(factor=0.5))),
            Faster("item/item", 0.5),
        ),
        _built(
            "Sends, three at once",
            "item x 0.5",
            partial(map_reduce, item(), lambda seed: 12),
            partial(map_reduce, item(factor=0.5), lambda seed: 12),
            Faster("item", 0.5),
            options=_limit(3),
        ),
        _case(
            "fifty Sends",
            "ten at once",
            fifty(item()),
            MaxConcurrency(10),
            changed_options=_limit(10),
        ),
        _built(
            "fifty Sends",
            "item x 0.5",
            fifty(item(0.08)),
            fifty(item(0.08, 0.5)),
            Faster("item", 0.5),
        ),
        _case(
            "items that repeat",
            "cache",
            looks_up_items,
            CacheNode("item"),
            changed=lambda graph: cached(graph, "item", lambda state: str(state["key"]), None),
            rounds=40,
        ),
    ]


def shapes() -> list[Case]:
    pair = ("one", "two")
    beside: dict[str, Any] = {"changed": lambda graph: side_by_side(graph, pair)}
    waits = ("parse", "fetch", "fetch2")
    return [
        _case("branches, join", "side by side: 2", branches, Parallel(pair), **beside),
        _case(
            "branches, deferred",
            "side by side: 2",
            partial(branches, join="defer"),
            Parallel(pair),
            **beside,
        ),
        _built(
            "branches, no join",
            "node x 0.3",
            partial(branches, join="no"),
            partial(branches, 0.3, "no"),
            Faster("three", 0.3),
        ),
        _built(
            "one to three branches",
            "node x 0.4",
            chosen_branches,
            partial(chosen_branches, 0.4),
            Faster("z", 0.4),
        ),
        _built(
            "Command", "worker x 0.5", supervisor, partial(supervisor, 0.5), Faster("coder", 0.5)
        ),
        _built(
            "interrupt and resume",
            "node x 0.5",
            approved,
            partial(approved, 0.5),
            Faster("review", 0.5),
            answers=1,
        ),
        _built(
            "error handler",
            "handler x 0.3",
            handled,
            partial(handled, 0.3),
            Faster("__error_handler__call", 0.3),
        ),
        _built(
            "subgraph beside a blocking node",
            "into threads",
            blocked_subgraph,
            partial(blocked_subgraph, threaded=True),
            Unblock("bad"),
        ),
        _built("20 ms of CPU", "x 0.4", parses, partial(parses, 0.4), Faster("parse", 0.4)),
        _built(
            "20 ms of CPU",
            "side by side: 3",
            parses,
            partial(parses, at_once=True),
            Parallel(waits),
        ),
    ]


def tasks() -> list[Case]:
    parts = Faster("flow/whole/part", 0.5), Faster("flow/part", 0.5)
    fours: dict[str, Any] = {"at_once": 4, "rounds": 8}
    graphs = partial(map_reduce, item_graph())
    return [
        _built("functional tasks", "x 0.5", functional, partial(functional, 0.5), *parts),
        _case(
            "functional tasks",
            "five at once",
            functional,
            MaxConcurrency(5),
            changed_options=_limit(5),
        ),
        _built(
            "ten sync Sends, invoke",
            "item x 0.5",
            sync_items,
            partial(sync_items, 0.5),
            Faster("item", 0.5),
            sync=True,
        ),
        _case(
            "ten sync Sends, invoke",
            "three at once",
            sync_items,
            MaxConcurrency(3),
            changed_options=_limit(3),
            sync=True,
        ),
        _case(
            "ten sync Sends",
            "pool 3 -> 10",
            sync_items,
            PoolSize(10),
            threads=3,
            changed_threads=10,
        ),
        _built(
            "jitter beside a node",
            "backoff 5 ms",
            partial(jittered, 0.1),
            partial(jittered, 0.005),
            Retry("call", initial_interval_s=0.005),
            rounds=8,
        ),
        _built(
            "4 requests at once, 2 places",
            "node x 0.5",
            shares_two_places,
            partial(shares_two_places, 0.5),
            Faster("ask", 0.5),
            **fours,
        ),
        _built(
            "4 requests at once, map-reduce",
            "inner node x 0.4",
            graphs,
            partial(map_reduce, item_graph(0.4)),
            Faster("item/judge", 0.4),
            **fours,
        ),
        _built(
            "4 requests at once, 20 ms of CPU",
            "x 0.4",
            parses,
            partial(parses, 0.4),
            Faster("parse", 0.4),
            **fours,
        ),
    ]


def savers() -> list[Case]:
    def other(mode: Any, recorded: str = "async") -> dict[str, Any]:
        options = {"options": {"durability": recorded}, "changed_options": {"durability": mode}}
        return {"changes": [Durability(mode)], **options}

    def case(name: str, what: str, graph: Build, **more: Any) -> Case:
        changes = more.pop("changes")
        return _case(name, what, graph, *changes, **more)

    short = partial(saved, 0.003)
    return [
        case("slow saver", "durability exit", saved, **other("exit")),
        case("slow saver", "durability sync", saved, **other("sync")),
        case("slow saver, sync", "durability async", saved, **other("async", "sync")),
        case("slow saver, short nodes", "durability exit", short, **other("exit")),
        case("slow saver, short nodes", "durability sync", short, **other("sync")),
        case("slow saver, subgraph", "durability exit", saved_subgraph, **other("exit", "sync")),
        _case(
            "slow saver",
            "saver in memory",
            saved,
            SwapCheckpointer("memory"),
            changed=lambda graph: with_checkpointer(graph, InMemorySaver()),
        ),
        _built("slow saver", "node x 0.5", saved, partial(saved, factor=0.5), Faster("c", 0.5)),
        _case(
            "slow saver",
            "side by side: 2",
            saved,
            Parallel(("b", "c")),
            changed=lambda graph: side_by_side(graph, "bc"),
        ),
    ]
