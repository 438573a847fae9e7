"""The master's book: merges what the workers report, by interval and in all. Free of any I/O."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from lgprof.histogram import Histogram, merged
from lgprof.load.messages import Batch
from lgprof.load.tally import Balance, Counted, Total

MOST_INTERVALS = 300
"""More than this many, and neighbours are merged: memory does not grow with the duration."""
REPORT_S = 1.0
"""How often workers report."""
RECENT_S = 5.0
ABORT_WINDOW_S = 10.0

_ENDED = ("completed", "failed", "timed_out")


@dataclass(slots=True)
class WorkerBook:
    """What one worker has reported."""

    worker: str
    host: str = ""
    last: Batch | None = None
    """The latest in the worker's own order."""
    missing: set[int] = field(default_factory=set)
    """Batches before it that have not come yet."""
    balance: Balance = field(default_factory=Balance)
    peak_rss_bytes: int = 0
    cpu_before_s: float = 0.0
    """CPU time of the warm-up."""
    peak_t_s: float = 0.0
    """The latest time that it has reported of."""
    lost: bool = False

    @property
    def cpu_s(self) -> float:
        """CPU time since the first measured arrival was due."""
        return self.last.cpu_s - self.cpu_before_s if self.last else 0.0


@dataclass(slots=True)
class Interval:
    """What all workers reported in one stretch of the test."""

    number: int
    total: Total = field(default_factory=Total)
    change: Balance = field(default_factory=Balance)
    cpu_s: float = 0.0
    covered_s: dict[str, float] = field(default_factory=dict)
    """By worker: how long its reports in here reach back."""
    executor_queued: int = 0
    rss_bytes: int = 0
    in_flight: int = 0
    queued: int = 0

    @property
    def duration_s(self) -> float:
        """How long it really was: a report may come late."""
        return max(self.covered_s.values(), default=0.0)


@dataclass(slots=True)
class _Recent:
    """A report of the last seconds."""

    worker: str
    t_s: float
    change: Balance
    counted: Counted
    cpu_s: float
    since_s: float
    """How far it reaches back; not into the warm-up."""


