"""Which rows a timeline has: repeated calls are collapsed, and the shortest left out, to fit."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from lgprof.analysis.call_tree import IO_KINDS, Call, call_key

_SMALL_IO = 0.02
"""State I/O below this share of the request is not worth a row."""
_DEEPEST = 12
_COLLAPSE_FROM = (20, 6, 3, 2)
_MANY = 2_000


@dataclass(slots=True)
class Row:
    """One call, or several of the same name below the same parent."""

    calls: list[Call]
    children: list[Row] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """In all its calls together."""
        return sum(call.seconds for call in self.calls)

    @property
    def start_s(self) -> float:
        """Of its first call, once it had its place."""
        return self.calls[0].span.start_s

    def failures(self) -> int:
        """Failed attempts and calls."""
        return sum(call.failures() for call in self.calls)


@dataclass(slots=True)
class Selection:
    """The rows of a timeline and what they do not show."""

    rows: list[Row]
    left_out: int = 0
    """Calls without a row of their own or a share in one."""
    left_out_s: float = 0.0
    collapsed: bool = False


def select_rows(calls: Sequence[Call], duration_s: float, most: int) -> Selection:
    """At most ``most`` rows (state I/O aside that takes hardly any time).

    Repeated calls are collapsed first, the most repeated ones before the others; then the shortest
    rows are left out.
    """
    steps = _COLLAPSE_FROM[-1:] if _exceeds(calls, _MANY) else (_MANY, *_COLLAPSE_FROM)
    selection = Selection([])
    for collapse_from in steps:
        selection = Selection([])
        selection.rows = _rows(calls, collapse_from, duration_s * _SMALL_IO, selection, 0)
        if _size(selection.rows) <= most:
            return selection
    _prune(selection, most)
    return selection


def _exceeds(calls: Sequence[Call], limit: int) -> bool:
    waiting, number = list(calls), 0
    while waiting and number <= limit:
        number += 1
        waiting.extend(waiting.pop().children)
    return number > limit


def _rows(
    calls: Sequence[Call], collapse_from: int, small_s: float, selection: Selection, depth: int
) -> list[Row]:
    groups: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        groups.setdefault(call_key(call), []).append(call)
    rows: list[Row] = []
    for (kind, _), members in groups.items():
        together = len(members) >= (2 if kind in IO_KINDS else collapse_from)
        if kind in IO_KINDS and sum(call.seconds for call in members) < small_s:
            selection.left_out += len(members)
            selection.left_out_s += sum(call.seconds for call in members)
        elif together:
            members.sort(key=lambda call: call.span.start_s)
            rows.append(Row(members))
            selection.collapsed = True
        else:
            rows += [Row([call]) for call in members]
    rows.sort(key=lambda row: row.start_s)
    if depth < _DEEPEST:
        for row in rows:
            below = [child for call in row.calls for child in call.children]
            row.children = _rows(below, collapse_from, small_s, selection, depth + 1)
    return rows


def _size(rows: Sequence[Row]) -> int:
    return sum(1 + _size(row.children) for row in rows)


def _prune(selection: Selection, most: int) -> None:
    """Keep the longest rows; a row goes before the rows below it."""
    order = 0
    queue: list[tuple[float, int, Row]] = []

    def push(rows: Sequence[Row]) -> None:
        nonlocal order
        for row in rows:
            heapq.heappush(queue, (-row.seconds, order, row))
            order += 1

    kept: set[int] = set()
    push(selection.rows)
    while queue and len(kept) < most:
        row = heapq.heappop(queue)[2]
        kept.add(id(row))
        push(row.children)
    selection.rows = _kept(selection.rows, kept, selection)


def _kept(rows: Sequence[Row], kept: set[int], selection: Selection) -> list[Row]:
    staying = []
    for row in rows:
        if id(row) in kept:
            row.children = _kept(row.children, kept, selection)
            staying.append(row)
        else:
            selection.left_out += _calls(row)
            selection.left_out_s += row.seconds
    return staying


def _calls(row: Row) -> int:
    return len(row.calls) + sum(_calls(child) for child in row.children)
