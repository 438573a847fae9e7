"""The files for HdrHistogram's tools: read back, they hold what was recorded."""

from __future__ import annotations

import random
import re
import tempfile
from itertools import takewhile
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given
from hypothesis import strategies as st

from lgprof.errors import UsageError
from lgprof.histogram import HIGHEST_US
from lgprof.model import Profile
from lgprof.render.hdr_files import hgrm, hlog
from tests.load_profiles import load_profile, of
from tests.render.sample_profiles import chain

durations_us = st.one_of(st.integers(1, 3000), st.integers(1, HIGHEST_US))


def empty() -> HdrHistogram:
    return HdrHistogram(1, HIGHEST_US, 3)


def read_log(text: str) -> list[HdrHistogram]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.hlog"
        file.write_text(text)
        reader = HistogramLogReader(str(file), empty())
        try:
            return list(takewhile(bool, iter(reader.get_next_interval_histogram, None)))
        finally:
            reader.close()


def merged(histograms: list[HdrHistogram], tag: str) -> HdrHistogram:
    total = empty()
    for histogram in histograms:
        if histogram.get_tag() == tag:
            total.add(histogram)
    return total


def table(text: str) -> list[list[float]]:
    """The rows as the plotters read them."""
    lines = [line for line in text.splitlines()[1:] if line and not line.startswith("#")]
    return [[float(word) for word in line.split()] for line in lines]


def footer(text: str) -> list[float]:
    lines = [line for line in text.splitlines() if line.startswith("#")]
    return [float(number) for line in lines for number in re.findall(r"= +([\d.]+)", line)]


# --- .hlog ---------------------------------------------------------------------------------------


@given(st.lists(st.lists(durations_us, max_size=15), min_size=1, max_size=6))
def test_merged_intervals_equal_the_whole(parts: list[list[int]]) -> None:
    profile = load_profile([{"graph": part, "lag": [7] * len(part)} for part in parts])
    assert profile.load is not None
    found = read_log(hlog(profile))
    whole = HdrHistogram.decode(profile.load.histogram)
    total = merged(found, "graph")
    assert list(total.counts) == list(whole.counts)
    assert total.get_total_count() == whole.get_total_count()
    assert len(found) == 2 * sum(map(bool, parts))


def test_log_line_by_line() -> None:
    profile = load_profile([{"graph": [1000, 3001], "node:a/b": [900]}, {}, {"graph": [2000]}])
    lines = hlog(profile).splitlines()
    assert lines[0] == "#[Histogram log format version 1.3]"
    # The Profile was made at 12:00:00, and the test took three seconds.
    assert lines[1] == (
        "#[StartTime: 1795348797.000 (seconds since epoch), 2026-11-22 11:59:57.000+00:00]"
    )
    assert lines[2] == "#[BaseTime: 1795348797.000 (seconds since epoch)]"
    assert lines[3].startswith('"StartTimestamp","Interval_Length","Interval_Max",')
    assert lines[4] == f"Tag=graph,0.000,1.000,3.001,{of([1000, 3001]).encode()}"
    assert lines[5] == f"Tag=node:a/b,0.000,1.000,0.900,{of([900]).encode()}"
    assert lines[6] == f"Tag=graph,2.000,1.000,2.000,{of([2000]).encode()}"
    assert len(lines) == 7


def test_log_as_the_reader_sees_it() -> None:
    profile = load_profile([{"graph": [1000]}, {"graph": [2000], "lag": [5]}])
    found = read_log(hlog(profile))
    assert [histogram.get_tag() for histogram in found] == ["graph", "graph", "lag"]
    starts = [histogram.get_start_time_stamp() / 1000 - 1795348798 for histogram in found]
    ends = [histogram.get_end_time_stamp() / 1000 - 1795348798 for histogram in found]
    assert (starts, ends) == ([0.0, 1.0, 1.0], [1.0, 2.0, 2.0])


def test_intervals_are_in_time_order_whatever_the_series_is() -> None:
    profile = load_profile([{"graph": [1]}, {"graph": [2]}, {"graph": [3]}])
    assert profile.load is not None
    profile.load.series.reverse()
    found = read_log(hlog(profile))
    assert [histogram.get_max_value() for histogram in found] == [1, 2, 3]


