"""Changes between two Profiles in words, for every renderer of a diff."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof import readable
from lgprof.model import Change, ProfileDiff, Side
from lgprof.render.quantity import quantity

_MORE_IS_BETTER = {"throughput_rps"}
_SMALL_SHARE = 0.005

SCATTER = (
    "Intervals are of the scatter between these requests. They know nothing of what differs "
    "between processes, hours and machines: lgprof gate --against runs both versions side by side."
)


def is_worse(change: Change) -> bool:
    """Whether more of it is what nobody wants, and there is more."""
    before, after = change.base or 0.0, change.new or 0.0
    return after < before if change.metric in _MORE_IS_BETTER else after > before


def is_small(diff: ProfileDiff, change: Change) -> bool:
    """Whether a part of the latency moved by less than half a per cent of it."""
    latency = next((each.base for each in diff.graph if each.metric == "mean"), None)
    moved = abs((change.new or 0.0) - (change.base or 0.0))
    return moved <= _SMALL_SHARE * (latency or 0.0)


def pair(change: Change, arrow: str, *, ascii_only: bool = False) -> str:
    """Both values, ``1.2 s -> 1.4 s``; one where they read alike."""
    base = quantity(change.base, change.unit, ascii_only=ascii_only)
    new = quantity(change.new, change.unit, ascii_only=ascii_only)
    if change.base is None or change.new is None:
        return new if change.base is None else base
    return new if base == new else f"{base}{arrow}{new}"


def side_words(side: Side) -> list[str]:
    """What a Profile is of: target, kind, requests, moment, commit."""
    words = [side.spec, f"{side.kind} of {readable.plural(side.requests, 'request')}"]
    words.append(side.created.replace("T", " ")[:16])
    if side.git_commit:
        words.append(side.git_commit[:9] + (" with changes" if side.git_dirty else ""))
    return words


def structure_lines(diff: ProfileDiff, arrow: str) -> Iterator[tuple[str, str]]:
    """Each change of the structure, with its sign: added, removed, runs more or less often."""
    structure = diff.structure
    yield from (("+", f"node {node}") for node in structure.nodes_added)
    yield from (("-", f"node {node}") for node in structure.nodes_removed)
    yield from (("+", f"edge {edge.replace('->', arrow)}") for edge in structure.edges_added)
    yield from (("-", f"edge {edge.replace('->', arrow)}") for edge in structure.edges_removed)
    for row in structure.calls:
        calls = row.of("calls.per_request")
        if calls is not None:
            yield "~", f"{row.name} runs {pair(calls, f' {arrow} ')} times per request"
