"""Reports of workers, made up for the tests of those who read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lgprof.load.messages import Batch
from lgprof.load.tally import Balance, Tally

MS = 1_000_000


def batch_of(tally: Tally, seq: int, t_s: float, **more: Any) -> Batch:
    """What was counted since the last one."""
    balance, counted = tally.take()
    plain = {
        "cpu_s": 0.0,
        "starved_s": 0.0,
        "executor_queued": 0,
        "rss_bytes": 0,
        "peak_in_flight": 0,
        "peak_queued": 0,
        "warm_up_requests": 0,
        "warm_up_failed": 0,
        "consumed": balance.offered,
        "in_flight": balance.running,
        "queued": balance.queued,
    }
    return Batch(seq=seq, t_s=t_s, balance=balance, counted=counted, **{**plain, **more})


class Reporter:
    """A worker that reports: counts go up, and what was counted leaves with each batch."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.seq = 0

    def batch(
        self,
        t_s: float,
        *,
        offered: int = 0,
        latencies_ms: Sequence[int] = (),
        failed_ms: Sequence[int] = (),
        queued: int = 0,
        dropped: int = 0,
        **more: Any,
    ) -> Batch:
        """What happened since the last one; what ended and all that does not queue has started."""
        balance = self.tally.balance
        balance.offered += offered
        balance.dropped += dropped
        balance.started = balance.offered - balance.dropped - balance.unsent - queued
        for latency_ms in latencies_ms:
            self.tally.record_request(latency_ms * MS, latency_ms * MS, 0, "completed")
        for latency_ms in failed_ms:
            self.tally.record_request(latency_ms * MS, latency_ms * MS, 0, "failed")
        self.seq += 1
        return batch_of(self.tally, self.seq, t_s, **more)


def check_balance(balance: Balance) -> None:
    """The two sums of the contract, when all is over."""
    assert balance.offered == balance.started + balance.dropped + balance.unsent
    ended = balance.completed + balance.failed + balance.timed_out + balance.cancelled
    assert balance.started == ended
