"""What lies on a request's critical path."""

from __future__ import annotations

from lgprof.analysis.attribution import attribute
from lgprof.model import Request


def critical_spans(request: Request) -> set[int]:
    """Ids of the spans that the critical path runs through, and of all their ancestors.

    A node that merely held the loop for a moment while the path was elsewhere is not on it.
    """
    parents = {span.id: span.parent for span in request.spans}
    critical: set[int] = set()
    for tile in attribute(request):
        span = None if tile.category == "loop_wait" else tile.span
        while span is not None and span not in critical:
            critical.add(span)
            span = parents.get(span)
    return critical


def critical_seconds(request: Request) -> dict[str, float]:
    """Seconds of the critical path in each node, by path; what is outside any node left out."""
    seconds: dict[str, float] = {}
    for tile in attribute(request):
        if tile.path:
            seconds[tile.path] = seconds.get(tile.path, 0.0) + tile.end_s - tile.start_s
    return seconds
