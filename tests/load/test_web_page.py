"""Locust's web page: true figures, nothing to change, nobody else's business."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lgprof.analysis.fold import Folded, NodeCall
from lgprof.histogram import Histogram
from lgprof.load.book import Book
from lgprof.load.messages import Batch
from lgprof.load.tally import Tally
from lgprof.load.web_page import HOST, PREFERRED_PORT, WebPage, web_page
from lgprof.model.live import LiveState

ROOT = Path(__file__).parents[2]
SPEC = "shop:app"
SECONDS = 60.0


def state(**known: Any) -> LiveState:
    unknown = dict.fromkeys(
        ("duration_s", "target_rps", "recent", "total", "lag_p99_s", "loop_lag_p99_s", "cpu_share")
    )
    counts = ("offered", "started", "completed", "failed", "timed_out", "cancelled", "dropped")
    more = ("unsent", "in_flight", "queued", "offered_rps", "achieved_rps", "lost_workers")
    zeros = dict.fromkeys((*counts, *more), 0)
    given: dict[str, Any] = {"elapsed_s": 3.0, "phase": "load", "workers": 1, "note": ""}
    return LiveState(**(zeros | unknown | given | known))


def batch(seq: int, tally: Tally) -> Batch:
    balance, counted = tally.take()
    return Batch(
        seq=seq,
        t_s=float(seq),
        balance=balance,
        counted=counted,
        in_flight=3,
        queued=2,
        cpu_s=0.5 * seq,
        starved_s=0.0,
        rss_bytes=90_000_000,
        executor_queued=0,
        peak_in_flight=3,
        peak_queued=2,
        warm_up_requests=0,
        warm_up_failed=0,
        consumed=0,
    )


def count_requests(tally: Tally, latencies_ms: range, failed: int) -> None:
    for latency_ms in latencies_ms:
        tally.balance.started += 1
        tally.record_request(latency_ms * 1_000_000, latency_ms * 1_000_000, 0, "completed")
        call = NodeCall("plan", 0, latency_ms * 500_000, 1, "ok")
        tally.record_calls(Folded(nodes=[call]))
    for _ in range(failed):
        tally.record_request(5_000_000, 5_000_000, 0, "failed")
        tally.count_error("builtins.ValueError", "plan")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebPage]:
    monkeypatch.setattr(sys, "argv", ["lgprof", "load", "--rps", "50", "-i", "{}"])
    with web_page(warmup_s=1.0) as found:
        yield found


def get(page: WebPage, path: str, **more: Any) -> Any:
    return page.app.test_client().get(path, base_url=f"http://{HOST}:1/", **more)


def table(report: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return next(found["data"] for found in report["extended_stats"] if found["key"] == key)


def test_before_the_first_report_it_waits(page: WebPage) -> None:
    page.show(state(phase="starting workers", workers=0), Book(), "", {})
    report = get(page, "/stats/requests").get_json()
    assert report["state"] == "spawning"
    assert [row["num_requests"] for row in report["stats"]] == [0]
    assert table(report, "graph-nodes") == []


def test_figures_are_those_of_the_book(page: WebPage) -> None:
    book, tally = Book(), Tally()
    count_requests(tally, range(1, 501), failed=2)
    book.add("w", batch(1, tally))
    page.show(state(), book, SPEC, {"plan": 0.100})
    count_requests(tally, range(501, 1001), failed=1)
    book.add("w", batch(2, tally))
    page._next_s = 0.0  # a second later
    page.show(state(in_flight=3, lag_p99_s=0.0012, started=1003), book, SPEC, {"plan": 0.100})

    report = get(page, "/stats/requests").get_json()
    graph, aggregated = report["stats"]
    assert (graph["name"], graph["method"]) == (SPEC, "graph")
    for row in (graph, aggregated):
        assert (row["num_requests"], row["num_failures"]) == (1003, 3)
        assert row["median_response_time"] == pytest.approx(500, rel=0.01)
        assert row["response_time_percentile_0.99"] == pytest.approx(990, rel=0.01)
        assert row["avg_response_time"] == pytest.approx(500.5, abs=0.01)
    assert report["user_count"] == 3
    assert [(e["name"], e["occurrences"]) for e in report["errors"]] == [("plan", 3)]

    [node] = table(report, "graph-nodes")
    assert (node["node"], node["calls"], node["errors"]) == ("plan", 1000, 0)
    assert node["p50"] == pytest.approx(250, rel=0.01)
    assert (node["unloaded"], node["factor"]) == (100, pytest.approx(2.5, rel=0.01))
    figures = {row["figure"]: row["value"] for row in table(report, "fidelity")}
    assert figures["Schedule lag, p99"] == "1.2 ms"
    assert figures["... started"] == "1003"
    [worker] = table(report, "load-workers")
    assert (worker["running"], worker["queued"], worker["memory"]) == (3, 2, 90)
    assert worker["cpu"] == pytest.approx(1 / 3, abs=0.01)


def test_fractions_of_a_millisecond_show(page: WebPage) -> None:
    book, tally = Book(), Tally()
    tally.record_request(345_000, 345_000, 0, "completed")
    book.add("w", batch(1, tally))
    page.show(state(), book, SPEC, {})
    assert get(page, "/stats/requests").get_json()["stats"][0]["median_response_time"] == 0.345


def test_the_page_shows_the_test_and_no_form_for_another(page: WebPage) -> None:
    page.show(state(), Book(), SPEC, {})
    text = get(page, "/").get_data(as_text=True)
    given = json.loads(re.search(r"templateArgs = (.*)", text)[1])
    assert (given["state"], given["host"]) == ("running", SPEC)
    assert [tab["title"] for tab in given["extended_tabs"]] == [
        "Graph nodes",
        "Fidelity",
        "Load workers",
    ]
    assert ".MuiButton-contained{display:none}" in text


@pytest.mark.parametrize("path", ["/swarm", "/stop", "/stats/reset", "/user"])
def test_nothing_can_be_changed(page: WebPage, path: str) -> None:
    assert page.app.test_client().post(path, base_url=f"http://{HOST}:1/").status_code == 405


def test_other_sites_cannot_read_it(page: WebPage) -> None:
    client = page.app.test_client()
    assert client.get("/", base_url="http://evil.example:8089/").status_code == 403
    answer = get(page, "/stats/requests", headers={"Origin": "http://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_port_that_is_taken_gives_another(page: WebPage) -> None:
    with web_page(warmup_s=0.0) as second:
        assert second.url != page.url
        assert not second.url.endswith(f":{PREFERRED_PORT}/")


def test_values_of_a_histogram_are_complete_and_ascend() -> None:
    histogram = Histogram()
    for value_us in (5, 7, 7, 123_456):
        histogram.record(value_us * 1000)
    assert list(histogram.values_us()) == [(5, 1), (7, 2), (123_519, 1)]


@pytest.mark.slow
def test_a_running_load_test_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from langgraph.graph import START, StateGraph\n"
        "async def plan(state): return {'a': 1}\n"
        "builder = StateGraph(dict)\n"
        "builder.add_node('plan', plan)\n"
        "builder.add_edge(START, 'plan')\n"
        "app = builder.compile()\n"
    )
    command = [sys.executable, "-m", "lgprof", "load", "app:app", "-i", "{}", "--ui", "-q"]
    command += ["--rps", "20", "--duration", "10m", "--warmup", "0s"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]
        try:
            report = _first_report(url)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(SECONDS)
    assert process.returncode == 130
    assert report["stats"][0]["name"] == "app:app"
    assert report["stats"][0]["num_failures"] == 0
    assert [row["node"] for row in table(report, "graph-nodes")] == ["plan"]
    with socket.socket() as probe:
        probe.settimeout(1.0)
        assert probe.connect_ex((HOST, int(url.rstrip("/").rpartition(":")[2]))) != 0


def _first_report(url: str) -> dict[str, Any]:
    until_s = time.monotonic() + SECONDS
    while time.monotonic() < until_s:
        with urllib.request.urlopen(f"{url}stats/requests", timeout=SECONDS) as answer:
            report: dict[str, Any] = json.load(answer)
        if report["stats"][-1]["num_requests"]:
            return report
        time.sleep(0.2)
    raise AssertionError("no request was reported")
