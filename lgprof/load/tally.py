"""What a worker counts: the fate of every arrival, and a histogram for every kind of duration."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from lgprof.analysis.attribution import BAD
from lgprof.analysis.fold import Call, Folded
from lgprof.histogram import Histogram
from lgprof.llm.usage import is_cache_hit
from lgprof.model import Tokens
from lgprof.record.event_log import ModelEvent

Key = tuple[str, ...]
"""``("graph",)``, ``("service",)``, ``("lag",)``, ``("loop_lag",)``, ``("failed",)``,
``("cost",)``, ``("bill",)``,
``("node", path)``, ``("model", node, name)``, ``("embedding", node, name)``,
``("first_token", node, name)``, ``("inter_token", node, name)``,
``("tool", node, name)``, ``("retriever", node, name)`` or ``("error", type, node)``."""

_SEPARATOR = "\x1f"

PUSD = 10**12
"""Costs are summed in whole millionths of a millionth of a USD, which add up without loss."""

COST_STEP_PUSD = 10
"""Of the histogram of costs: so many millionths of a millionth of a USD stand for a nanosecond."""


class BilledCall(NamedTuple):
    """A model call and what it cost."""

    call: Call
    tokens: Tokens | None
    """Reported or counted."""
    cost_pusd: int | None
    """In millionths of a millionth of a USD; None where it is not known."""

    @property
    def is_unpriced(self) -> bool:
        """Whether it may have cost more than nothing, and nobody knows what."""
        is_refusal = self.call.outcome == "failed" and self.tokens is None
        return self.cost_pusd is None and not is_refusal


class Bill(NamedTuple):
    """What a request cost."""

    calls: Sequence[BilledCall]
    is_lost: bool
    """The request failed or timed out."""
    overflowed: bool = False
    """There was no time to work it out."""

    @property
    def cost_pusd(self) -> int:
        """Of all calls whose cost is known."""
        return sum(call.cost_pusd or 0 for call in self.calls)

    @property
    def cost_usd(self) -> float | None:
        """The same in USD; None where the cost of no call is known."""
        known = [call.cost_pusd for call in self.calls if call.cost_pusd is not None]
        return sum(known) / PUSD if known else None

    @property
    def unpriced(self) -> int:
        """How many calls are missing in it."""
        return sum(call.is_unpriced for call in self.calls)


class Balance(msgspec.Struct):
    """What became of the arrivals so far."""

    offered: int = 0
    started: int = 0
    completed: int = 0
    failed: int = 0
    timed_out: int = 0
    cancelled: int = 0
    dropped: int = 0
    unsent: int = 0

    @property
    def running(self) -> int:
        """Started and not over."""
        return self.started - self.completed - self.failed - self.timed_out - self.cancelled

    @property
    def queued(self) -> int:
        """Offered, and neither started nor given up."""
        return self.offered - self.started - self.dropped - self.unsent

    def plus(self, other: Balance) -> Balance:
        """The sum, field by field."""
        return Balance(
            *(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__)
        )


class Counted(msgspec.Struct):
    """What was counted since the last time: sums of several add up, in any order."""

    histograms: dict[str, list[Any]] = {}
    counts: dict[str, dict[str, int]] = {}


class Tally:
    """Counts from several threads."""

    def __init__(self) -> None:
        self.balance = Balance()
        self.lock = threading.Lock()
        self._histograms: dict[Key, Histogram] = defaultdict(Histogram)
        self._counts: dict[Key, dict[str, int]] = {}

    def record(self, key: Key, value_ns: int) -> None:
        """Count one duration."""
        with self.lock:
            self._histograms[key].record(value_ns)

    def record_request(self, latency_ns: int, service_ns: int, lag_ns: int, outcome: str) -> None:
        """Count a request that is over; ``outcome`` is a field of `Balance`."""
        with self.lock:
            setattr(self.balance, outcome, getattr(self.balance, outcome) + 1)
            histograms = self._histograms
            histograms["lag",].record(lag_ns)
            if outcome in ("completed", "timed_out"):
                histograms["graph",].record(latency_ns)
                histograms["service",].record(service_ns)
            elif outcome == "failed":
                histograms["failed",].record(latency_ns)

    def count_error(self, error_type: str, node: str | None) -> None:
        """Count an error that ended a request."""
        with self.lock:
            self._count(("error", error_type, node or ""), "count", 1)

    def record_calls(self, folded: Folded) -> None:
        """Count the calls of a request."""
        visits: dict[str, int] = {}
        with self.lock:
            for node in folded.nodes:
                key = "node", node.path
                visits[node.path] = visits.get(node.path, 0) + 1
                self._histograms[key].record(node.end_ns - node.start_ns)
                if node.attempts > 1:
                    self._count(key, "retries", node.attempts - 1)
                if node.outcome != "ok":
                    self._count(key, "errors", node.outcome in BAD)
                    self._count(key, "timeouts", node.outcome == "timed_out")
            if len(visits) < len(folded.nodes):
                self._count_visits(visits)
            for call in folded.calls:
                self._record_call(call)

    def _count(self, key: Key, name: str, number: int) -> None:
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = {}
        counts[name] = counts.get(name, 0) + number

    def _count_visits(self, visits: dict[str, int]) -> None:
        for path, number in visits.items():
            counts = self._counts.setdefault(("node", path), {})
            counts["most_visits"] = max(counts.get("most_visits", 1), number)

    def _record_call(self, call: Call) -> None:
        key = call.kind, call.node, call.name
        self._histograms[key].record(call.end_ns - call.start_ns)
        if call.event is not None:
            self._record_wire(key, call.event)
        if call.outcome in BAD:
            self._count(key, "errors", 1)
        tokens, event = call.tokens, call.event
        if tokens is not None:
            for name in ("input", "output", "cache_read", "cache_write", "reasoning"):
                value = getattr(tokens, name)
                if value is not None:
                    self._count(key, name, value)
        if event is not None and event.first_token_ns is not None:
            first_ns = event.first_token_ns - call.start_ns
            self._histograms["first_token", call.node, call.name].record(first_ns)
            if tokens is not None and tokens.output:
                self._count(key, "streamed_tokens", tokens.output)
                self._count(key, "streaming_us", (call.end_ns - event.first_token_ns) // 1000)

    def _record_wire(self, key: Key, event: ModelEvent) -> None:
        """What was seen of a model call on the wire."""
        if event.attempts:
            self._count(key, "seen", 1)
            self._count(key, "retries", event.attempts - 1)
        if event.gaps_ns:
            gaps = self._histograms["inter_token", key[1], key[2]]
            for gap_ns in event.gaps_ns:
                gaps.record(gap_ns)

    def record_bill(self, bill: Bill) -> None:
        """Count what a request cost."""
        with self.lock:
            self._histograms["cost",].record(bill.cost_pusd // COST_STEP_PUSD)
            for call in bill.calls:
                self._record_billed(call)
            if bill.is_lost:
                self._count(("bill",), "lost_pusd", bill.cost_pusd)
            if bill.overflowed:
                self._count(("bill",), "overflowed", len(bill.calls))

    def _record_billed(self, billed: BilledCall) -> None:
        call, tokens, cost_pusd = billed
        key = call.kind, call.node, call.name
        if cost_pusd is None:
            self._count(key, "unpriced", billed.is_unpriced)
        else:
            self._count(key, "priced", 1)
            self._count(key, "cost_pusd", cost_pusd)
            if call.in_failed_attempt:
                self._count(("bill",), "retried_pusd", cost_pusd)
        if call.event is not None and is_cache_hit(call.event.usage):
            self._count(key, "llm_cache_hits", 1)
            return
        if call.outcome == "ok" and call.tokens is None:
            self._count(key, "silent", 1)
            self._count(key, "unknown", tokens is None)
            self._count(key, "streamed", call.event is not None and call.event.chunks > 0)
        if tokens is not None and tokens.estimated_share:
            self._count(key, "input", tokens.input or 0)
            self._count(key, "output", tokens.output or 0)
            self._count(key, "estimated", (tokens.input or 0) + (tokens.output or 0))

    def take(self) -> tuple[Balance, Counted]:
        """The balance, and what was counted since this was called last."""
        with self.lock:
            balance = msgspec.structs.replace(self.balance)
            histograms, self._histograms = self._histograms, defaultdict(Histogram)
            counts, self._counts = self._counts, {}
        return balance, Counted(
            histograms={_SEPARATOR.join(key): found.pack() for key, found in histograms.items()},
            counts={_SEPARATOR.join(key): found for key, found in counts.items()},
        )


class Total:
    """The sum of what several workers counted."""

    def __init__(self) -> None:
        self.histograms: dict[Key, Histogram] = defaultdict(Histogram)
        self.counts: dict[Key, dict[str, int]] = {}

    def add(self, counted: Counted) -> None:
        """Merge what one worker counted, without loss."""
        for name, packed in counted.histograms.items():
            self.histograms[tuple(name.split(_SEPARATOR))].add(Histogram.unpack(packed))
        for name, counts in counted.counts.items():
            self._add_counts(tuple(name.split(_SEPARATOR)), counts)

    def merge(self, other: Total) -> None:
        """Merge another sum into this one."""
        for key, histogram in other.histograms.items():
            self.histograms[key].add(histogram)
        for key, counts in other.counts.items():
            self._add_counts(key, counts)

    def _add_counts(self, key: Key, counts: dict[str, int]) -> None:
        sums = self.counts.setdefault(key, {})
        for name, count in counts.items():
            known = sums.get(name, 0)
            sums[name] = max(known, count) if name == "most_visits" else known + count

    @property
    def over_range(self) -> int:
        """Durations above 1 h, which count as 1 h."""
        found = self.histograms.items()
        return sum(histogram.over_range for key, histogram in found if key != ("cost",))

    def histogram(self, *key: str) -> Histogram:
        """One histogram; an empty one where nothing was recorded under the key."""
        return self.histograms.get(key) or Histogram()

    def keys(self, kind: str) -> list[Key]:
        """Keys of one kind that something was counted under."""
        return [key for key in {**self.histograms, **self.counts} if key[0] == kind]
