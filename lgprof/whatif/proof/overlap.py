"""Reads and writes, as they were recorded, that forbid to run nodes side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from lgprof.analysis.tree import SpanTree
from lgprof.model import NodeRow, Profile
from lgprof.whatif.changes import Change, Parallel, RemoveBarrier
from lgprof.whatif.order import order_changes


def overlap(profile: Profile, changes: Sequence[Change]) -> tuple[str, ...]:
    """What a node reads or writes that another one, to run beside it or before it, writes."""
    rows = {row.path: row for row in profile.nodes}
    trees = [SpanTree(request.spans) for request in profile.requests]
    found: list[str] = []
    for change in changes:
        if isinstance(change, Parallel):
            for first, second in permutations(change.nodes, 2):
                if first in rows and second in rows:
                    found += _overlap(rows[first], rows[second])
            found += order_changes(change.nodes, profile, trees)
        elif isinstance(change, RemoveBarrier):
            found += order_changes((change.before, change.after), profile, trees)
    return tuple(dict.fromkeys(found))


def _overlap(writer: NodeRow, other: NodeRow) -> Iterator[str]:
    writes = set(writer.writes or ())
    if other.reads == "all" and writes:
        yield f"{other.path} reads the whole state, and {writer.path} writes {_list(writes)}"
    elif other.reads is not None and (read := writes & set(other.reads)):
        yield f"{other.path} reads {_list(read)}, which {writer.path} writes"
    if both := writes & set(other.writes or ()):
        first, second = sorted((writer.path, other.path))
        yield f"{first} and {second} both write {_list(both)}"


def _list(keys: set[str]) -> str:
    return ", ".join(sorted(keys))
