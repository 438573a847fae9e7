"""One HdrHistogram configuration everywhere: 1 µs to 1 h, three significant digits."""

from __future__ import annotations

from collections.abc import Iterable

from hdrh.histogram import HdrHistogram

LOWEST_US = 1
HIGHEST_US = 3_600_000_000
SIGNIFICANT_DIGITS = 3


def encode_seconds(values_s: Iterable[float]) -> str:
    """The values as a histogram in HdrHistogram's standard base64 encoding.

    Values out of range are recorded at the nearest bound, so no count is lost.
    """
    histogram = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
    for value_s in values_s:
        histogram.record_value(min(max(round(value_s * 1e6), LOWEST_US), HIGHEST_US))
    encoded: bytes = histogram.encode()
    return encoded.decode("ascii")
