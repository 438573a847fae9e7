from __future__ import annotations

import math
from statistics import NormalDist

import pytest

from lgprof.gate.sequential import (
    FAIL_LEVELS,
    INTERVAL_LEVELS,
    LOOKS,
    PASS_LEVELS,
    Estimate,
    Finding,
    Levels,
    estimate,
    holm,
    levels_at,
    states,
    weigh,
)

_GRID = 401


def spent(levels: tuple[float, ...]) -> list[float]:
    """Error that a Gaussian random walk has spent after each look, by recursive integration."""
    normal = NormalDist()
    times = [look / LOOKS[-1] for look in LOOKS]
    density: list[tuple[float, float]] = []
    total, result = 0.0, []
    for number, (time, level) in enumerate(zip(times, levels, strict=True)):
        step = math.sqrt(time - (times[number - 1] if number else 0))
        bound = normal.inv_cdf(1 - level) * math.sqrt(time)
        before = density or [(0.0, 1.0)]
        total += sum(w * (1 - normal.cdf((bound - x) / step)) for x, w in before)
        result.append(total)
        low = -6 * math.sqrt(time)
        width = (bound - low) / (_GRID - 1)
        points = [low + i * width for i in range(_GRID)]
        ends = (0, _GRID - 1)
        density = [
            (
                y,
                sum(w * math.exp(-(((y - x) / step) ** 2) / 2) for x, w in before)
                / (step * math.sqrt(2 * math.pi))
                * width
                * (0.5 if i in ends else 1),
            )
            for i, y in enumerate(points)
        ]
    return result


@pytest.mark.parametrize(
    ("levels", "alpha"), [(FAIL_LEVELS, 0.01), (INTERVAL_LEVELS, 0.025), (PASS_LEVELS, 0.05)]
)
def test_the_levels_spend_the_error_as_pocock_s_spending_function_says(
    levels: tuple[float, ...], alpha: float
) -> None:
    wanted = [alpha * math.log(1 + (math.e - 1) * look / LOOKS[-1]) for look in LOOKS]
    assert spent(levels) == pytest.approx(wanted, rel=0.005)


def test_between_looks_the_level_is_that_of_the_later() -> None:
    assert levels_at(4) == Levels(0.00252, 0.01259, 0.0063)
    assert levels_at(2) == levels_at(4)
    assert levels_at(9) == levels_at(12)
    assert levels_at(24).fail == FAIL_LEVELS[-1]


def test_an_estimate_is_the_mean_with_its_standard_error() -> None:
    found = estimate([0.01, 0.03, 0.02, 0.02])
    assert found.mean == pytest.approx(0.02)
    assert found.se == pytest.approx(math.sqrt(0.0002 / 3 / 4))
    assert found.df == 3
    # t(0.025, 3) = 3.1824
    assert found.lower(0.025) == pytest.approx(0.02 - 3.182446305 * found.se)
    assert found.upper(0.025) == pytest.approx(0.02 + 3.182446305 * found.se)
    assert found.p_above(found.lower(0.01)) == pytest.approx(0.01)


def test_one_pair_has_no_spread() -> None:
    with pytest.raises(ValueError, match="1 pairs"):
        estimate([0.1])


def test_equal_pairs_leave_no_doubt() -> None:
    found = estimate([0.06] * 4)
    assert weigh(found, tolerance=0.05, margin=0.01, passing=0.01).p < 1e-9


def test_what_can_be_detected_is_beyond_the_margin_by_both_quantiles() -> None:
    found = Estimate(0.0, 0.005, 5)
    plain = 0.01 + (3.364930 + 1.475884) * 0.005  # t(0.01, 5), t(0.1, 5)
    # The spread is taken sqrt(5 / 2.3425) times as large: the 20 % quantile of chi square.
    assert found.detectable(0.01, 0.01) == pytest.approx(
        0.01 + (plain - 0.01) * math.sqrt(5 / 2.342534), rel=0.005
    )


def test_holm_steps_down() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}, 0.05) == {"a"}
    assert holm({"a": 0.01, "b": 0.04, "c": 0.02}, 0.05) == {"a", "b", "c"}
    assert holm({"a": 0.02, "b": 0.5}, 0.05) == {"a"}
    assert holm({"a": 0.03, "b": 0.5}, 0.05) == set()
    assert holm({}, 0.05) == set()


def test_what_is_tolerable_never_fails() -> None:
    family = {
        "slower, but tolerable": Finding(p=1e-9, tolerable=True),
        "slower": Finding(p=1e-9, tolerable=False),
        "unclear": Finding(p=0.2, tolerable=False),
    }
    assert states(family, 0.01) == {
        "slower, but tolerable": "pass",
        "slower": "fail",
        "unclear": "inconclusive",
    }
