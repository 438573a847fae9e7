"""The sparse histogram equals HdrHistogram's own, value by value."""

from __future__ import annotations

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from lgprof.histogram import HIGHEST_US, Histogram, encode_seconds, merged

QUANTILES = (1, 25, 50, 75, 90, 95, 99, 99.9, 99.99)
durations_us = st.integers(1, HIGHEST_US)


def of(values_us: list[int]) -> Histogram:
    histogram = Histogram()
    for value_us in values_us:
        histogram.record(value_us * 1000)
    return histogram


def reference(values_us: list[int]) -> HdrHistogram:
    histogram = HdrHistogram(1, HIGHEST_US, 3)
    for value_us in values_us:
        assert histogram.record_value(value_us)
    return histogram


@given(st.lists(durations_us, min_size=1, max_size=60))
def test_it_equals_hdrhistogram(values_us: list[int]) -> None:
    ours, theirs = of(values_us), reference(values_us)
    assert ours.dense().equals(theirs)
    assert ours.encode().encode() == theirs.encode()
    assert list(ours.percentiles_s(QUANTILES)) == [
        theirs.get_value_at_percentile(q) / 1e6 for q in QUANTILES
    ]


@given(st.lists(st.lists(durations_us, max_size=20), min_size=1, max_size=8))
def test_merged_parts_equal_one_histogram_of_all_values(parts: list[list[int]]) -> None:
    sent = [Histogram.unpack(of(part).pack()) for part in parts]
    whole = of([value for part in parts for value in part])
    total = merged(sent)
    assert total.encode() == whole.encode()
    assert total.counts == whole.counts
    assert (total.sum_ns, total.total) == (whole.sum_ns, whole.total)
    assert total.summary() == whole.summary()


def test_what_is_out_of_range_counts_at_the_bound() -> None:
    histogram = of([HIGHEST_US * 3, 0])
    assert histogram.over_range == 1
    assert histogram.total == 2
    summary = histogram.summary()
    assert summary is not None
    assert summary.max == HIGHEST_US / 1e6
    assert histogram.percentile_s(0) == 1e-6


def test_mean_and_maximum_are_exact() -> None:
    summary = of([100_001, 100_003, 999_999]).summary()
    assert summary is not None
    assert summary.max == 0.999999
    assert summary.mean == pytest.approx((100_001 + 100_003 + 999_999) / 3e6, rel=1e-12)


def test_an_empty_one_has_no_percentiles() -> None:
    assert Histogram().summary() is None
    with pytest.raises(ValueError, match="empty"):
        Histogram().percentile_s(50)
    with pytest.raises(ValueError, match="ascend"):
        list(of([1, 2, 3, 4]).percentiles_s([99, 1]))


def test_encoding_seconds_is_the_standard_form() -> None:
    decoded = HdrHistogram.decode(encode_seconds([0.001, 0.002]))
    assert decoded.get_total_count() == 2
    assert decoded.get_max_value() == 2000
