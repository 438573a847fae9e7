"""Requests that ran at once: what one of them waits for may be another one's doing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate

from lgprof.model import Request
from lgprof.whatif.lengths import schedule_s
from lgprof.whatif.pieces import Schedule

CAVEAT = (
    "the requests ran at once: what they wait for of each other, such as locks and connections, "
    "is taken to stay as it was"
)
_NOTICED_FROM = 0.03
"""Of the latency: below, what the requests take of each other is lost in the simulation's error."""
_PLAYED = 50
"""Requests that are played through to tell."""


class Company:
    """What the requests of a Profile had to do with each other.

    Args:
        requests: In order of arrival; at least one.
        schedules: One for each.
    """

    def __init__(self, requests: Sequence[Request], schedules: Sequence[Schedule]) -> None:
        over_s = accumulate((request.end_s for request in requests), max)
        begun_s = (request.start_s for request in requests[1:])
        self.at_once = any(start_s < end_s for start_s, end_s in zip(begun_s, over_s, strict=False))
        """Whether one began before another had ended."""
        every = math.ceil(len(requests) / _PLAYED)
        self._requests = requests[::every]
        self._schedules = schedules[::every]

    @cached_property
    def doubt(self) -> str | None:
        """Why no prediction can be relied on before it was measured; None where it can.

        Alone, the requests would have taken less time than they took.
        """
        if not self.at_once:
            return None
        took_s = math.fsum(request.latency_s for request in self._requests)
        waited = 1 - math.fsum(map(schedule_s, self._schedules)) / took_s if took_s > 0 else 0.0
        if waited < _NOTICED_FROM:
            return None
        return (
            f"the requests ran at once and kept each other waiting for {waited:.0%} of their time: "
            "what a change does to that is not predicted"
        )
