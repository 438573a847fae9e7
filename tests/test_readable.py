"""Numbers, exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof import readable


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (1e-9, "<1 µs"),
        (0.7e-6, "1 µs"),
        (45e-6, "45 µs"),
        (999.4e-6, "999 µs"),
        (999.6e-6, "1.00 ms"),
        (0.001, "1.00 ms"),
        (0.0123, "12.3 ms"),
        (0.34, "340 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (1.234, "1.23 s"),
        (9.996, "10.0 s"),
        (59.96, "60.0 s"),
        (125, "125 s"),
        (599.4, "599 s"),
        (600, "10m00s"),
        (725, "12m05s"),
        (3725, "1h02m"),
        (-0.34, "-340 ms"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert readable.duration(seconds) == text


def test_micro_in_ascii() -> None:
    assert readable.duration(45e-6, ascii_only=True) == "45 us"


@given(st.floats(0, 1e6))
def test_durations_are_short(seconds: float) -> None:
    assert len(readable.duration(seconds)) <= 8


@pytest.mark.parametrize(
    ("share", "text", "whole"),
    [
        (0, "0%", "0%"),
        (0.0004, "<0.1%", "<1%"),
        (0.004, "0.4%", "<1%"),
        (0.6214, "62.1%", "62%"),
        (0.99996, "100%", "100%"),
        (1, "100%", "100%"),
        (-0.02, "-2.0%", "-2%"),
    ],
)
def test_percent(share: float, text: str, whole: str) -> None:
    assert readable.percent(share) == text
    assert readable.whole_percent(share) == whole


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (9999, "9999"),
        (10_000, "10.0k"),
        (12_345, "12.3k"),
        (999_499, "999k"),
        (999_500, "1.00M"),
        (4_560_000, "4.56M"),
        (-12_345, "-12.3k"),
    ],
)
def test_count(number: int, text: str) -> None:
    assert readable.count(number) == text


@pytest.mark.parametrize(
    ("number", "text"), [(3, "3"), (3.2, "3.2"), (0.25, "0.25"), (12_345, "12.3k")]
)
def test_average(number: float, text: str) -> None:
    assert readable.average(number) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0, "$0"),
        (1e-9, "<$0.0000001"),
        (0.00042, "$0.00042"),
        (0.0123, "$0.012"),
        (0.994, "$0.99"),
        (0.996, "$1.00"),
        (12.345, "$12.35"),
        (1234.5, "$1,234"),
        (-0.5, "-$0.50"),
    ],
)
def test_usd(dollars: float, text: str) -> None:
    assert readable.usd(dollars) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (132_000_000, "132 MB"),
        (1_240_000_000, "1.24 GB"),
        (-1_500_000, "-1.50 MB"),
    ],
)
def test_size(number: int, text: str) -> None:
    assert readable.size(number) == text


@pytest.mark.parametrize(
    ("per_second", "text"), [(0, "0/s"), (0.48, "0.480/s"), (12.34, "12.3/s"), (0.05, "3.0/min")]
)
def test_rate(per_second: float, text: str) -> None:
    assert readable.rate(per_second) == text


def test_plural() -> None:
    assert readable.plural(1, "request") == "1 request"
    assert readable.plural(2, "query", "queries") == "2 queries"
