"""The graph's requests in Locust's own statistics, from what the master has merged."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable

from lgprof.histogram import Histogram
from lgprof.load.locust_api import RequestStats, StatsEntry, StatsError
from lgprof.load.tally import Total

_KIND = "graph"
_DIGITS = 3


class WebStats:
    """Hands on what came since the last time, as Locust's master does with its workers' reports.

    Nodes are left out: Locust's aggregated row adds up all others, and a request is not more
    requests for having nodes.

    Args:
        stats: Locust's.
        clock_s: Seconds since the epoch.
    """

    def __init__(self, stats: RequestStats, clock_s: Callable[[], float] = time.time) -> None:
        self._stats, self._clock_s = stats, clock_s
        self._known = StatsEntry(stats, "", "")

    def update(self, name: str, total: Total) -> None:
        """Bring the statistics up to what was counted by now.

        Args:
            name: Of the graph.
            total: Counts and histograms of all measured requests so far.
        """
        now_s = self._clock_s()
        entry = _entry(self._stats, total)
        ended = entry.num_requests - self._known.num_requests
        failed = entry.num_failures - self._known.num_failures
        news = _difference(self._stats, entry, self._known)
        if ended:
            news.num_reqs_per_sec[int(now_s)] = ended
            news.num_fail_per_sec[int(now_s)] = failed
            news.last_request_timestamp = now_s
        self._known = entry
        if ended:
            self._stats.get(name, _KIND).extend(news)
            self._stats.total.extend(news)
        elif not self._stats.num_requests:
            self._stats.total.start_time = now_s  # rates count from the first request
        self._count_errors(name, total, now_s)

    def _count_errors(self, name: str, total: Total, now_s: float) -> None:
        for key in total.keys("error"):
            _, error_type, node = key
            error = self._stats.errors.setdefault(
                "/".join(key),
                StatsError("node" if node else _KIND, node or name, error_type, first_seen=now_s),
            )
            count = total.counts[key]["count"]
            if count != error.occurrences:
                error.occurrences, error.last_seen = count, now_s


def _entry(stats: RequestStats, total: Total) -> StatsEntry:
    """All requests so far. Failed ones count, and have no response time: as in the report."""
    good, failed = total.histogram("graph"), total.histogram("failed")
    entry = StatsEntry(stats, "", "")
    entry.num_requests = good.total + failed.total
    entry.num_none_requests = failed.total
    entry.num_failures = sum(counts["count"] for _, counts in _errors(total))
    if good.total:
        entry.total_response_time = round(good.sum_ns / 1e6)
        entry.min_response_time = _rounded_ms(good.lowest_us)
        entry.max_response_time = _rounded_ms(good.highest_us)
        entry.response_times = _response_times_ms(good)
    return entry


def _errors(total: Total) -> list[tuple[tuple[str, ...], dict[str, int]]]:
    return [(key, total.counts[key]) for key in total.keys("error")]


def _response_times_ms(histogram: Histogram) -> dict[int, int]:
    """Counts by response time. Locust's own rounding, to two digits, errs by up to 5 %."""
    counts: dict[int, int] = defaultdict(int)
    for value_us, count in histogram.values_us():
        counts[_rounded_ms(value_us)] += count
    return counts


def _rounded_ms(value_us: int) -> int:
    """To three significant digits; below 100 ms that is a fraction, which Locust can do with."""
    value_ms = value_us / 1000
    digits = _DIGITS - 1 - math.floor(math.log10(value_ms))
    return round(value_ms, digits)  # type: ignore[return-value]


def _difference(stats: RequestStats, new: StatsEntry, old: StatsEntry) -> StatsEntry:
    news = StatsEntry(stats, "", "")
    for name in ("num_requests", "num_none_requests", "num_failures", "total_response_time"):
        setattr(news, name, getattr(new, name) - getattr(old, name))
    news.min_response_time, news.max_response_time = new.min_response_time, new.max_response_time
    for value_ms, count in new.response_times.items():
        if count != old.response_times.get(value_ms, 0):
            news.response_times[value_ms] = count - old.response_times.get(value_ms, 0)
    return news
