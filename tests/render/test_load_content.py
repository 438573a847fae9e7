"""What the sections of a load test's report say."""

from __future__ import annotations

import re
import time

import pytest

from lgprof.analysis.slowdown import factor
from lgprof.histogram import encode_seconds
from lgprof.model import Fidelity, LoadInterval, Saturation, read_profile, write_profile
from lgprof.render.terminal.load.bands import round_up
from lgprof.render.terminal.load.moments import columns_in
from lgprof.render.terminal.load.percentiles import Distribution, beyond, is_firm, percentile_name


def rows(shown: str) -> dict[str, list[str]]:
    """Words of each line by its first one, marks and branches left out."""
    lines = [
        line.replace("│", "").replace("├╴", "").replace("└╴", "") for line in shown.split("\n")
    ]
    return {line.split()[0]: line.split()[1:] for line in lines if line.strip()}


def interval(t_s: float, **more: object) -> LoadInterval:
    values: dict = {
        "t_s": t_s,
        "duration_s": 1.0,
        "rps": 10.0,
        "offered_rps": 10.0,
        "p50_s": 0.1,
        "p95_s": 0.2,
        "p99_s": 0.3,
        "errors": 0,
        "in_flight": 1,
        "cpu_share": 0.5,
        "rss_bytes": None,
    }
    return LoadInterval(**values | more)


def test_sections_come_in_order(show, load_samples) -> None:
    shown = show(load_samples.saturated(), saved_to="x.json")
    titles = [
        "app ", "Verdict", "Arrivals", "Latency ", "Latency distribution", "Over time", "Nodes",
        "Models", "Where the time goes", "Timeline", "Errors", "Workers", "Warnings", "Saved",
    ]  # fmt: skip
    places = [shown.index(f"\n{title}" if index else title) for index, title in enumerate(titles)]
    assert places == sorted(places)
    assert "Flame graph" not in shown
    assert "Latency histogram" not in shown


def test_a_section_of_the_other_kind_says_so(show, samples, load_samples) -> None:
    assert (
        show(samples.chain(), sections=["workers"]) == "no workers: part of a load test's report\n"
    )
    assert show(load_samples.ok(), sections=["flame"]) == "no flame: part of a run's report\n"


@pytest.mark.parametrize("verdict", ["ok", "degraded", "invalid"])
def test_the_verdict_comes_before_every_figure(show, load_samples, verdict: str) -> None:
    profile = load_samples.ok()
    profile.load.fidelity = Fidelity(verdict=verdict, reasons=["a reason"])
    shown = show(profile)
    assert verdict.upper() in shown
    assert shown.index("a reason") < shown.index("Arrivals") < shown.index("Latency ")


def test_a_graph_is_not_said_to_keep_up_where_nothing_shows_it(show, load_samples) -> None:
    profile = load_samples.ok()
    assert "KEEPS UP" in show(profile, sections=["fidelity"])
    profile.load.fidelity = Fidelity(verdict="invalid", reasons=["a worker was lost"])
    assert "KEEPS UP" not in show(profile, sections=["fidelity"])
    assert "KEEPS UP" not in show(load_samples.none_succeeded(), sections=["fidelity"])


def test_saturation_is_told_apart_from_fidelity(show, load_samples) -> None:
    profile = load_samples.ok()
    profile.load.saturation = Saturation(
        saturated=True, node="think", cause="executor", max_rps=41.5, message="it waits"
    )
    shown = show(profile, 120, sections=["fidelity"])
    assert "[    OK   ]" in shown
    assert "[SATURATED]  it waits" in shown
    assert "node think · calls wait for a free thread · 41.5/s is the most" in shown


def test_every_arrival_is_accounted_for(show, load_samples) -> None:
    shown = rows(show(load_samples.invalid(), 120, sections=["arrivals"]))
    assert shown["offered"][:2] == ["2000", "100%"]
    assert shown["started"][:2] == ["1610", "80.5%"]
    assert shown["completed"][:2] == ["1583", "79.1%"]
    assert shown["failed"][:2] == ["!27", "1.4%"]
    assert shown["dropped"][:2] == ["!40", "2.0%"]
    assert shown["unsent"][:2] == ["!350", "17.5%"]
    assert "80.5/s" in shown["started"]
    assert shown["offered"][-2:] == ["target", "100/s"]


