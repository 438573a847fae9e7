"""Percentiles from the stored histograms, and how firm they are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from lgprof.readable import significant, trimmed

FIRM = 10
"""A percentile with fewer values beyond it is marked."""


class Distribution:
    """Durations behind one stored histogram, or behind several."""

    def __init__(self, histogram: Any, largest_s: float) -> None:
        self._histogram = histogram
        self.sample: int = histogram.get_total_count()
        self.largest_s = largest_s

    @classmethod
    def decoded(cls, encoded: Iterable[str], largest_s: float) -> Distribution | None:
        """From HdrHistograms in base64; None where they hold nothing.

        Args:
            encoded: The histograms; empty ones are passed over.
            largest_s: The largest of the durations, which a histogram keeps to its bucket only.
        """
        from hdrh.histogram import HdrHistogram

        total: Any = None
        for text in encoded:
            histogram = HdrHistogram.decode(text) if text else None
            if histogram is None or not histogram.get_total_count():
                continue  # adding an empty one would make the minimum 0
            if total is None:
                total = histogram
            else:
                total.add(histogram)
        return None if total is None else cls(total, largest_s)

    def percentile_s(self, q: float) -> float:
        """The value below or at which ``q`` per cent lie; at most the largest one."""
        if q <= 0:
            return float(self._histogram.get_min_value()) / 1e6
        value_s = float(self._histogram.get_value_at_percentile(q)) / 1e6
        return min(value_s, self.largest_s)


def beyond(q: float, sample: int) -> int:
    """How many of a sample lie beyond a percentile (by nearest rank)."""
    return sample - math.ceil(round(q / 100 * sample, 6))


def is_firm(q: float, sample: int) -> bool:
    """Whether enough values lie beyond a percentile for it to say something about the next test."""
    return beyond(q, sample) >= FIRM


def percentile_name(q: float) -> str:
    """``p99.9``; ``min`` and ``max`` for the ends."""
    return {0.0: "min", 100.0: "max"}.get(q, f"p{trimmed(significant(q, 5))}")
