"""Model calls and checkpoints, on requests that are written down span by span."""

from __future__ import annotations

import pytest
from langgraph.graph import END, START, StateGraph

from lgprof.model import Profile, Tokens
from lgprof.whatif import (
    Faster,
    FewerOutputTokens,
    Parallel,
    Prediction,
    SwapModel,
    predict,
)
from lgprof.whatif.saving import mean_interval, saving
from tests.render.sample_profiles import Recording, profile_of
from tests.whatif.graphs import State, profile_in_virtual_time, sleeper

GPT_4O_USD = (1000 * 2.5 + 200 * 10) / 1e6
HALF_OUTPUT_USD = (1000 * 2.5 + 100 * 10) / 1e6


def asking(
    *models: str, first_token_s: float | None = 0.2, cost_usd: float | None = GPT_4O_USD
) -> Profile:
    """One request: a second in each model, 200 tokens out."""
    recording = Recording()
    for number, name in enumerate(models):
        node = recording.run(f"ask{number}", 1.0)
        attempt = recording.spans[-1]
        recording.model(
            attempt,
            node.start_s,
            node.end_s,
            name,
            tokens=Tokens(input=1000, output=200),
            cost_usd=cost_usd,
            first_token_s=first_token_s,
        )
        attempt.work_start_s, attempt.work_end_s = node.start_s, node.end_s
        attempt.thread, attempt.segments = "loop", []
    return profile_of([recording.done()])


def saved(found: Prediction) -> tuple[float, float | None]:
    """Milliseconds and USD per 1,000 requests."""
    assert found.saving is not None
    return found.saving.mean_s * 1e3, found.saving.usd_per_1k_requests


def test_half_the_output_saves_half_of_what_follows_the_first_token() -> None:
    milliseconds, usd = saved(predict(asking("gpt-4o"), [FewerOutputTokens("ask0", 0.5)]))
    # 200 tokens have 199 intervals, in 800 ms.
    assert milliseconds == pytest.approx(800 * 100 / 199)
    assert usd == pytest.approx((GPT_4O_USD - HALF_OUTPUT_USD) * 1000)


def test_without_a_first_token_no_time_is_claimed() -> None:
    profile = asking("gpt-4o", first_token_s=None)
    found = predict(profile, [FewerOutputTokens("ask0", 0.5)])
    assert saved(found)[0] == 0
    assert "do not stream" in found.caveats[0]


def test_a_price_of_the_users_own_is_not_taken_for_a_listed_one() -> None:
    found = predict(asking("gpt-4o", cost_usd=0.5), [FewerOutputTokens("ask0", 0.5)])
    assert saved(found)[1] is None
    assert "gpt-4o was not billed at a listed price" in found.caveats[0]


def test_a_model_seen_elsewhere_tells_its_speed_and_price() -> None:
    profile = asking("gpt-4o", "gpt-4o-mini")
    fast = profile.requests[0].spans[-1]
    assert fast.model is not None
    fast.model.first_token_s = 0.9  # then 200 tokens in 0.1 s
    milliseconds, usd = saved(predict(profile, [SwapModel("ask0", "gpt-4o-mini")]))
    assert milliseconds == pytest.approx(0, abs=1e-6)
    mini_usd = (1000 * 0.15 + 200 * 0.6) / 1e6
    assert usd == pytest.approx((GPT_4O_USD - mini_usd) * 1000)
    found = predict(profile, [SwapModel("ask0", "gpt-4.1")])
    assert saved(found)[0] == 0
    assert "how fast gpt-4.1 answers is not known" in found.caveats[0]


def test_factors_of_price_and_time() -> None:
    change = SwapModel("ask0", price_factor=0.1, duration_factor=0.5)
    milliseconds, usd = saved(predict(asking("gpt-4o"), [change]))
    assert milliseconds == pytest.approx(500)
    assert usd == pytest.approx(GPT_4O_USD * 900)


