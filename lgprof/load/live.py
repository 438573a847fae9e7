"""How a running test stands, for those who look on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lgprof.load.book import RECENT_S, Book, all_latencies
from lgprof.model.live import LiveState, Phase

if TYPE_CHECKING:
    from lgprof.load.plan import TestPlan


def live_state(
    book: Book, *, phase: Phase, elapsed_s: float, plan: TestPlan, workers: int, note: str = ""
) -> LiveState:
    """The book's figures now.

    Args:
        book: What was reported so far.
        phase: What the test is doing.
        elapsed_s: Since the phase began; of load and draining, since the first arrival.
        plan: The test's.
        workers: How many take part.
        note: What else should be known.
    """
    balance, recent = book.balance, book.recent(RECENT_S)
    latest = [found.last for found in book.workers.values() if found.last and not found.lost]
    lag, loop_lag = book.total.histogram("lag"), book.total.histogram("loop_lag")
    planned_s = plan.duration_s if math.isfinite(plan.duration_s) else None
    duration_s = {"warm-up": plan.warmup_s, "load": planned_s, "draining": planned_s}
    return LiveState(
        elapsed_s=max(0.0, elapsed_s),
        duration_s=duration_s.get(phase),
        phase=phase,
        target_rps=plan.target_rps(elapsed_s if phase == "load" else 0.0),
        offered=balance.offered,
        started=balance.started,
        completed=balance.completed,
        failed=balance.failed,
        timed_out=balance.timed_out,
        cancelled=balance.cancelled,
        dropped=balance.dropped,
        unsent=balance.unsent,
        in_flight=sum(found.in_flight for found in latest),
        queued=sum(found.queued for found in latest),
        offered_rps=recent.rate("offered"),
        achieved_rps=recent.rate("started"),
        recent=all_latencies(recent.total).summary(),
        total=all_latencies(book.total).summary(),
        lag_p99_s=lag.percentile_s(99) if lag.total else None,
        loop_lag_p99_s=loop_lag.percentile_s(99) if loop_lag.total else None,
        cpu_share=recent.cpu_share,
        workers=workers,
        lost_workers=sum(found.lost for found in book.workers.values()),
        note=note,
    )
