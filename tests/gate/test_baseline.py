"""A stored Profile as the baseline."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lgprof.errors import UsageError
from lgprof.gate.baseline import BaselineRules, judge_baseline
from lgprof.gate.tolerances import Tolerances
from lgprof.model import Check, Profile, Verdict
from tests.load_profiles import load_profile
from tests.render import sample_profiles


@pytest.fixture
def base() -> Profile:
    return sample_profiles.agent(10)


def judged(base: Profile, change: Callable[[Profile], Any], **rules: Any) -> Verdict:
    new = copy.deepcopy(base)
    change(new)
    return judge_baseline(base, new, BaselineRules(**rules))


def model_span(profile: Profile, request: int) -> Any:
    return next(span for span in profile.requests[request].spans if span.model is not None)


def more_tokens(*requests: int, by: int = 1) -> Callable[[Profile], None]:
    def change(profile: Profile) -> None:
        for index in requests:
            model_span(profile, index).model.tokens.input += by

    return change


def check_of(verdict: Verdict, metric: str, node: str | None = None) -> Check:
    return next(each for each in verdict.checks if (each.metric, each.node) == (metric, node))


def test_nothing_changed(base: Profile) -> None:
    verdict = judged(base, lambda new: None)
    assert (verdict.verdict, verdict.warnings) == ("pass", [])
    assert all(check.exact and check.node is None for check in verdict.checks)
    metrics = {check.metric for check in verdict.checks}
    assert {"error_rate", "llm_calls.per_request", "tokens.input.per_request"} <= metrics
    assert "steps.per_request" in metrics


def test_one_token_more_is_found_with_its_node(base: Profile) -> None:
    verdict = judged(base, more_tokens(4))
    node = model_span(base, 4).path
    assert verdict.verdict == "fail"
    whole = check_of(verdict, "tokens.input.per_request")
    assert (whole.verdict, whole.exact, whole.limit) == ("fail", True, 0.0)
    assert whole.base is not None
    assert whole.new == pytest.approx(whole.base + 0.1)
    assert check_of(verdict, "tokens.input.per_request", node).verdict == "fail"


def test_what_is_exact_is_tolerated_in_so_many_words_alone(base: Profile) -> None:
    node, change = model_span(base, 4).path, more_tokens(4)
    whole, part = "tokens.input.per_request", ("tokens.input.per_request", node)
    for tolerances, expected in [
        (Tolerances(general=0.5), "fail"),
        (Tolerances(counts=0.5), "pass"),
        (Tolerances(of={"tokens.input": 0.5}), "pass"),
        (Tolerances(of={"tokens.output": 0.5}), "fail"),
        (Tolerances(counts=0.5, of={"tokens.input": 0.0}), "fail"),
    ]:
        verdict = judged(base, change, tolerances=tolerances)
        assert check_of(verdict, whole).verdict == check_of(verdict, *part).verdict == expected
        assert verdict.verdict == expected


def test_fewer_passes_and_says_how_to_keep_it(base: Profile) -> None:
    verdict = judged(base, more_tokens(4, by=-1))
    assert verdict.verdict == "pass"
    note = check_of(verdict, "tokens.input.per_request").note
    assert note == "fewer than the baseline: make it anew to keep this"


def test_one_call_more(base: Profile) -> None:
    def call_again(new: Profile) -> None:
        again = copy.deepcopy(model_span(new, 0))
        again.id = 10_000
        new.requests[0].spans.append(again)

    assert check_of(judged(base, call_again), "llm_calls.per_request").verdict == "fail"


def test_a_graph_that_answers_otherwise_each_time_is_judged_by_its_interval(base: Profile) -> None:
    def noise(new: Profile) -> None:
        for index in range(10):
            model_span(new, index).model.tokens.input += 1 if index % 2 else -1

    verdict = judged(base, noise)
    check = check_of(verdict, "tokens.input.per_request")
    assert (check.exact, check.verdict) == (False, "pass")
    assert check.note == "not the same each time: 5 requests have more, 5 have less"

    def grown(new: Profile) -> None:
        for index in range(10):
            model_span(new, index).model.tokens.input += 1000 + index if index else -1

    assert check_of(judged(base, grown), "tokens.input.per_request").verdict == "fail"


def test_more_errors(base: Profile) -> None:
    def fail(new: Profile) -> None:
        new.summary.error_rate = 0.1

    assert check_of(judged(base, fail), "error_rate").verdict == "fail"


def slower(factor: float) -> Callable[[Profile], None]:
    def change(new: Profile) -> None:
        for request in new.requests:
            request.latency_s *= factor
        latency = new.summary.latency_s
        assert latency
        latency.mean, latency.p50 = latency.mean * factor, latency.p50 * factor

    return change


def test_stored_times_only_warn(base: Profile) -> None:
    verdict = judged(base, slower(1.5))
    assert verdict.verdict == "pass"
    assert verdict.warnings[0].startswith("slower than the stored times (p50 +50%, mean +50%)")
    assert judged(base, slower(1.2)).warnings == []


@pytest.mark.parametrize(
    ("factor", "tolerance", "verdict"),
    [(1.5, 0.05, "fail"), (1.04, 0.05, "pass"), (1.5, 0.6, "pass")],
)
def test_unless_they_are_to_be_trusted(
    base: Profile, factor: float, tolerance: float, verdict: str
) -> None:
    tolerances = Tolerances(general=tolerance)
    found = judged(base, slower(factor), trust_times=True, tolerances=tolerances)
    assert (check_of(found, "mean").verdict, check_of(found, "mean").limit) == (verdict, tolerance)
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda new: setattr(new.environment, "python", "3.99"), "made elsewhere: Python"),
        (lambda new: setattr(new.environment, "cpu_count", 99), "CPUs 2, now 99|CPUs .* now 99"),
        (lambda new: setattr(new.target.inputs, "sha256", "x"), "other inputs"),
        (lambda new: new.requests.pop(), "requests"),
    ],
)
def test_what_cannot_be_compared_is_refused(base: Profile, change: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        judged(base, change)
    assert caught.value.hint


def test_a_load_test_is_no_baseline(base: Profile) -> None:
    with pytest.raises(UsageError, match="compares runs"):
        judge_baseline(load_profile(), base, BaselineRules())


def test_another_environment_with_leave(base: Profile) -> None:
    change = lambda new: setattr(new.environment, "python", "3.99")  # noqa: E731
    verdict = judged(base, change, allow_environment=True)
    assert verdict.verdict == "pass"
    assert "not the baseline's environment: Python" in verdict.warnings[0]


def test_another_kernel_counts_for_times_alone(base: Profile) -> None:
    base.environment.platform = "Linux 6.1.0 x86_64"

    def update(new: Profile) -> None:
        new.environment.platform = "Linux 6.2.0 x86_64"

    assert judged(base, update).verdict == "pass"
    with pytest.raises(UsageError, match=r"Linux 6\.1\.0"):
        judged(base, update, trust_times=True)
