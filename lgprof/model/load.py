"""What a load test adds to a Profile. Times are seconds; ``t_s`` counts from the first arrival.

Two sums hold always, also after Ctrl-C or a lost worker:
``offered = started + dropped + unsent`` and
``started = completed + failed + timed_out + cancelled``.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from lgprof.model.summary import LatencySummary

FidelityVerdict = Literal["ok", "degraded", "invalid"]
SaturationCause = Literal[
    "loop_blocked", "loop_cpu", "executor", "max_concurrent", "rate_limit", "unknown"
]


class Stage(msgspec.Struct, kw_only=True, frozen=True):
    """A stretch of the schedule, in which the rate goes evenly from one value to the other."""

    from_rps: float
    to_rps: float
    duration_s: float


class LoadWorker(msgspec.Struct, kw_only=True):
    """One worker process."""

    host: str
    cpu_share: float | None = None
    """CPU seconds per second of the test, of one core: 1.0 is one core busy throughout."""
    peak_rss_bytes: int | None = None
    started: int = 0
    lost: bool = False
    """It died or fell silent; what it had delivered counts."""


class Fidelity(msgspec.Struct, kw_only=True):
    """How far the numbers can be trusted: judges the generator alone, not the graph."""

    verdict: FidelityVerdict
    reasons: list[str] = []


class Saturation(msgspec.Struct, kw_only=True):
    """The graph could not keep up, or could only just."""

    saturated: bool
    """Arrivals came faster than the graph could answer them."""
    node: str | None = None
    """The node behind it, where one stands out."""
    cause: SaturationCause = "unknown"
    max_rps: float | None = None
    """The rate that it kept up while saturated: what this number of workers can serve."""
    message: str = ""
    """The finding in words."""


class LoadInterval(msgspec.Struct, kw_only=True):
    """What was seen in one stretch of the test; latencies by the time of completion."""

    t_s: float
    duration_s: float
    rps: float
    """Completed, failed and timed-out requests per second."""
    offered_rps: float
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    errors: int
    in_flight: int
    """Running at the stretch's end; what waits for its start not included."""
    queued: int = 0
    """Due and waiting to be started, at the stretch's end."""
    cpu_share: float | None
    """Of all workers together; 2.0 is two cores busy."""
    rss_bytes: int | None
    """Resident memory of all workers together."""
    loop_lag_max_s: float | None = None
    histograms: dict[str, str] = {}
    """Latencies of ``graph``, ``lag`` (schedule lag) and ``node:PATH`` as HdrHistograms in
    microseconds, base64."""


class WarmUp(msgspec.Struct, kw_only=True):
    """The requests before the first measured one."""

    duration_s: float
    requests: int
    failed: int
    """Failed and timed-out ones."""


class Load(msgspec.Struct, kw_only=True):
    """The load test: what was offered, what became of it, and how far to trust it."""

    arrivals: Literal["constant", "poisson", "closed"]
    """``closed``: a fixed number of users, each waiting for its answer; latency then counts from
    the actual start."""
    target_rps: float | None
    """Mean rate of the schedule; None in a closed model."""
    achieved_rps: float
    """started / duration_s."""
    duration_s: float
    """The schedule's; up to the stop where it was stopped early."""
    elapsed_s: float
    """First arrival to last completion."""
    offered: int
    started: int
    completed: int
    failed: int
    timed_out: int
    cancelled: int
    dropped: int
    """Refused by ``--max-in-flight``."""
    unsent: int
    """Due, and never started: a lost worker's share, or a queue that was given up at the stop."""
    latency_s: LatencySummary | None
    """From the intended start, of completed and timed-out requests."""
    service_s: LatencySummary | None
    """The same from the actual start."""
    schedule_lag_s: LatencySummary | None
    """Intended to actual start."""
    loop_lag_s: LatencySummary | None
    """How late a timer of the event loop fired; None for sync graphs."""
    unloaded_s: float | None = None
    """Median latency of the few requests made one by one before the load."""
    executor_threads: int | None = None
    """Of each event loop's executor, or that call a sync graph; None where unknown."""
    workers: list[LoadWorker]
    fidelity: Fidelity
    saturation: Saturation | None
    """None where nothing is near its limit."""
    histogram: str
    """Latencies from the intended start as an HdrHistogram in microseconds, base64."""
    series: list[LoadInterval]
    sampled_requests: int
    stages: list[Stage] = []
    seed: int = 0
    users: int | None = None
    think_s: float | None = None
    max_concurrent: int | None = None
    """None: chosen by the load itself."""
    max_in_flight: int | None = None
    peak_in_flight: int = 0
    """Most requests running at once, over all workers together (sum of each one's peak)."""
    peak_queued: int = 0
    over_range: int = 0
    """Latencies above the histogram's 1 h, counted at 1 h."""
    abort_reason: str | None = None
    """The ``--abort-on`` condition that ended it early."""
    warm_up: WarmUp | None = None
