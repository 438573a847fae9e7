"""From evidence to a status: each rule alone decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lgprof.whatif.proof.audit import Repeats
from lgprof.whatif.proof.evidence import Comparison, Crowded, Evidence, Timing
from lgprof.whatif.proof.status import agrees, judged

TIMING = Timing(pairs=24, baseline_s=0.1, saved_s=0.02, saved_ci_s=(0.018, 0.022), control_s=0.001)
CLEAN = Evidence(
    inputs=24,
    distinct=24,
    control=Comparison(24, 0),
    natural=Comparison(24, 0),
    delayed={"a": Comparison(24, 0), "b": Comparison(24, 0)},
    untold=0,
    is_normalised=False,
    timing=TIMING,
    failed=0,
)
REPEATS = Repeats(calls=59, keys=5, differing=0, again=24, again_differing=0, untold=0)


def status(evidence: Evidence, predicted_s: float | None = 0.02, *, is_cache: bool = False) -> str:
    return judged(evidence, predicted_s, is_cache=is_cache)[0]


def test_what_nothing_speaks_against_is_proven():
    assert status(CLEAN) == "proven"
    assert status(CLEAN, None) == "proven"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"overlap": ("b reads x, which a writes",)}, "unsafe"),
        ({"natural": Comparison(24, 1)}, "unsafe"),
        ({"delayed": {"a": Comparison(24, 0), "b": Comparison(24, 1)}}, "unsafe"),
        ({"control": Comparison(24, 1), "natural": Comparison(24, 1)}, "unproven"),
        ({"control": Comparison(24, 1)}, "unproven"),
        ({"untold": 1, "natural": Comparison(24, 1)}, "unproven"),
        ({"loop_bound": True, "natural": Comparison(24, 24)}, "unproven"),
        ({"shared": ("global box (list) changed",)}, "unproven"),
        ({"effects": ("a was seen to connect to a server",)}, "unproven"),
        ({"distinct": 19}, "unproven"),
        ({"failed": 1}, "unproven"),
        ({"timing": None}, "unproven"),
        ({"timing": replace(TIMING, control_s=-0.0021)}, "unproven"),
        ({"timing": replace(TIMING, saved_ci_s=(-0.001, 0.04))}, "unproven"),
        ({"timing": replace(TIMING, saved_s=-0.02, saved_ci_s=(-0.03, -0.01))}, "unproven"),
        ({"timing": replace(TIMING, saved_s=0.0225)}, "unproven"),
    ],
)
def test_each_rule_decides_alone(changed, expected):
    assert status(replace(CLEAN, **changed)) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "proven"),
        ({"differing": 1}, "unsafe"),
        ({"again_differing": 1}, "unsafe"),
        ({"calls": 58}, "unproven"),
        ({"keys": 4}, "unproven"),
        ({"again": 0}, "unproven"),
        ({"untold": 1}, "unproven"),
    ],
)
def test_a_cache_needs_repeats_that_agree(changed, expected):
    evidence = replace(CLEAN, delayed={}, repeats=replace(REPEATS, **changed))

    assert status(evidence, is_cache=True) == expected


def test_a_cache_must_not_leave_effects_out_nor_repeat_ids():
    evidence = replace(CLEAN, repeats=REPEATS)

    assert (
        status(replace(evidence, effects=("n was seen to write a file",)), is_cache=True)
        == "unsafe"
    )
    assert status(replace(evidence, impure=("n uses time.time",)), is_cache=True) == "unproven"
    assert status(replace(evidence, is_normalised=True), is_cache=True) == "unproven"
    assert status(replace(CLEAN, is_normalised=True)) == "proven"


def test_a_prediction_may_err_by_two_percent_or_by_the_noise():
    assert agrees(TIMING, 0.0219)
    assert not agrees(TIMING, 0.0221)
    assert agrees(replace(TIMING, control_s=0.003), 0.0229)


def test_what_decides_comes_first_and_counts_are_told():
    reasons = judged(replace(CLEAN, distinct=3), 0.02, is_cache=False)[1]

    assert reasons[0].startswith("3 distinct inputs are fewer than 20")
    assert "0 of 48 runs differed with a delay on either side" in reasons


NO_GAIN_ALONE = replace(TIMING, saved_s=-0.0003, saved_ci_s=(-0.001, 0.0004))


@pytest.mark.parametrize(
    ("crowded", "expected"),
    [
        (None, "unproven"),
        (TIMING, "proven"),
        (NO_GAIN_ALONE, "unproven"),
        (replace(TIMING, control_s=0.03), "unproven"),
    ],
)
def test_a_saving_may_show_with_several_requests_at_once_only(crowded, expected):
    seen = Crowded(4, crowded) if crowded else None
    evidence = replace(CLEAN, timing=NO_GAIN_ALONE, crowded=seen)
    assert status(evidence, 0.0) == expected
