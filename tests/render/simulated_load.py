"""A load test that never ran: a queue is simulated, and what a test would see derived from it."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lgprof.histogram import Histogram, encode_seconds
from lgprof.model import LatencySummary, LoadInterval

Service = Callable[[random.Random, float], float]


@dataclass(frozen=True)
class Served:
    """What became of one arrival."""

    intended_s: float
    start_s: float
    end_s: float
    outcome: str = "ok"

    @property
    def latency_s(self) -> float:
        return self.end_s - self.intended_s

    @property
    def service_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def lag_s(self) -> float:
        return self.start_s - self.intended_s


def evenly(rps: float, duration_s: float) -> list[float]:
    return [number / rps for number in range(round(rps * duration_s))]


def serve(
    arrivals: Iterable[float],
    service: Service,
    slots: int = 1000,
    outcome: Callable[[int, float], str] = lambda number, latency_s: "ok",
) -> list[Served]:
    """First come, first served, by so many servers."""
    rng = random.Random(7)
    free = [0.0] * slots
    served = []
    for number, intended_s in enumerate(arrivals):
        start_s = max(intended_s + rng.uniform(0.00002, 0.0009), heapq.heappop(free))
        end_s = start_s + service(rng, start_s)
        heapq.heappush(free, end_s)
        served.append(Served(intended_s, start_s, end_s, outcome(number, end_s - intended_s)))
    return served


def steady_service(rng: random.Random, at_s: float) -> float:
    """Some 64 ms, a few per cent of them slower."""
    return 0.062 + rng.expovariate(400) + (0.05 if rng.random() < 0.012 else 0.0)


def latencies(values_s: Iterable[float]) -> LatencySummary | None:
    """As a load test sums them up: by its histogram."""
    histogram = Histogram()
    for value_s in values_s:
        histogram.record(round(value_s * 1e9))
    return histogram.summary()


def counted(served: Sequence[Served], outcome: str) -> int:
    return sum(request.outcome == outcome for request in served)


def series_of(served: Sequence[Served], duration_s: float, cpu: float = 0.3) -> list[LoadInterval]:
    """One interval a second, until the last request has ended."""
    last_s = max((request.end_s for request in served), default=0.0)
    intervals = []
    for second in range(max(int(max(last_s, duration_s) + 0.999), 1)):
        ended = [r for r in served if second <= r.end_s < second + 1]
        good = [r.latency_s for r in ended if r.outcome in ("ok", "timed_out")]
        started = [r for r in served if second <= r.start_s < second + 1]
        summary, edge = latencies(good), second + 1
        running = sum(r.start_s < edge <= r.end_s for r in served)
        intervals.append(
            LoadInterval(
                t_s=float(second),
                duration_s=1.0,
                rps=float(len(ended)),
                offered_rps=float(sum(second <= r.intended_s < edge for r in served)),
                p50_s=summary and summary.p50,
                p95_s=summary and summary.p95,
                p99_s=summary and summary.p99,
                errors=sum(r.outcome in ("failed", "timed_out") for r in ended),
                in_flight=running,
                queued=sum(r.intended_s < edge <= r.start_s for r in served),
                cpu_share=min(cpu * len(ended) / 50 + 0.02, 1.0),
                rss_bytes=112_000_000 + second * 150_000,
                loop_lag_max_s=0.0011 + 0.0004 * (second % 5),
                histograms={
                    "graph": encode_seconds(good),
                    "lag": encode_seconds(r.lag_s for r in started),
                },
            )
        )
    return intervals
