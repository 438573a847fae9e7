"""Which nodes a load slows down, and what it is put down to."""

from __future__ import annotations

from typing import Any

import pytest

from lgprof.analysis.slowdown import factor, slowdown
from lgprof.model import LatencySummary, NodeRow, Profile, Saturation, Visits
from lgprof.model.load import SaturationCause
from tests.load_profiles import load_profile
from tests.render.sample_profiles import agent, chain


def times(p50_s: float) -> LatencySummary:
    return LatencySummary(mean=p50_s, p50=p50_s, p90=p50_s, p95=p50_s, p99=p50_s, max=p50_s)


def profile_with(
    *, cause: SaturationCause | None = None, node: str | None = "guilty", **load: Any
) -> tuple[Profile, NodeRow]:
    """A load Profile, and the row of a node that takes 0.5 s for 0.1 s without load."""
    profile = load_profile()
    row = profile.nodes[0]
    row.latency_s, row.unloaded_s, row.visits = times(0.5), 0.1, Visits(mean=2.0, max=2)
    assert profile.load is not None
    if cause is not None:
        profile.load.saturation = Saturation(saturated=True, cause=cause, node=node)
    for name, value in load.items():
        setattr(profile.load, name, value)
    return profile, row


def test_the_factor() -> None:
    _, row = profile_with()
    assert factor(row) == pytest.approx(5.0)
    row.unloaded_s = None
    assert factor(row) is None


def test_what_is_not_slower_needs_no_reason() -> None:
    profile, row = profile_with(cause="loop_blocked")
    row.latency_s = times(0.149)
    assert slowdown(row, profile) == ""
    row.latency_s = times(0.151)
    assert slowdown(row, profile) == "loop blocked by guilty"
    run = chain(1)
    assert slowdown(run.nodes[0], run) == ""


@pytest.mark.parametrize(
    ("cause", "mode", "own", "others"),
    [
        ("loop_blocked", "async", "blocks the event loop", "loop blocked by guilty"),
        ("loop_cpu", "async", "fills the loop's CPU core", "event loop busy"),
        ("executor", "async", "executor of 6 threads full", ""),
        ("executor", "sync", "holds all threads", ""),
        ("rate_limit", "async", "waits at its rate limit", ""),
        ("unknown", "async", "waits longer inside itself", ""),
    ],
)
def test_the_node_behind_it_and_the_others(
    cause: SaturationCause, mode: Any, own: str, others: str
) -> None:
    profile, row = profile_with(cause=cause, executor_threads=6, loop_lag_s=times(0.001))
    profile.target.mode = mode
    assert slowdown(row, profile) == others
    row.path = "guilty"
    assert slowdown(row, profile) == own


def test_waits_of_its_own_come_before_the_loop() -> None:
    profile, row = profile_with(cause="loop_blocked", executor_threads=6)
    row.executor_queue_s = 0.41  # of a request with two calls, each of which lost 0.4 s
    assert slowdown(row, profile) == "executor of 6 threads full"
    row.executor_queue_s = 0.39
    assert slowdown(row, profile) == "loop blocked by guilty"
    profile.models = agent(1).models[:1]
    profile.models[0].node, profile.models[0].rate_limit_s = row.path, 0.41
    assert slowdown(row, profile) == "waits at its rate limit"


def test_a_loop_that_is_late_without_being_at_its_limit() -> None:
    profile, row = profile_with(loop_lag_s=times(0.1))
    assert slowdown(row, profile) == "event loop late"
    profile, row = profile_with(loop_lag_s=times(0.09))
    assert slowdown(row, profile) == ""
