"""Each request of a run by its start: a dot for each, thinned where there are very many."""

from __future__ import annotations

from typing import Any

from lgprof.model import Profile
from lgprof.render.html.encoding import number

_MOST = 4_000


def requests(profile: Profile) -> dict[str, Any] | None:
    """Columns of index, start, latency and outcome; None for a load test, which has intervals.

    Of very many, the failed and the slowest of each stretch stay.
    """
    if profile.load is not None or not profile.requests:
        return None
    ordered = sorted(profile.requests, key=lambda request: request.start_s)
    start_s = ordered[0].start_s
    each = -(-len(ordered) // _MOST)
    kept = [
        max(
            ordered[at : at + each],
            key=lambda request: (request.outcome != "ok", request.latency_s),
        )
        for at in range(0, len(ordered), each)
    ]
    return {
        "index": [request.index for request in kept],
        "start": [number(request.start_s - start_s) for request in kept],
        "latency": [number(request.latency_s) for request in kept],
        "failed": [int(request.outcome in ("failed", "timed_out")) for request in kept],
        "each": each,
    }
