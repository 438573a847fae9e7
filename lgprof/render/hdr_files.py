"""Latencies in the formats of HdrHistogram's tools.

``.hgrm`` is the percentile table that its plotter (plotFiles.html) and hdr-plot draw; ``.hlog`` is
the histogram log, version 1.3, with a line per interval and tag, for HistogramLogProcessor and
HistogramLogAnalyzer. Tags are ``graph`` (from the intended start), ``lag`` (intended to actual
start) and ``node:PATH``. Recorded values are microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import quote

from hdrh.histogram import HdrHistogram

from lgprof.errors import UsageError
from lgprof.model import LoadInterval, Profile

_US_PER_MS = 1000
_STEPS_PER_HALF = 5
"""Rows of the table on the way to half the distance that is left to 100 %."""
_KEPT_IN_TAGS = "!\"#$&'()*+-./:;<=>?@[]^_`{|}~\\"
"""Printable ASCII except the comma, which ends a tag, and the per cent sign, which escapes."""


def hgrm(profile: Profile) -> str:
    """The latencies as a percentile table, in milliseconds."""
    histogram = HdrHistogram.decode(
        profile.load.histogram if profile.load else profile.summary.histogram
    )
    bars = _bars(histogram)
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    for value_ms, level, below in _percentile_rows(bars):
        row = f"{value_ms:12.3f} {level:2.12f} {below:10d}"
        lines.append(row if level == 1 else f"{row} {1 / (1 - level):14.2f}")
    return "\n".join([*lines, *_footer(histogram, bars), ""])


def hlog(profile: Profile) -> str:
    """The latencies of each interval as a histogram log.

    Its start is reckoned back from when the Profile was made, so it may be off by some seconds.

    Raises:
        UsageError: The Profile is of a run, which has no intervals.
    """
    load = profile.load
    if load is None:
        raise UsageError(
            ".hlog holds a load test's intervals, and this is a run", hint="use .hgrm or .json"
        )
    start = datetime.fromisoformat(profile.created).timestamp() - load.elapsed_s
    moment = datetime.fromtimestamp(start, UTC).isoformat(" ", "milliseconds")
    lines = [
        "#[Histogram log format version 1.3]",
        f"#[StartTime: {start:.3f} (seconds since epoch), {moment}]",
        f"#[BaseTime: {start:.3f} (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    for interval in sorted(load.series, key=lambda interval: interval.t_s):
        lines += _interval_lines(interval)
    return "\n".join([*lines, ""])


def _interval_lines(interval: LoadInterval) -> Iterator[str]:
    start_s = max(interval.t_s, 0.0)  # a reader skips what has a sign
    for tag, text in interval.histograms.items():
        largest_ms = HdrHistogram.decode(text).get_max_value() / _US_PER_MS
        yield (
            f"Tag={quote(tag, safe=_KEPT_IN_TAGS)},"
            f"{start_s:.3f},{interval.duration_s:.3f},{largest_ms:.3f},{text}"
        )


@dataclass(frozen=True, slots=True)
class _Bar:
    """The values that the histogram cannot tell apart, and how often they were recorded."""

    middle_ms: float
    highest_ms: float
    count: int


def _bars(histogram: Any) -> list[_Bar]:
    """What was recorded, by ascending value."""
    bars = []
    for index, times in enumerate(histogram.counts):
        if times:
            lowest_us = histogram.get_value_from_index(index)
            highest_us = histogram.get_highest_equivalent_value(lowest_us)
            middle_us = lowest_us + (highest_us + 1 - lowest_us) // 2
            bars.append(_Bar(middle_us / _US_PER_MS, highest_us / _US_PER_MS, times))
    return bars


def _percentile_rows(bars: list[_Bar]) -> Iterator[tuple[float, float, int]]:
    """(value in ms, level, values up to it) at levels that come ever closer to 1."""
    total = sum(bar.count for bar in bars)
    levels = _levels()
    level = next(levels)
    reached = 0
    for bar in bars:
        reached += bar.count
        while level <= reached / total < 1:
            yield bar.highest_ms, level, reached
            level = next(levels)
    if bars:
        yield bars[-1].highest_ms, level, total
        yield bars[-1].highest_ms, 1.0, total


def _levels() -> Iterator[float]:
    for half in count():
        for step in range(_STEPS_PER_HALF):
            yield 1 - 0.5**half + 0.5 ** (half + 1) * step / _STEPS_PER_HALF


def _footer(histogram: Any, bars: list[_Bar]) -> list[str]:
    total = sum(bar.count for bar in bars)
    weight = max(total, 1)
    mean = math.fsum(bar.middle_ms * bar.count for bar in bars) / weight
    variance = math.fsum((bar.middle_ms - mean) ** 2 * bar.count for bar in bars) / weight
    largest = bars[-1].highest_ms if bars else 0.0
    return [
        f"#[Mean    = {mean:12.3f}, StdDeviation   = {math.sqrt(variance):12.3f}]",
        f"#[Max     = {largest:12.3f}, Total count    = {total:12d}]",
        f"#[Buckets = {histogram.bucket_count:12d}, "
        f"SubBuckets     = {histogram.sub_bucket_count:12d}]",
    ]
