"""How the changes of a graph are marked in a picture of it: each node and edge that differs."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from lgprof.analysis.course_diff import Edges, joined_courses
from lgprof.analysis.diff import Compared
from lgprof.analysis.flame_diff import FlameDiff
from lgprof.analysis.transitions import Course
from lgprof.model import ProfileDiff, RowChanges
from lgprof.readable import duration
from lgprof.render.change_words import pair
from lgprof.render.flame_diff_text import diff_change, strength

Presence = Literal["added", "removed", "both"]
SIGNS: dict[Presence, str] = {"added": "+", "removed": "-", "both": ""}


class Mark(NamedTuple):
    """Of a node: what became of it."""

    presence: Presence
    steps: int
    """From -3 (much less time per request) to 3 (much more)."""
    frame: FlameDiff
    """Its time per request in both."""
    told: str
    """Both values: ``calls per request 1 → 2, 145 ms → 230 ms each``."""


class Marks(NamedTuple):
    """All that a picture of two graphs needs."""

    courses: dict[str, Course]
    nodes: dict[str, Mark]
    edges: Edges


def graph_marks(compared: Compared) -> Marks:
    """The graphs of both Profiles as one, with what differs."""
    joined, edges = joined_courses(compared.base, compared.new)
    return Marks(joined, _nodes(compared.diff), edges)


def _nodes(diff: ProfileDiff) -> dict[str, Mark]:
    latency = next((each for each in diff.graph if each.metric == "mean"), None)
    before, now = (latency.base or 0.0, latency.new or 0.0) if latency else (0.0, 0.0)
    whole = FlameDiff("all", "", before, now)
    structure = diff.structure
    marks: dict[str, Mark] = {}
    for name in structure.nodes_added:
        marks[name] = Mark("added", 0, FlameDiff("node", name, 0.0, 0.0), "")
    for name in structure.nodes_removed:
        marks[name] = Mark("removed", 0, FlameDiff("node", name, 0.0, 0.0), "")
    return marks | {row.name: _mark(row, whole) for row in diff.nodes}


def _mark(row: RowChanges, whole: FlameDiff) -> Mark:
    calls, each = row.of("calls.per_request"), row.of("mean")
    frame = FlameDiff("node", row.name, 0.0, 0.0)
    if calls and each:
        frame.base = (calls.base or 0) * (each.base or 0)
        frame.value = (calls.new or 0) * (each.new or 0)
    told = []
    if calls:
        told.append(f"calls per request {pair(calls, ' → ')}")
    if each:
        told.append(f"{pair(each, ' → ')} each")
    return Mark(row.presence, strength(frame, whole), frame, ", ".join(told))


def mark_text(mark: Mark, separator: str = " · ", *, ascii_only: bool = False) -> str:
    """What is said of a node beside its name: ``+59% · 230 ms``, ``gone · was 42 ms``."""
    frame = mark.frame
    if mark.presence == "removed":
        words = ["gone", f"was {duration(frame.base, ascii_only=ascii_only)}"]
    else:
        change = "new" if mark.presence == "added" else diff_change(frame, digits=0)
        words = [change, duration(frame.value, ascii_only=ascii_only)]
    is_known = frame.base > 0 or frame.value > 0
    return separator.join(words if is_known else words[:1])


def node_mark(mark: Mark) -> dict[str, Any]:
    """A mark for the picture's data."""
    return {
        "sign": SIGNS[mark.presence],
        "presence": mark.presence,
        "tone": mark.steps,
        "text": mark_text(mark),
        "told": mark.told,
    }
