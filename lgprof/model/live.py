"""What a load test shows of itself while it runs. It is never saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lgprof.model.summary import LatencySummary

Phase = Literal["starting workers", "warm-up", "load", "draining"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """What is known of a running test. Counts are of the measured requests so far."""

    elapsed_s: float
    """Since the phase began; of load and draining, since the first arrival."""
    duration_s: float | None
    """Of the phase; None where nobody knows."""
    phase: Phase
    target_rps: float | None
    """Now; None in a closed model."""
    offered: int
    started: int
    completed: int
    failed: int
    timed_out: int
    cancelled: int
    dropped: int
    unsent: int
    in_flight: int
    """Running."""
    queued: int
    """Due and waiting to be started."""
    offered_rps: float
    """Over the last 5 s."""
    achieved_rps: float
    """Started over the last 5 s."""
    recent: LatencySummary | None
    """From the intended start, over the last 5 s."""
    total: LatencySummary | None
    lag_p99_s: float | None
    """Schedule lag: intended to actual start."""
    loop_lag_p99_s: float | None
    """How late timers of the event loops fired; None for sync graphs."""
    cpu_share: float | None
    """Of all workers together; 2.0 is two cores busy."""
    workers: int
    lost_workers: int
    note: str
    """Whatever else should be known; empty for nothing."""

    @property
    def errors(self) -> int:
        """Failed and timed-out requests."""
        return self.failed + self.timed_out
