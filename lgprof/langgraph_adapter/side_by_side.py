"""Nodes that run one after another, side by side in a copy of their graph.

The copy is compiled from a copy of the builder; of the compiled nodes only triggers and writers
are taken, so that whatever was changed in the graph before stays changed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from langgraph.constants import END
from langgraph.graph.state import StateGraph
from langgraph.types import Send

from lgprof.langgraph_adapter.entry import wrap_bound
from lgprof.langgraph_adapter.graphs import AnyGraph, builder_copy
from lgprof.langgraph_adapter.rewire import (
    CannotRewireError,
    UnsafeTopologyError,
    at_node,
)
from lgprof.langgraph_adapter.walk import (
    functions_of,
    mentions_goto,
    mentions_interrupt,
    own_functions_of,
    runnables_in,
)

Builder = StateGraph[Any, Any, Any, Any]

JOIN = "lgprof_join"
"""How the name of a node begins that only waits for others, so that a router can follow."""


def side_by_side(graph: AnyGraph, paths: Sequence[str]) -> AnyGraph:
    """A copy in which nodes that follow one another start together.

    They all start where the first one did; what followed the last one waits for all of them, by a
    waiting edge. Where a router follows, it waits in a node of its own: one more superstep.

    Args:
        graph: The outermost graph.
        paths: Of nodes of one graph, in any order.

    Raises:
        UnsafeTopologyError: The edges forbid it.
        CannotRewireError: The nodes are unknown, or their graph has no builder.
    """
    first = paths[0]

    def change(inner: AnyGraph, name: str) -> AnyGraph:
        prefix = first.removesuffix(name)
        names = [path.removeprefix(prefix) for path in paths]
        if not all(path.startswith(prefix) for path in paths) or not inner.nodes.keys() >= {*names}:
            raise UnsafeTopologyError(f"{' and '.join(paths)} are not nodes of one graph")
        return _side_by_side(inner, names)

    return at_node(graph, first, change)


def recompiled(graph: AnyGraph, builder: Builder) -> AnyGraph:
    """A copy of a graph with the edges of another builder, everything else as it is."""
    compiled: Any = builder.compile()
    changed: Any = copy.copy(graph)
    changed.nodes = {
        name: graph.nodes[name].copy(
            {
                "triggers": node.triggers,
                "writers": node.writers,
                "subgraphs": graph.nodes[name].subgraphs,
            }
        )
        if name in graph.nodes
        else node
        for name, node in compiled.nodes.items()
    }
    changed.channels = compiled.channels
    changed.trigger_to_nodes = compiled.trigger_to_nodes
    changed.builder = builder
    typed: AnyGraph = changed
    return typed


def own_builder(graph: AnyGraph) -> Builder:
    """A copy of the builder that a graph was compiled from.

    Raises:
        CannotRewireError: It has none.
    """
    builder = getattr(graph, "builder", None)
    if not isinstance(builder, StateGraph):
        raise CannotRewireError(
            "the order is in the code of an @entrypoint: no edge could be changed"
        )
    return builder_copy(builder)


def _side_by_side(graph: AnyGraph, names: Sequence[str]) -> AnyGraph:
    builder = own_builder(graph)
    chain = _in_order(builder, names)
    refuse_members(graph, builder, chain)
    refuse_ways_in(builder, chain)
    _start_together(builder, chain)
    _join(builder, chain)
    return recompiled(graph, builder)


def _in_order(builder: Builder, names: Sequence[str]) -> list[str]:
    """The nodes as they follow one another."""
    members = set(names)
    if len(members) < 2:
        raise UnsafeTopologyError("one node alone has nothing to run beside")
    follows = {a: b for a, b in builder.edges if a in members and b in members}
    firsts = members - set(follows.values())
    chain = [firsts.pop()] if len(firsts) == 1 else []
    while chain and chain[-1] in follows:
        chain.append(follows[chain[-1]])
    if len(chain) != len(members):
        raise UnsafeTopologyError(f"no plain edges lead from one to the next of {_list(names)}")
    return chain


def refuse_members(graph: AnyGraph, builder: Builder, chain: Sequence[str]) -> None:
    """Refuse nodes of a chain that steer the graph, or at which it stops.

    Raises:
        UnsafeTopologyError: There is one.
    """
    for name in chain:
        spec: Any = builder.nodes[name]
        if name != chain[-1] and builder.branches.get(name):
            raise UnsafeTopologyError(f"a router after {name} decides what follows")
        if spec.ends:
            raise UnsafeTopologyError(f"{name} returns a Command that names the next node")
        if spec.defer:
            raise UnsafeTopologyError(f"{name} is deferred to the end of the run")
        if getattr(spec, "error_handler_node", None):
            raise UnsafeTopologyError(f"{name} has an error handler, which decides what follows")
        for breakpoints in (graph.interrupt_before_nodes, graph.interrupt_after_nodes):
            if breakpoints == "*" or name in breakpoints:
                raise UnsafeTopologyError(f"the graph is interrupted at {name}")
        parts = list(runnables_in([graph.nodes[name].bound]))
        if any(map(mentions_interrupt, functions_of(parts))):
            raise UnsafeTopologyError(f"{name} calls interrupt()")
        if any(map(mentions_goto, own_functions_of(parts))):
            raise UnsafeTopologyError(f"{name} may return a Command that names the next node")


def refuse_ways_in(builder: Builder, chain: Sequence[str]) -> None:
    """Refuse a chain that can be entered or left in its midst.

    Raises:
        UnsafeTopologyError: It can.
    """
    later = chain[1:]
    for before, name in zip(chain, later, strict=False):
        others = [a for a, b in builder.edges if b == name and a != before]
        others += [" and ".join(starts) for starts, end in builder.waiting_edges if end == name]
        if others:
            raise UnsafeTopologyError(f"{name} also follows {_list(others)}")
        ways_out = [b for a, b in builder.edges if a == before and b != name]
        ways_out += [end for starts, end in builder.waiting_edges if before in starts]
        if ways_out:
            raise UnsafeTopologyError(f"{before} also leads to {_list(ways_out)}")
    for source, branches in builder.branches.items():
        for branch in branches.values():
            hit = set(later).intersection((branch.ends or {}).values())
            if hit:
                raise UnsafeTopologyError(
                    f"a router after {source} may go straight to {_list(hit)}"
                )
    for name, spec in builder.nodes.items():
        targets = spec.ends.values() if isinstance(spec.ends, dict) else spec.ends or ()
        if {*chain}.intersection(targets):
            raise UnsafeTopologyError(f"a Command of {name} may go to one of {_list(chain)}")


def _start_together(builder: Builder, chain: Sequence[str]) -> None:
    first, *later = chain
    builder.edges -= set(zip(chain, later, strict=False))
    builder.edges |= {(a, name) for a, b in builder.edges if b == first for name in later}
    builder.waiting_edges |= {
        (starts, name) for starts, end in builder.waiting_edges if end == first for name in later
    }
    for branches in builder.branches.values():
        for label, branch in branches.items():
            if branch.ends is None or first in branch.ends.values():
                branches[label] = _leading_to_all(branch, first, later)


def _leading_to_all(branch: Any, first: str, later: Sequence[str]) -> Any:
    """A router that names all nodes where it named the first."""
    ends: dict[Any, str] | None = branch.ends
    labels = list(later) if ends is None else [f"lgprof to {name}" for name in later]

    def leads_to_first(result: Any) -> bool:
        if isinstance(result, Send):
            return False
        return (result if ends is None else ends.get(result)) == first

    def widened(result: Any) -> Any:
        results = list(result) if isinstance(result, list | tuple) else [result]
        if not any(map(leads_to_first, results)):
            return result
        return [*results, *labels]

    def wrap(function: Callable[..., Any], is_async: bool, _: str | None) -> Callable[..., Any]:
        @wraps(function)
        async def route_async(*args: Any, **kwargs: Any) -> Any:
            return widened(await function(*args, **kwargs))

        @wraps(function)
        def route(*args: Any, **kwargs: Any) -> Any:
            return widened(function(*args, **kwargs))

        return route_async if is_async else route

    all_ends = None if ends is None else {**ends, **dict(zip(labels, later, strict=True))}
    return branch._replace(path=wrap_bound(None, branch.path, wrap), ends=all_ends)


def _join(builder: Builder, chain: Sequence[str]) -> None:
    last = chain[-1]
    followers = [b for a, b in builder.edges if a == last]
    waiting = [(starts, end) for starts, end in builder.waiting_edges if last in starts]
    builder.edges -= {(last, follower) for follower in followers}
    builder.waiting_edges -= set(waiting)
    builder.edges |= {(name, END) for name in chain if END in followers}
    builder.waiting_edges |= {(tuple(chain), end) for end in followers if end != END}
    builder.waiting_edges |= {
        (tuple(dict.fromkeys([*starts, *chain])), end) for starts, end in waiting
    }
    if builder.branches.get(last):
        spec: Any = builder.nodes[last]
        join = f"{JOIN}_{last}"
        builder.add_node(join, _nothing, input_schema=spec.input_schema)
        builder.branches[join] = builder.branches.pop(last)
        builder.waiting_edges.add((tuple(chain), join))


def _nothing(state: Any) -> dict[str, Any]:
    return {}


def _list(names: Sequence[str] | set[str]) -> str:
    return ", ".join(sorted(names) if isinstance(names, set) else names)