def test_the_tail_comes_from_the_histogram(show, load_samples) -> None:
    profile = load_samples.ok()
    values = [0.05] * 9980 + [0.4] * 9 + [0.7] * 11
    profile.load.completed, profile.load.histogram = len(values), encode_seconds(values)
    profile.load.latency_s = load_samples.latencies(values)
    shown = show(profile, sections=["latency"])
    header, first = shown.splitlines()[1:3]
    assert header.split() == ["p50", "p90", "p95", "p99", "p99.9", "max", "mean"]
    assert first.split()[-6:-4] == ["700", "ms"]
    assert "of 10.0k requests, 100 beyond p99 and 10 beyond p99.9" in shown


def test_weak_percentiles_are_marked(show, load_samples) -> None:
    assert "p99 " in show(load_samples.ok(), sections=["latency"])
    assert "p99.9†" in show(load_samples.ok(), sections=["latency"])
    short = show(load_samples.short(), sections=["latency"])
    assert "p50†" in short
    assert "rests on fewer than 10 requests" in short
    assert "no distribution below 20" in show(load_samples.short(), sections=["distribution"])


def test_stages_have_a_mean_rate(show, load_samples) -> None:
    shown = show(load_samples.saturated(), 160, sections=["target"])
    assert "40 rps on average for 25 s (1000 arrivals, constant)" in shown
    shown = show(load_samples.invalid(), 160, sections=["target"])
    assert "100 rps Poisson for 20 s (2000 arrivals, seed 3)" in shown


@pytest.mark.parametrize("name", ["ok", "saturated", "invalid", "closed", "none_succeeded"])
def test_a_saved_profile_is_reported_as_a_fresh_one(show, load_samples, tmp_path, name) -> None:
    profile = load_samples.LOAD_SAMPLES[name]()
    write_profile(profile, tmp_path / "load.json")
    assert show(read_profile(tmp_path / "load.json")) == show(profile)


def test_how_many_lie_beyond() -> None:
    assert [beyond(q, 1500) for q in (50, 99, 99.9)] == [750, 15, 1]
    assert beyond(99.9, 10_000) == 10
    assert is_firm(99.9, 10_000)
    assert not is_firm(99.9, 9_999)
    assert [percentile_name(q) for q in (0.0, 50.0, 99.9, 99.99, 100.0)] == [
        "min", "p50", "p99.9", "p99.99", "max",
    ]  # fmt: skip


def test_histograms_are_merged() -> None:
    parts = [encode_seconds([0.1] * 90), "", encode_seconds([]), encode_seconds([0.2] * 10)]
    found = Distribution.decoded(parts, 0.2)
    assert found is not None
    assert found.sample == 100
    assert found.percentile_s(0) == pytest.approx(0.1, rel=1e-3)
    assert found.percentile_s(90) == pytest.approx(0.1, rel=1e-3)
    assert found.percentile_s(91) == 0.2
    assert Distribution.decoded(["", encode_seconds([])], 0.0) is None


def test_a_node_is_compared_with_itself_unloaded(show, load_samples) -> None:
    row = load_samples.node_row("a", [0.3] * 20, unloaded_s=0.04)
    assert factor(row) == pytest.approx(7.5, rel=1e-3)
    row.unloaded_s = None
    assert factor(row) is None
    shown = rows(show(load_samples.saturated(), 160, sections=["nodes"]))
    assert shown["blocks_loop"][-4:] == ["blocks", "the", "event", "loop"]
    assert shown["fetch"][-1] != "loop"


def test_the_node_that_saturates_comes_first(show, load_samples) -> None:
    profile = load_samples.ok()
    profile.load.saturation = Saturation(saturated=True, node="load", cause="executor")
    lines = show(profile, sections=["nodes"]).splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["load", "answer", "think"]
    assert lines[2].endswith("waits for a free thread")


def test_what_is_of_a_sample_says_so(show, load_samples) -> None:
    shown = show(load_samples.ok(), 160)
    assert "Where the time goes  mean of 200 sampled requests" in shown
    assert "† per request, mean of 200 sampled requests; all else is of all calls" in shown
    assert "Models  all requests, " in shown
    narrow = show(load_samples.ok(), 60)
    assert "mean of 200 sampled requests" in narrow


