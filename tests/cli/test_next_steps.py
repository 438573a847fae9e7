"""What the report says to type next."""

from __future__ import annotations

import pytest

from lgprof.cli.next_steps import next_steps
from lgprof.model import Profile, Saturation, Stage
from tests.load_profiles import load_profile
from tests.render.sample_profiles import chain


def typed(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/lgprof", *arguments])


def steps(profile: Profile) -> list[str]:
    return next_steps(profile, failures=0, verbosity=0)


def saturated(max_rps: float | None) -> Profile:
    profile = load_profile()
    assert profile.load is not None
    profile.load.saturation = Saturation(saturated=True, max_rps=max_rps)
    return profile


def test_a_run_of_a_few_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "run", "app:app", "-n", "3", "-o", "a b.html", "--mode", "sync")
    assert steps(chain(3)) == [
        "lgprof run app:app --mode sync -n 50    more runs: a histogram and a firmer p95"
    ]
    assert steps(chain(20)) == []


def test_all_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "run", "app:app", "-n", "20")
    assert next_steps(chain(20), failures=2, verbosity=0) == [
        "lgprof run app:app -n 20 -v    every traceback"
    ]
    assert next_steps(chain(20), failures=2, verbosity=1) == []


@pytest.mark.parametrize("rate", [["--rps", "10"], ["--rps=10"], []])
def test_a_graph_that_keeps_up_is_offered_more(
    monkeypatch: pytest.MonkeyPatch, rate: list[str]
) -> None:
    typed(monkeypatch, "load", "app:app", *rate, "-n", "500", "-o", "a.html")
    assert steps(load_profile()) == [
        "lgprof load app:app -n 500 --rps 20    twice the load: where is its limit?"
    ]


def test_a_saturated_graph_is_offered_what_it_can_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "load", "--rps", "50")
    assert steps(saturated(22.7)) == [
        "lgprof load --rps 18    within its limit: latencies without the queue"
    ]
    assert steps(saturated(None)) == []


def test_a_command_that_fills_the_line_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "load", "app:app", "-i", "x" * 80)
    assert steps(load_profile()) == [
        "the same with --rps 20    twice the load: where is its limit?"
    ]


def test_nothing_is_said_of_another_rate_where_none_was_asked_for() -> None:
    assert steps(load_profile(verdict="invalid")) == []
    assert steps(load_profile(interrupted=True)) == []
    assert steps(load_profile(abort_reason="p99>2s")) == []
    closed, staged = load_profile(), load_profile()
    assert closed.load is not None
    assert staged.load is not None
    closed.load.target_rps = None
    staged.load.stages = [Stage(from_rps=1, to_rps=1, duration_s=1)] * 2
    assert steps(closed) == steps(staged) == []
