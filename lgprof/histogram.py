"""One HdrHistogram configuration everywhere: 1 µs to 1 h, three significant digits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from hdrh.histogram import HdrHistogram

from lgprof.model.summary import LatencySummary

LOWEST_US = 1
HIGHEST_US = 3_600_000_000
SIGNIFICANT_DIGITS = 3


def _empty() -> Any:
    return HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)


_LAYOUT = _empty()
_HALF_MAGNITUDE: int = _LAYOUT.sub_bucket_half_count_magnitude
_HALF_COUNT: int = _LAYOUT.sub_bucket_half_count
_MASK: int = _LAYOUT.sub_bucket_mask
_BITS = _HALF_MAGNITUDE + 1


def encode_seconds(values_s: Iterable[float]) -> str:
    """The values as a histogram in HdrHistogram's standard base64 encoding.

    Values out of range are recorded at the nearest bound, so no count is lost.
    """
    return histogram_of(round(value_s * 1e9) for value_s in values_s).encode()


class Histogram:
    """An HdrHistogram that holds only the counts that are not 0.

    Recording costs a sixth of the dense form's, and a delta of one second is a few numbers, so that
    thousands of them can be kept and sent. `encode` gives the dense form's standard encoding:
    merging histograms and encoding the sum equals encoding one histogram of all values.
    """

    __slots__ = ("counts", "highest_us", "lowest_us", "over_range", "sum_ns", "total")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.total = 0
        self.sum_ns = 0
        """Exact: the mean has no bucket's width in it."""
        self.lowest_us = HIGHEST_US
        self.highest_us = 0
        self.over_range = 0
        """Values above 1 h, which were recorded as 1 h."""

    def record(self, value_ns: int) -> None:
        """Count one duration in nanoseconds; one out of range counts at the nearest bound."""
        value_us = (value_ns + 500) // 1000
        if not LOWEST_US <= value_us <= HIGHEST_US:
            self.over_range += value_us > HIGHEST_US
            value_us = min(max(value_us, LOWEST_US), HIGHEST_US)
        bucket = (value_us | _MASK).bit_length() - _BITS
        index = ((bucket + 1) << _HALF_MAGNITUDE) + (value_us >> bucket) - _HALF_COUNT
        counts = self.counts
        counts[index] = counts.get(index, 0) + 1
        self.total += 1
        self.sum_ns += value_ns
        if value_us < self.lowest_us:
            self.lowest_us = value_us
        if value_us > self.highest_us:
            self.highest_us = value_us

    def add(self, other: Histogram) -> None:
        """Merge another one into this, without loss."""
        counts = self.counts
        for index, count in other.counts.items():
            counts[index] = counts.get(index, 0) + count
        self.total += other.total
        self.sum_ns += other.sum_ns
        self.lowest_us = min(self.lowest_us, other.lowest_us)
        self.highest_us = max(self.highest_us, other.highest_us)
        self.over_range += other.over_range

    def percentile_s(self, q: float) -> float:
        """The value below or at which ``q`` per cent lie, in seconds, as HdrHistogram defines it.

        Raises:
            ValueError: The histogram is empty.
        """
        return next(self.percentiles_s([q]))

    def percentiles_s(self, ascending: Iterable[float]) -> Iterator[float]:
        """Several percentiles in one pass.

        Raises:
            ValueError: The histogram is empty, or the percentiles do not ascend.
        """
        if not self.total:
            raise ValueError("percentile of an empty histogram")
        indices = iter(sorted(self.counts))
        seen, value_us, last_rank = 0, 0, 0
        for q in ascending:
            rank = max(1, math.floor(q / 100 * self.total + 0.5))
            if rank < last_rank:
                raise ValueError("percentiles must ascend")
            last_rank = rank
            while seen < rank:
                index = next(indices)
                seen += self.counts[index]
                value_us = _highest_equivalent_us(index)
            yield min(value_us, self.highest_us) / 1e6 if q >= 100 else value_us / 1e6

    def values_us(self) -> Iterator[tuple[int, int]]:
        """Each value that occurs, as the highest of its bucket, and how often; ascending."""
        for index in sorted(self.counts):
            yield _highest_equivalent_us(index), self.counts[index]

    def summary(self) -> LatencySummary | None:
        """The distribution in a few numbers; None of no values. The maximum is exact."""
        if not self.total:
            return None
        p50, p90, p95, p99 = self.percentiles_s((50, 90, 95, 99))
        largest_s = self.highest_us / 1e6
        return LatencySummary(
            mean=self.sum_ns / self.total / 1e9,
            p50=min(p50, largest_s),
            p90=min(p90, largest_s),
            p95=min(p95, largest_s),
            p99=min(p99, largest_s),
            max=largest_s,
        )

    def dense(self) -> Any:
        """The same as an `hdrh.histogram.HdrHistogram`."""
        histogram = _empty()
        for index, count in self.counts.items():
            histogram.counts[index] = count
        histogram.total_count = self.total
        if self.total:
            histogram.min_value, histogram.max_value = self.lowest_us, self.highest_us
        return histogram

    def encode(self) -> str:
        """HdrHistogram's standard base64 encoding, in microseconds."""
        encoded: bytes = self.dense().encode()
        return encoded.decode("ascii")

    def pack(self) -> list[Any]:
        """Plain numbers to send: `unpack` makes the same histogram of them."""
        return [
            list(self.counts),
            list(self.counts.values()),
            self.sum_ns,
            self.lowest_us,
            self.highest_us,
            self.over_range,
        ]

    @classmethod
    def unpack(cls, packed: list[Any]) -> Histogram:
        """From what `pack` gave."""
        indices, counts, sum_ns, lowest_us, highest_us, over_range = packed
        histogram = cls()
        histogram.counts = dict(zip(indices, counts, strict=True))
        histogram.total = sum(counts)
        histogram.sum_ns, histogram.over_range = sum_ns, over_range
        histogram.lowest_us, histogram.highest_us = lowest_us, highest_us
        return histogram


def histogram_of(values_ns: Iterable[int]) -> Histogram:
    """A histogram of durations in nanoseconds."""
    histogram = Histogram()
    for value_ns in values_ns:
        histogram.record(value_ns)
    return histogram


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """One histogram of all the values in several."""
    total = Histogram()
    for histogram in histograms:
        total.add(histogram)
    return total


def _highest_equivalent_us(index: int) -> int:
    bucket = (index >> _HALF_MAGNITUDE) - 1
    sub = (index & (_HALF_COUNT - 1)) + _HALF_COUNT
    if bucket < 0:
        bucket, sub = 0, sub - _HALF_COUNT
    return ((sub + 1) << bucket) - 1