def test_changes_to_a_model_call_compose() -> None:
    changes = [SwapModel("ask0", duration_factor=0.5), FewerOutputTokens("ask0", 0.5)]
    # 1 s, then 0.5 s of which 0.1 until the first token and 0.4 for 199 intervals.
    assert saved(predict(asking("gpt-4o"), changes))[0] == pytest.approx(500 + 400 * 100 / 199)
    faster = [Faster("ask0", 0.5), FewerOutputTokens("ask0", 0.5)]
    assert saved(predict(asking("gpt-4o"), faster))[0] == pytest.approx(500 + 400 * 100 / 199)


def test_a_call_that_was_cut_off_tells_nothing_of_another_model() -> None:
    profile = asking("gpt-4o", "gpt-4o")
    next(span for span in profile.requests[0].spans if span.kind == "model").outcome = "cancelled"
    found = predict(profile, [SwapModel("ask0", duration_factor=0.5)])
    assert saved(found)[0] == 0
    assert found.unmeasured == (
        "1 of 1 model calls of ask0 failed or were cut off: how they would have ended is not known",
    )
    assert saved(predict(profile, [SwapModel("ask1", duration_factor=0.5)]))[0] == pytest.approx(
        500
    )


def test_a_node_without_model_calls() -> None:
    found = predict(asking("gpt-4o"), [FewerOutputTokens("other", 0.5)])
    assert saved(found) == (0, 0)
    assert found.caveats == ("no model call was seen in other: nothing changes",)


def test_a_router_behind_nodes_side_by_side_needs_a_superstep_to_wait_in() -> None:
    def routed(gap: bool) -> Profile:
        builder = StateGraph(State)
        for name, key in (("a", "a"), ("b", "b"), ("last", "c")):
            builder.add_node(name, sleeper(key, 0.03))
        builder.add_edge(START, "a")
        builder.add_edge("a", "b")
        if gap:
            builder.add_conditional_edges("b", lambda state: "last", ["last", END])
        else:
            builder.add_edge("b", "last")
        builder.add_edge("last", END)
        profile = profile_in_virtual_time(builder.compile(), {})
        spans = profile.requests[0].spans
        for span in spans:  # 10 ms between supersteps
            if span.kind in ("node", "attempt") and span.step is not None:
                later_s = (span.step - 1) * 0.01
                span.start_s, span.end_s = span.start_s + later_s, span.end_s + later_s
                if span.work_start_s is not None and span.work_end_s is not None:
                    span.work_start_s += later_s
                    span.work_end_s += later_s
        profile.requests[0].latency_s += 0.02
        spans[0].end_s += 0.02
        return profile

    assert saved(predict(routed(False), [Parallel(("a", "b"))]))[0] == pytest.approx(40, abs=0.5)
    assert saved(predict(routed(True), [Parallel(("a", "b"))]))[0] == pytest.approx(30, abs=0.5)


def test_p95_takes_two_hundred_requests() -> None:
    assert saving([1.0] * 199, [0.5] * 199, None).p95_s is None
    enough = saving([*[1.0] * 180, *[3.0] * 20], [*[0.5] * 180, *[1.0] * 20], 0.25)
    assert enough.p95_s == 2.0
    assert enough.p50_s == 0.5
    assert enough.mean_s == pytest.approx(0.65)
    assert enough.share == pytest.approx(0.65 / 1.2)
    assert enough.usd_per_1k_requests == 250


def test_the_interval_narrows_with_the_requests_and_stays_the_same_for_the_same() -> None:
    few = mean_interval([0.0, 1.0] * 10)
    many = mean_interval([0.0, 1.0] * 200)
    assert few == mean_interval([0.0, 1.0] * 10)
    assert few[0] < 0.35 < 0.65 < few[1]
    assert many == pytest.approx((0.451, 0.549), abs=0.001)
    assert mean_interval([0.25]) == (0.25, 0.25)