def test_no_interval_is_lost_that_begins_before_the_first_arrival() -> None:
    profile = load_profile([{"graph": [1]}, {"graph": [2]}])
    assert profile.load is not None
    profile.load.series[0].t_s = -0.004
    assert len(read_log(hlog(profile))) == 2


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("node:outer/inner", "node:outer/inner"),
        ("node:ask, then wait", "node:ask%2C%20then%20wait"),
        ("node:50%\n", "node:50%25%0A"),
        ("node:prüfen", "node:pr%C3%BCfen"),
        ("node:a[0](b)=<c>", "node:a[0](b)=<c>"),
    ],
)
def test_a_tag_ends_no_field_and_no_line(name: str, tag: str) -> None:
    [found] = read_log(hlog(load_profile([{name: [1000]}])))
    assert found.get_tag() == tag
    assert found.get_max_value() == 1000


def test_a_run_has_no_log() -> None:
    with pytest.raises(UsageError, match="intervals") as raised:
        hlog(chain())
    assert ".hgrm" in (raised.value.hint or "")


# --- .hgrm ---------------------------------------------------------------------------------------


def with_histogram(profile: Profile, values_us: list[int]) -> Profile:
    profile.summary.histogram = of(values_us).encode()
    return profile


@given(st.lists(durations_us, min_size=1, max_size=40))
def test_table_against_the_values(values_us: list[int]) -> None:
    rows = table(hgrm(load_profile([{"graph": values_us}])))
    histogram = empty()
    for value_us in values_us:
        histogram.record_value(value_us)
    highest_us = [histogram.get_highest_equivalent_value(value) for value in sorted(values_us)]
    for value_ms, level, below, *inverse in rows:
        value_us = value_ms * 1000
        assert below == sum(value <= round(value_us) for value in highest_us)
        before = [value for value in highest_us if value < round(value_us)]
        assert len(before) / len(values_us) < level + 1e-9 or not before
        assert below / len(values_us) >= level - 1e-9
        assert inverse == ([] if level == 1 else [pytest.approx(1 / (1 - level), abs=0.01)])
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    assert rows[-1][0] * 1000 == pytest.approx(highest_us[-1])
    assert rows[-1][1:] == [1.0, len(values_us)]


def test_table_line_by_line() -> None:
    text = hgrm(load_profile([{"graph": [1000] * 50}, {"graph": [2000] * 40 + [4000] * 10}]))
    assert text.splitlines() == [
        "       Value     Percentile TotalCount 1/(1-Percentile)",
        "",
        "       1.000 0.000000000000         50           1.00",
        "       1.000 0.100000000000         50           1.11",
        "       1.000 0.200000000000         50           1.25",
        "       1.000 0.300000000000         50           1.43",
        "       1.000 0.400000000000         50           1.67",
        "       1.000 0.500000000000         50           2.00",
        "       2.000 0.550000000000         90           2.22",
        "       2.000 0.600000000000         90           2.50",
        "       2.000 0.650000000000         90           2.86",
        "       2.000 0.700000000000         90           3.33",
        "       2.000 0.750000000000         90           4.00",
        "       2.000 0.775000000000         90           4.44",
        "       2.000 0.800000000000         90           5.00",
        "       2.000 0.825000000000         90           5.71",
        "       2.000 0.850000000000         90           6.67",
        "       2.000 0.875000000000         90           8.00",
        "       2.000 0.887500000000         90           8.89",
        "       2.000 0.900000000000         90          10.00",
        "       4.001 0.912500000000        100          11.43",
        "       4.001 1.000000000000        100",
        "#[Mean    =        1.700, StdDeviation   =        0.900]",
        "#[Max     =        4.001, Total count    =          100]",
        "#[Buckets =           22, SubBuckets     =         2048]",
    ]


def test_deviation_has_the_unit_of_the_mean() -> None:
    """HdrHistogram's own Python footer gives it in the recorded unit, a thousand times too big."""
    draw = random.Random(1).lognormvariate
    values_us = [round(draw(11, 0.5)) for _ in range(2000)]
    reference = empty()
    for value_us in values_us:
        reference.record_value(value_us)
    mean, deviation, largest, total, *_ = footer(hgrm(load_profile([{"graph": values_us}])))
    assert mean == pytest.approx(reference.get_mean_value() / 1000, abs=0.001)
    assert deviation == pytest.approx(reference.get_stddev() / 1000, abs=0.001)
    assert largest == pytest.approx(reference.get_max_value() / 1000, abs=0.001)
    assert total == 2000


def test_a_run_has_its_table() -> None:
    rows = table(hgrm(with_histogram(chain(), [1000, 2000])))
    assert rows[0][:3] == [1.0, 0.0, 1.0]
    assert rows[-1] == [2.0, 1.0, 2.0]


def test_nothing_recorded() -> None:
    text = hgrm(load_profile([{}]))
    assert table(text) == []
    assert footer(text) == [0.0, 0.0, 0.0, 0.0, 22.0, 2048.0]
    assert read_log(hlog(load_profile([{}]))) == []
