"""Keeps the spans of a few requests, so that memory does not grow with their number."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable

import msgspec

from lgprof.analysis.spans import RequestLog, SpanBuilder
from lgprof.model import Request
from lgprof.record.digest import Digester
from lgprof.record.event_log import Recording
from lgprof.record.routing import RequestEvents

SLOWEST_SHARE = 0.25
"""Of ``keep``: so many of the slowest are kept besides, and so many of the failed."""

_64_BITS = 2**64 - 1


class Finished(msgspec.Struct):
    """A request that is over, with what was recorded of it."""

    log: RequestLog
    events: RequestEvents
    intended_ns: int
    latency_ns: int
    sampled: bool


def exact_sample(count: int, keep: int, seed: int) -> Callable[[int], bool]:
    """Whether an arrival belongs to a uniform sample of ``keep`` among ``count`` of them."""
    draw = random.Random(f"sample:{seed}")
    chosen = frozenset(draw.sample(range(count), min(keep, count)))
    return chosen.__contains__


def expected_sample(share: float, seed: int) -> Callable[[int], bool]:
    """Whether an arrival belongs to a uniform sample of about this share of all.

    A hash of the number decides (the finalizer of SplitMix64, Steele, Lea and Flood 2014): making a
    generator for each request would cost more than all else that is done to admit it.
    """
    salt, limit = random.Random(f"sample:{seed}").getrandbits(64), int(share * 2**64)

    def is_sampled(number: int) -> bool:
        mixed = (number * 0x9E3779B97F4A7C15 + salt) & _64_BITS
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _64_BITS
        return mixed ^ (mixed >> 31) < limit

    return is_sampled


class Keeper:
    """Chooses among the requests that end: the uniform sample, the slowest, the failed.

    Args:
        keep: Size of the uniform sample that the other two are measured by.
        digester: Hashes what sampled requests read and wrote.
        seed: Of the choice among failed requests.
    """

    def __init__(self, keep: int, digester: Digester, seed: int = 0) -> None:
        self._extra = max(1, round(keep * SLOWEST_SHARE))
        self._digester = digester
        self._draw = random.Random(f"failed:{seed}")
        self._sampled: list[Finished] = []
        self._slowest: list[tuple[int, int, Finished]] = []
        self._failed: list[Finished] = []
        self._failed_seen = 0

    def offer(self, finished: Finished) -> None:
        """A request ended: keep it, or forget it."""
        if finished.sampled:
            self._keep_hashed(finished)
            return
        for event in finished.events.models.values():
            event.prompt = event.tools = event.answer = None
        if finished.log.outcome in ("failed", "timed_out"):
            self._offer_failed(finished)
        entry = finished.latency_ns, finished.log.index, finished
        if len(self._slowest) < self._extra:
            heapq.heappush(self._slowest, entry)
        elif entry > self._slowest[0]:
            heapq.heapreplace(self._slowest, entry)

    def _keep_hashed(self, finished: Finished) -> None:
        """Values and prompts are hashed at once: no content outlives its request."""
        events = finished.events
        events.digests = self._digester.node_digests(events.node_data)
        events.node_data = ()
        self._digester.let_go(events.models.values())
        self._sampled.append(finished)

    def _offer_failed(self, finished: Finished) -> None:
        """Each failed request has the same chance (reservoir sampling, Vitter's algorithm R)."""
        self._failed_seen += 1
        if len(self._failed) < self._extra:
            self._failed.append(finished)
            return
        place = self._draw.randrange(self._failed_seen)
        if place < self._extra:
            self._failed[place] = finished

    def requests(self, origin_ns: int, *, in_loop: bool) -> list[Request]:
        """All that were kept, with their spans, in order of their number.

        Args:
            origin_ns: The instant that becomes 0 s.
            in_loop: Whether the graphs ran on an event loop.
        """
        chosen = [*self._sampled, *self._failed, *(entry[2] for entry in self._slowest)]
        return list(_built({found.log.index: found for found in chosen}, origin_ns, in_loop))


def _built(chosen: dict[int, Finished], origin_ns: int, in_loop: bool) -> Iterable[Request]:
    last_id = 0
    for _, finished in sorted(chosen.items()):
        recording = Recording()
        finished.events.into(recording)
        builder = SpanBuilder(recording, origin_ns, in_loop=in_loop, last_id=last_id)
        [request] = builder.requests([finished.log])
        last_id = builder.last_id
        request.intended_s = (finished.intended_ns - origin_ns) / 1e9
        request.sampled = finished.sampled
        yield request
