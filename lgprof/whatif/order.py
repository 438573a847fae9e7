"""Whose writes a node would see, or no longer see, if some nodes started together.

Nodes that move to an earlier superstep, and all that follows them, change places with what runs in
other branches at that time: there an overlap of reads and writes matters too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

from lgprof.analysis.tree import SpanTree
from lgprof.model import GraphShape, NodeRow, Profile, Span
from lgprof.whatif.levels import levels_side_by_side


class _Place(NamedTuple):
    path: str
    before: int
    """Superstep in which it ran."""
    after: int
    """The one in which it would."""


def order_changes(
    nodes: Sequence[str], profile: Profile, trees: Iterable[SpanTree]
) -> Iterator[str]:
    """Say what would be read or written in another order, but for the nodes among themselves.

    Args:
        nodes: Paths of nodes of one graph that would start together.
        profile: What nodes read and write.
        trees: The spans of its requests.
    """
    outer, _ = profile.target.owner_of(nodes[0])
    shape = profile.target.graphs.get(outer) or GraphShape()
    rows = {row.path: row for row in profile.nodes}
    found: dict[str, None] = {}
    for steps in _courses(outer, trees):
        levels = levels_side_by_side(steps, frozenset(nodes), shape)
        if levels is not None:
            places = {
                _Place(span.path, before, levels[span.id])
                for before, step in enumerate(steps)
                for span in step
            }
            found |= dict.fromkeys(_conflicts(sorted(places), nodes, rows, shape))
    yield from found


def _courses(outer: str, trees: Iterable[SpanTree]) -> Iterator[list[list[Span]]]:
    """The different courses that a graph took, of those in which branches ran side by side."""
    seen: set[tuple[tuple[str, ...], ...]] = set()
    for tree in trees:
        for spans in list(tree.children.values()):
            for graph in spans:
                if graph.kind != "graph" or graph.path != outer:
                    continue
                steps = tree.supersteps(graph)
                order = tuple(tuple(sorted({s.path for s in step})) for step in steps)
                if order not in seen and any(len(paths) > 1 for paths in order):
                    seen.add(order)
                    yield steps


def _conflicts(
    places: Sequence[_Place],
    nodes: Sequence[str],
    rows: Mapping[str, NodeRow],
    shape: GraphShape,
) -> Iterator[str]:
    for one, other in permutations(places, 2):
        if one.path == other.path or (one.path in nodes and other.path in nodes):
            continue
        was_first, is_first = one.before < other.before, one.after < other.after
        writes = set(rows[one.path].writes or ()) if one.path in rows else set()
        if was_first != is_first and (read := writes & _read(other.path, writes, rows, shape)):
            when = "no longer" if was_first else "then"
            yield f"{other.path} reads {_list(read)} of {one.path}, and would {when} run after it"
        if one.path < other.path and _order(one.before, other.before) != _order(
            one.after, other.after
        ):
            both = writes & set(rows[other.path].writes or ()) if other.path in rows else set()
            if both:
                yield (
                    f"{one.path} and {other.path} both write {_list(both)}: their order would "
                    "change"
                )


def _order(one: int, other: int) -> int:
    return (one > other) - (one < other)


def _read(path: str, writes: set[str], rows: Mapping[str, NodeRow], shape: GraphShape) -> set[str]:
    """What a node, or the router after it, may read; all that is written where it is not known."""
    reads = rows[path].reads if path in rows else None
    is_routed = any(path == name or path.endswith(f"/{name}") for name in shape.branches)
    return set(reads) if isinstance(reads, list) and not is_routed else writes


def _list(keys: set[str]) -> str:
    return ", ".join(sorted(keys))
