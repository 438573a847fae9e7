"""Times a change where its gain shows: with several requests at once.

What blocks the event loop, or waits for a thread of its executor, keeps other requests waiting. One
request at a time gains little or nothing from a node that blocks no longer, or from a larger pool.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from lgprof.stats import mean
from lgprof.whatif import changes as ch
from lgprof.whatif.proof.application import Applied
from lgprof.whatif.proof.evidence import Crowded, timed
from lgprof.whatif.proof.stage import SEED, Outcome, Stage

AT_ONCE = 4
"""Requests, where the Profile was made with one at a time."""


class Crowd:
    """Copies that serve several requests at once: the original twice, and a changed one.

    Args:
        stage: Where they run.
        original: The original.
        changed: The changed copy.
        at_once: How many requests start together.
    """

    def __init__(self, stage: Stage, original: Applied, changed: Applied, at_once: int) -> None:
        self._stage = stage
        self._at_once = at_once
        self._base, self._control, self._changed = self._arms = [
            stage.arm(name, applied, at_once=at_once)
            for name, applied in (
                ("original, crowded", original),
                ("original again, crowded", original),
                ("changed, crowded", changed),
            )
        ]

    def run(self, requests: int) -> Iterator[None]:
        """Serve so many requests with each copy, in turns; yields after each request."""
        draw = random.Random(SEED)
        for together in blocks(requests, self._at_once):
            draw.shuffle(self._arms)
            for arm in self._arms:
                self._stage.run_together(arm, together)
                yield from (None for _ in together)

    def outcome(self, requests: int) -> Crowded | None:
        """What it showed; None where nothing could be timed."""
        base, control, changed = (
            [_mean(arm.outcomes, together) for together in blocks(requests, self._at_once)]
            for arm in (self._base, self._control, self._changed)
        )
        timing = timed(*(dict(enumerate(means)) for means in (base, control, changed)))
        return None if timing is None else Crowded(self._at_once, timing)


def needs_crowd(changes: Sequence[ch.Change], mode: str) -> bool:
    """Whether other requests gain by the changes: those on the same event loop."""
    return mode == "async" and any(isinstance(one, ch.Unblock | ch.PoolSize) for one in changes)


def blocks(requests: int, at_once: int) -> list[range]:
    """Indices of the requests that start together; what is left over starts with the last."""
    starts = range(0, max(requests - at_once, 0) + 1, at_once)
    ends = [*starts[1:], requests]
    return [range(start, end) for start, end in zip(starts, ends, strict=True)]


def _mean(outcomes: Mapping[int, Outcome], together: range) -> Outcome:
    ended = [outcomes[index] for index in together]
    latency_s = mean([outcome.latency_s for outcome in ended])
    return Outcome(latency_s, all(outcome.ok for outcome in ended), None, None)
