"""Budgets on saved Profiles."""

from __future__ import annotations

from typing import Any

import pytest

from lgprof.errors import ExitCode
from lgprof.gate.budgets import judge_budgets, parse_budget
from lgprof.gate.verdicts import exit_code, merged
from lgprof.model import Profile, Saturation, Verdict
from tests.load_profiles import load_profile
from tests.render import sample_profiles


def judged(profile: Profile, *budgets: str) -> Verdict:
    return judge_budgets(profile, [parse_budget(text) for text in budgets])


def test_each_budget_is_a_check() -> None:
    profile = sample_profiles.chain(30)
    node = profile.nodes[0].path
    verdict = judged(profile, "p95<1h", f"node['{node}'].p95<1us", "llm_calls.per_request<99")
    assert verdict.verdict == "fail"
    first, second, third = verdict.checks
    assert profile.summary.latency_s
    assert (first.metric, first.node, first.verdict) == ("p95", None, "pass")
    assert (first.new, first.limit) == (profile.summary.latency_s.p95, 3600.0)
    assert (first.comparison, first.unit, first.note) == ("<", "s", None)
    assert (second.metric, second.node, second.verdict) == ("p95", node, "fail")
    assert (third.metric, third.unit, third.verdict) == ("llm_calls.per_request", "count", "pass")
    assert verdict.series == [request.latency_s for request in profile.requests]
    assert exit_code(verdict, inconclusive_fails=False) is ExitCode.GATE_FAILED


def test_a_percentile_of_few_requests_is_their_maximum() -> None:
    [warning] = judged(sample_profiles.chain(10), "p95<1h").warnings
    assert warning == (
        "p95 is the maximum here, since it rests on 10 requests: p95 takes 20 or more"
    )
    assert judged(sample_profiles.chain(20), "p95<1h").warnings == []
    assert judged(sample_profiles.chain(10), "mean<1h", "p50<1h", "max<1h").warnings == []


def test_a_percentile_of_few_calls_of_a_node_too() -> None:
    profile = sample_profiles.chain(30)
    node = profile.nodes[0]
    node.calls = 12
    [warning] = judged(profile, "p95<1h", f'node["{node.path}"].p95<1h').warnings
    assert warning.startswith(f"node.{node.path}.p95 is the maximum here, since it rests on 12")


def test_what_was_not_measured_keeps_no_budget() -> None:
    profile = sample_profiles.chain(30)
    profile.summary.cpu_s = None
    verdict = judged(profile, "cpu<1h", "p95<1h")
    assert [check.verdict for check in verdict.checks] == ["inconclusive", "pass"]
    assert verdict.checks[0].note == "not measured"
    assert (verdict.verdict, verdict.invalid) == ("inconclusive", True)
    assert exit_code(verdict, inconclusive_fails=False) is ExitCode.INVALID


def test_a_cost_that_is_only_a_lower_bound_can_fail_but_not_pass() -> None:
    profile = sample_profiles.costs()
    profile.summary.cost_usd.unpriced_calls = 2
    verdict = judged(profile, "cost.total<1000usd", "cost.total<0.0000001", "cost.total>0")
    assert [check.verdict for check in verdict.checks] == ["inconclusive", "fail", "pass"]
    note = "at least so much: 2 calls have no known price (--prices)"
    assert verdict.checks[0].note == note


def load(verdict: Any = "ok", **changes: Any) -> Profile:
    profile = load_profile(verdict=verdict)
    assert profile.load
    for name, value in changes.items():
        setattr(profile.load, name, value)
    return profile


def test_a_good_load_test_passes() -> None:
    verdict = judged(load(), "p95<1h")
    assert verdict.verdict == "pass"
    assert [check.metric for check in verdict.checks] == ["p95", "load.fidelity", "load.saturated"]
    assert exit_code(verdict, inconclusive_fails=True) is ExitCode.OK


def test_an_invalid_load_test_never_passes() -> None:
    verdict = judged(load("invalid"), "p95<1h")
    assert verdict.verdict == "inconclusive"
    assert exit_code(verdict, inconclusive_fails=False) is ExitCode.INVALID
    assert exit_code(judged(load("invalid"), "p95<1us"), inconclusive_fails=False) == 1


def test_a_saturated_graph_fails() -> None:
    saturation = Saturation(saturated=True, node="slow", message="slow holds the loop")
    verdict = judged(load(saturation=saturation), "p95<1h")
    assert verdict.verdict == "fail"
    check = verdict.checks[-1]
    assert (check.metric, check.node, check.note) == (
        "load.saturated",
        "slow",
        "slow holds the loop",
    )
    near = Saturation(saturated=False, message="near its limit")
    assert judged(load(saturation=near), "p95<1h").verdict == "pass"


def test_an_interrupted_measurement_is_told() -> None:
    profile = sample_profiles.chain(30)
    profile.interrupted = True
    assert "interrupted" in judged(profile, "p95<1h").warnings[0]


@pytest.mark.parametrize(
    ("decision", "invalid", "fails", "code"),
    [
        ("pass", False, True, 0),
        ("fail", True, True, 1),
        ("fail", False, False, 1),
        ("inconclusive", False, False, 0),
        ("inconclusive", False, True, 5),
        ("inconclusive", True, False, 5),
    ],
)
def test_exit_codes(decision: Any, invalid: bool, fails: bool, code: int) -> None:
    verdict = Verdict(verdict=decision, checks=[], elapsed_s=0.0, invalid=invalid)
    assert exit_code(verdict, inconclusive_fails=fails) == code


def test_several_verdicts_are_one() -> None:
    one = Verdict(verdict="pass", checks=[], elapsed_s=1.0, warnings=["w"], series=[1.0])
    two = Verdict(verdict="inconclusive", checks=[], elapsed_s=2.0, pairs=4, warnings=["w", "v"])
    both = merged([one, two])
    assert (both.verdict, both.elapsed_s, both.pairs) == ("inconclusive", 3.0, 4)
    assert (both.warnings, both.series) == (["w", "v"], [1.0])
    assert merged([one]) is one
    three = Verdict(verdict="fail", checks=[], elapsed_s=0.0, against="main", invalid=True)
    assert (merged([one, two, three]).verdict, merged([one, three]).against) == ("fail", "main")
    assert merged([one, three]).invalid
    with pytest.raises(ValueError, match="no verdict"):
        merged([])