class Book:
    """Merges batches, each once, whatever order they come in."""

    def __init__(self) -> None:
        self.workers: dict[str, WorkerBook] = {}
        self.total = Total()
        self.intervals: dict[int, Interval] = {}
        self.interval_s = 1.0
        self._recent: deque[_Recent] = deque()
        self._lost_balance = Balance()
        self.unsent_by_loss = 0
        """Arrivals that were not sent because a worker was lost."""

    def worker(self, name: str, host: str = "") -> WorkerBook:
        """The book of one worker, opened if need be."""
        book = self.workers.get(name)
        if book is None:
            book = self.workers[name] = WorkerBook(name, host)
        return book

    @property
    def balance(self) -> Balance:
        """What became of all arrivals so far."""
        total = self._lost_balance
        for book in self.workers.values():
            total = total.plus(book.balance)
        return total

    def add(self, name: str, batch: Batch) -> None:
        """Merge a batch; one that came before, or of a worker that counts as lost, is left out."""
        book = self.worker(name)
        last_seq = book.last.seq if book.last else 0
        if book.lost or (batch.seq <= last_seq and batch.seq not in book.missing):
            return
        book.peak_rss_bytes = max(book.peak_rss_bytes, batch.rss_bytes)
        change, cpu_s, since_s = Balance(), 0.0, 0.0
        if batch.seq > last_seq:
            change = _difference(batch.balance, book.balance)
            cpu_s = batch.cpu_s - (book.last.cpu_s if book.last else 0.0)
            since_s = batch.t_s - book.last.t_s if book.last else max(batch.t_s, 0.0)
            book.last, book.balance = batch, batch.balance
            book.missing.update(range(last_seq + 1, batch.seq))
        book.missing.discard(batch.seq)
        self.total.add(batch.counted)
        if batch.t_s < REPORT_S / 2 and book.peak_t_s <= 0:
            book.cpu_before_s = batch.cpu_s
            cpu_s = 0.0
            if change == Balance():
                since_s = 0.0
        book.peak_t_s = max(book.peak_t_s, batch.t_s)
        since_s = min(since_s, max(batch.t_s, 0.0))
        self._add_interval(name, batch, change, cpu_s, since_s)
        self._recent.append(_Recent(name, batch.t_s, change, batch.counted, cpu_s, since_s))
        while self._recent and self._recent[0].t_s < batch.t_s - ABORT_WINDOW_S:
            self._recent.popleft()

    def lose(self, name: str, unreported: int) -> None:
        """A worker is lost: what it had delivered counts.

        Args:
            name: The worker.
            unreported: Arrivals of its share that were due after its last batch and before others
                took over; they and what it had queued are unsent, what it was running cancelled.
        """
        book = self.worker(name)
        book.lost = True
        balance = book.balance
        queued, running = balance.queued, balance.running
        self.unsent_by_loss += unreported + queued
        self._lost_balance = self._lost_balance.plus(
            Balance(offered=unreported, unsent=unreported + queued, cancelled=running)
        )

    def _add_interval(
        self, name: str, batch: Batch, change: Balance, cpu_s: float, since_s: float
    ) -> None:
        """A report belongs to the interval that it mostly lies in."""
        if batch.t_s <= 0 and change == Balance():
            return
        number = max(0, int((batch.t_s - REPORT_S / 2) // self.interval_s))
        interval = self.intervals.get(number)
        if interval is None:
            interval = self.intervals[number] = Interval(number)
        interval.covered_s[name] = interval.covered_s.get(name, 0.0) + since_s
        interval.total.add(batch.counted)
        interval.change = interval.change.plus(change)
        interval.cpu_s += cpu_s
        latest = [book.last for book in self.workers.values() if book.last and not book.lost]
        interval.rss_bytes = sum(found.rss_bytes for found in latest)
        interval.in_flight = sum(found.in_flight for found in latest)
        interval.queued = sum(found.queued for found in latest)
        interval.executor_queued = sum(found.executor_queued for found in latest)
        if len(self.intervals) > MOST_INTERVALS:
            self._halve()

    def _halve(self) -> None:
        self.interval_s *= 2
        pairs, self.intervals = sorted(self.intervals.items()), {}
        for number, interval in pairs:
            into = self.intervals.setdefault(number // 2, Interval(number // 2))
            into.total.merge(interval.total)
            into.change = into.change.plus(interval.change)
            into.cpu_s += interval.cpu_s
            into.rss_bytes, into.in_flight = interval.rss_bytes, interval.in_flight
            into.queued, into.executor_queued = interval.queued, interval.executor_queued
            for name, covered_s in interval.covered_s.items():
                into.covered_s[name] = into.covered_s.get(name, 0.0) + covered_s

    def recent(self, seconds: float) -> Recent:
        """The last seconds together: whole reports, of which each tells how far it reaches back."""
        from_s = self._recent[-1].t_s - seconds + REPORT_S / 2 if self._recent else 0.0
        chosen = [found for found in self._recent if found.t_s > from_s]
        change, total = Balance(), Total()
        covered_s: dict[str, float] = {}
        for found in chosen:
            change = change.plus(found.change)
            total.add(found.counted)
            covered_s[found.worker] = covered_s.get(found.worker, 0.0) + found.since_s
        span_s = max(covered_s.values(), default=0.0)
        cpu_s = sum(found.cpu_s for found in chosen)
        return Recent(change, total, span_s, cpu_s / span_s if span_s else None)


@dataclass(frozen=True, slots=True)
class Recent:
    """What was reported in the last seconds."""

    change: Balance
    total: Total
    span_s: float
    """How much time the reports cover."""
    cpu_share: float | None

    def rate(self, name: str) -> float:
        """Of a count of the balance, per second."""
        count: int = getattr(self.change, name)
        return count / max(self.span_s, REPORT_S / 2)

    @property
    def ended(self) -> int:
        """Requests that ended by themselves or by their time limit."""
        return sum(getattr(self.change, name) for name in _ENDED)

    @property
    def error_rate(self) -> float | None:
        """(failed + timed out) / ended; None of none."""
        return (self.change.failed + self.change.timed_out) / self.ended if self.ended else None


def all_latencies(total: Total) -> Histogram:
    """Latencies from the intended start, failed requests' included."""
    return merged([total.histogram("graph"), total.histogram("failed")])


def _difference(new: Balance, old: Balance) -> Balance:
    return Balance(*(getattr(new, name) - getattr(old, name) for name in new.__struct_fields__))
