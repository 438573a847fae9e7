"""The data that the HTML page is made of, and the page around it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re

import pytest

from lgprof.analysis.flame import FlameOptions
from lgprof.model import Advice
from lgprof.render.html.document import bundle
from lgprof.render.html.encoding import number, script_json
from lgprof.render.html.report import content, html_report
from lgprof.render.html.timelines import MOST_CALLS, MOST_FAILED, choose
from tests.render import sample_load_profiles, sample_profiles
from tests.render.sample_profiles import Recording, chain, profile_of

RUNS = list(sample_profiles.SAMPLES.values())
LOADS = list(sample_load_profiles.LOAD_SAMPLES.values())


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


@pytest.mark.parametrize("make", [*RUNS, *LOADS], ids=lambda make: make.__name__)
def test_every_sample_makes_a_page_of_its_data(make):
    profile = make()
    page = html_report(profile).decode()
    assert data_of(page) == json.loads(json.dumps(content(profile)))


def test_a_page_without_data_is_below_600_kb():
    page = html_report(chain(1)).decode()
    assert len(page) - len(script_json(data_of(page))) < 300_000


def test_only_the_scripts_and_styles_of_the_page_may_run():
    page = html_report(chain(1)).decode()
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    inline = re.findall(r"<script(?: type=\"module\")?>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert (len(inline), len(styles)) == (2, 1)
    for text in [*inline, *styles]:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.count("sha256-") == 3


def test_nothing_is_linked_to():
    page = html_report(chain(1)).decode()
    markup = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    assert re.findall(r"(?:src|href)=\"(?!#)", markup) == []


def test_data_cannot_leave_its_element():
    wild = "</script><!-- <script>alert(1)</script> \u2028 & \ud800"
    text = script_json({"name": wild})
    assert not set("<>&") & set(text)
    assert text.isascii()
    assert json.loads(text) == {"name": wild}


def test_a_hostile_title_is_escaped():
    profile = chain(1)
    profile.target.name = "</title><script>alert(1)</script>$policy"
    page = html_report(profile).decode()
    assert "<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;$policy · lgprof" in page


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (float("nan"), None),
        (0.0, 0),
        (3, 3),
        (2.0, 2),
        (0.123456789, 0.123457),
        (1234567.89, 1234570),
    ],
)
def test_numbers_keep_six_digits(value, shown):
    assert number(value) == shown


def failing(numbers: int) -> list:
    made = []
    for index in range(numbers):
        recording = Recording(index, float(index))
        recording.run("a", 0.05, outcome="failed")
        kind = "builtins.KeyError" if index == numbers - 1 else "builtins.ValueError"
        made.append(recording.done("failed", error_type=kind, error_node="a"))
    return made


def test_timelines_are_of_the_median_p95_slowest_and_each_failed_request():
    requests = []
    for index in range(10):
        recording = Recording(index, float(index))
        recording.run("a", 0.1 + 0.01 * index)
        requests.append(recording.done())
    failed = failing(2)
    for request in failed:
        request.index += 10
    chosen = choose(profile_of([*requests, *failed]))
    assert [(each.request.index, each.why) for each in chosen] == [
        (4, ["median"]),
        (9, ["p95", "slowest"]),
        (10, ["failed"]),
        (11, ["failed"]),
    ]


def test_of_many_failed_requests_every_kind_is_shown_and_the_rest_counted():
    profile = profile_of(failing(50), {})
    shown = content(profile)["timelines"]
    assert len(shown["requests"]) == MOST_FAILED
    assert shown["moreFailed"] == 50 - MOST_FAILED
    assert "builtins.KeyError" in {each["error"] for each in shown["requests"]}


def test_evidence_of_advice_has_a_timeline_and_points_at_a_row():
    profile = chain(5)
    attempt = next(span for span in profile.requests[1].spans if span.kind == "attempt")
    profile.advice = [
        Advice(
            kind="cache",
            nodes=["a"],
            title="Cache a",
            why="it is slow",
            change="",
            evidence=[f"1/{attempt.id}", "99/1"],
            saving=None,
            status="predicted",
        )
    ]
    found = content(profile)
    timeline = next(each for each in found["timelines"]["requests"] if each["index"] == 1)
    assert "evidence" in timeline["why"]
    assert timeline["spans"] == {str(attempt.id): attempt.parent}
    assert attempt.parent in [call[0] for call in timeline["calls"]]
    assert found["advice"][0]["evidence"] == [["1", str(attempt.id)], ["99", "1"]]


def test_of_very_many_calls_the_longest_are_kept_and_the_others_counted():
    recording = Recording()
    for index in range(MOST_CALLS + 500):
        recording.run(f"n{index % 5}", 0.001 * (1 + index % 7))
    timeline = content(profile_of([recording.done()]))["timelines"]["requests"][0]
    assert len(timeline["calls"]) == MOST_CALLS
    assert timeline["leftOut"]["calls"] == 500
    starts = [call[5] for call in timeline["calls"]]
    assert starts == sorted(starts)


def test_the_curve_ends_with_the_maximum_and_agrees_with_the_table():
    found = content(sample_load_profiles.ok())
    curve, row = found["curves"][0], found["latency"]["rows"][0]
    at = {round(x, 4): y for x, y in zip(curve["x"], curve["y"], strict=True)}
    assert curve["y"] == sorted(curve["y"])
    assert at[1.0] == row["p90"]
    assert at[2.0] == row["p99"]
    assert curve["y"][-1] == row["max"]


def test_a_node_has_its_latencies_over_time():
    found = content(sample_load_profiles.saturated())["overTime"]
    intervals = len(found["columns"]["t"])
    assert intervals == len(sample_load_profiles.saturated().load.series)
    for columns in found["nodes"].values():
        assert {len(values) for values in columns.values()} == {intervals}


def test_the_flame_graph_that_is_asked_for_comes_first():
    page = html_report(sample_profiles.costs(), FlameOptions(by="cost")).decode()
    graphs = data_of(page)["flames"]["graphs"]
    assert list(graphs)[:2] == ["cost", "time"]


def test_frames_hold_what_is_below_them():
    def check(frame):
        value, children = frame[2], frame[-1]
        below = sum(child[2] for child in children)
        assert below <= value * 1.0001
        for child in children:
            check(child)

    for graph in content(sample_profiles.nested())["flames"]["graphs"].values():
        check(graph["tree"])


def test_very_many_spans_make_a_page_of_sane_size():
    assert len(html_report(sample_profiles.many_spans(20_000))) < 1_500_000


def test_each_module_is_bundled_once_after_what_it_imports():
    script = bundle()
    names = re.findall(r"^modules\['([\w-]+)'\] = ", script, re.MULTILINE)
    assert len(names) == len(set(names)) > 10
    assert names[-1] == "main"
    for name, body in zip(names, script.split("modules['")[1:], strict=False):
        assert not re.search(r"^(import|export) ", body, re.MULTILINE), name
