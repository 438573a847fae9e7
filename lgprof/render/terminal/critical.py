"""Which spans lie on a request's critical path."""

from __future__ import annotations

from lgprof.model import Request


def critical_spans(request: Request) -> set[int]:
    """Ids of the spans that the critical path runs through, and of all their ancestors."""
    from lgprof.analysis.attribution import attribute

    parents = {span.id: span.parent for span in request.spans}
    critical: set[int] = set()
    for tile in attribute(request):
        span = tile.span
        while span is not None and span not in critical:
            critical.add(span)
            span = parents.get(span)
    return critical