def test_the_median_is_that_of_all_requests_not_of_the_kept_ones(show, load_samples) -> None:
    profile = load_samples.ok()
    slowest = max(profile.requests, key=lambda request: request.latency_s)
    typical = min(profile.requests, key=lambda request: abs(request.latency_s - 0.064))
    profile.requests = [slowest, slowest, typical]
    shown = show(profile, sections=["timeline"])
    assert f"near the median, #{typical.index}," in shown.splitlines()[0]
    assert f"Slowest request  #{slowest.index}," in shown


def test_a_late_start_is_told_apart_from_the_service_time(show, load_samples) -> None:
    first = show(load_samples.saturated(), sections=["timeline"]).splitlines()[0]
    assert "service time 197 ms, started 3.51 s late" in first


def test_errors_have_a_share(show, load_samples) -> None:
    shown = rows(show(load_samples.invalid(), sections=["errors"]))
    assert shown["!23"] == ["1.4%", "openai.RateLimitError", "answer"]


def test_a_closed_model_says_what_its_latency_is(show, load_samples) -> None:
    shown = " ".join(show(load_samples.closed(), 160).split())
    assert "closed model: 20 users, 1 s of think time, for 20 s" in shown
    assert "latency counts from the actual start" in shown
    assert "from actual start" in shown
    assert "intended" not in shown


def test_stages_and_limits(show, load_samples) -> None:
    shown = show(load_samples.saturated(), 160, sections=["target"])
    assert "20 rps for 10 s → to 60 rps in 5 s → 60 rps for 10 s" in shown
    assert "8 requests at once in each worker, dropped beyond 10,000" in shown


def test_several_intervals_share_a_column() -> None:
    series = [interval(t, p99_s=0.3 + t / 100, rps=float(t), errors=t % 2) for t in range(100)]
    columns = columns_in(series, 40)
    assert (columns.intervals_each, len(columns.moments), columns.cells_each) == (3, 34, 1)
    first = columns.moments[0]
    assert (first.t_s, first.end_s) == (0.0, 3.0)
    assert first.p99_s == pytest.approx(0.32)  # the worst
    assert first.rps == pytest.approx(1.0)  # the mean
    assert first.errors_rps == pytest.approx(1 / 3)
    assert columns.cell_of(50.0) == 16
    assert columns.cell_of(1000.0) == columns.width


def test_few_intervals_are_wide_but_not_very() -> None:
    columns = columns_in([interval(0.0), interval(1.0)], 80)
    assert (columns.cells_each, columns.width) == (4, 8)


@pytest.mark.parametrize(("value", "top"), [(0.113, 0.12), (0.0, 1.0), (5.7, 6.0), (9.9, 10.0)])
def test_an_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert round_up(value) == pytest.approx(top)


def test_an_interval_without_answers_leaves_a_gap(show, load_samples) -> None:
    profile = load_samples.ok()
    quiet = {"p50_s": None, "p95_s": None, "p99_s": None, "cpu_share": None}
    profile.load.series = [interval(0.0), interval(1.0, **quiet), interval(2.0)]
    lines = show(profile, sections=["over-time"]).splitlines()
    assert lines[8][12:] == "████    ████"
    assert next(line for line in lines if "CPU" in line)[12:24] == "▇▇▇▇    ▇▇▇▇"


@pytest.mark.parametrize("kind", ["plain", "ascii", "colour"])
def test_every_interval_with_answers_is_drawn(show, load_samples, kind: str) -> None:
    """However small beside the slowest one."""
    profile = load_samples.ok()
    tiny = {"p50_s": 0.0001, "p95_s": 0.0002, "p99_s": 0.0003}
    profile.load.series = [interval(0.0, **tiny), interval(1.0)]
    bottom = show(profile, kind=kind, sections=["over-time"]).splitlines()[8]
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", bottom)[12:]
    assert len(drawn) == 8
    assert " " not in drawn


def test_a_long_test_is_reported_quickly(show, load_samples) -> None:
    profile = load_samples.ok()
    profile.load.series = profile.load.series * 40  # 20 minutes
    for index, each in enumerate(profile.load.series):
        profile.load.series[index] = interval(float(index), histograms=each.histograms)
    show(profile)
    started = time.perf_counter()
    show(profile)
    assert time.perf_counter() - started < 3
