"""Synthetic Profiles of load tests, for what reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lgprof.histogram import Histogram
from lgprof.model import Fidelity, Load, LoadInterval, LoadWorker, Profile
from tests.render.sample_profiles import chain

INTERVAL_S = 1.0


def of(values_us: Sequence[int]) -> Histogram:
    """A histogram of durations."""
    histogram = Histogram()
    for value_us in values_us:
        histogram.record(value_us * 1000)
    return histogram


def load_profile(
    intervals: Sequence[Mapping[str, Sequence[int]]] = ({"graph": [60_000] * 10},),
    *,
    verdict: str = "ok",
    abort_reason: str | None = None,
    succeeded: int | None = None,
    interrupted: bool = False,
) -> Profile:
    """A load test of one second per interval; these are latencies in microseconds by tag."""
    series = [_interval(number, found) for number, found in enumerate(intervals)]
    total = of([value for found in intervals for value in found.get("graph", ())])
    profile = chain(1)
    profile.kind = "load"
    profile.load = _load(series, total, Fidelity(verdict=verdict), abort_reason)
    profile.summary.succeeded = total.total if succeeded is None else succeeded
    profile.interrupted = interrupted
    return profile


def _interval(number: int, found: Mapping[str, Sequence[int]]) -> LoadInterval:
    unknown: dict[str, Any] = dict.fromkeys(("p50_s", "p95_s", "p99_s", "cpu_share", "rss_bytes"))
    return LoadInterval(
        t_s=number * INTERVAL_S,
        duration_s=INTERVAL_S,
        rps=10.0,
        offered_rps=10.0,
        errors=0,
        in_flight=1,
        histograms={tag: of(values).encode() for tag, values in found.items() if values},
        **unknown,
    )


def _load(
    series: list[LoadInterval], total: Histogram, fidelity: Fidelity, abort_reason: str | None
) -> Load:
    seconds = max(len(series), 1) * INTERVAL_S
    return Load(
        arrivals="constant",
        target_rps=10.0,
        achieved_rps=total.total / seconds,
        duration_s=seconds,
        elapsed_s=seconds,
        offered=total.total,
        started=total.total,
        completed=total.total,
        failed=0,
        timed_out=0,
        cancelled=0,
        dropped=0,
        unsent=0,
        latency_s=total.summary(),
        service_s=total.summary(),
        schedule_lag_s=None,
        loop_lag_s=None,
        workers=[LoadWorker(host="here")],
        fidelity=fidelity,
        saturation=None,
        histogram=total.encode(),
        series=series,
        sampled_requests=1,
        abort_reason=abort_reason,
    )
