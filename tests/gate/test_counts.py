from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.gate.counts import Outcomes, Paired, p_more_errors, totals


def test_repeated_counts_that_agree_are_exact() -> None:
    found = totals([Paired(i % 3, 10 + i % 3, 11 + i % 3) for i in range(9)])
    assert (found.base, found.new, found.exact, found.estimate) == (99, 108, True, None)
    assert found.change == pytest.approx(9 / 99)


def test_a_change_of_one_unit_in_one_request_is_found() -> None:
    requests = [Paired(i % 5, 1000, 1001 if i % 5 == 2 else 1000) for i in range(10)]
    found = totals(requests)
    assert found.exact
    assert found.change == pytest.approx(2 / 10000)


def test_equal_counts_need_no_repetition() -> None:
    found = totals([Paired(i, i, i) for i in range(4)])
    assert found.exact
    assert found.change == 0


def test_unrepeated_counts_that_differ_are_not_known_exactly() -> None:
    assert not totals([Paired(i, 100, 101 + i) for i in range(4)]).exact


def test_one_request_that_is_not_repeated_is_known_by_the_others() -> None:
    assert totals([*[Paired(0, 100, 101)] * 2, Paired(1, 100, 101)]).exact
    assert not totals([Paired(0, 100, 101), Paired(0, 100, 102), Paired(1, 100, 101)]).exact


def test_counts_that_vary_between_repetitions_have_an_interval() -> None:
    requests = [Paired(0, 100, 110), Paired(0, 104, 108), Paired(1, 50, 55), Paired(1, 52, 57)]
    found = totals(requests)
    assert not found.exact
    assert found.estimate is not None
    ratio = 330 / 306
    squares = sum((r.new - ratio * r.base) ** 2 for r in requests)
    assert found.estimate.mean == pytest.approx(math.log(ratio))
    assert found.estimate.se == pytest.approx(math.sqrt(squares / 3 / 4) / (306 / 4) / ratio)
    assert found.estimate.df == 3


def test_something_where_nothing_was_has_no_relative_change() -> None:
    found = totals([Paired(0, 0, 3), Paired(0, 0, 3)])
    assert found.exact
    assert found.change is None


def test_the_delta_method_keeps_its_level() -> None:
    """Noise of 10 % per call on inputs of very different sizes: 1 % of A/A comparisons at 1 %."""
    chance = random.Random(5)
    rejected = 0
    for _ in range(1000):
        sizes = [math.exp(chance.gauss(6, 0.8)) for _ in range(100)]
        found = totals(
            [
                Paired(
                    i, size * chance.lognormvariate(0, 0.1), size * chance.lognormvariate(0, 0.1)
                )
                for i, size in enumerate(sizes)
            ]
        )
        assert found.estimate is not None
        rejected += found.estimate.lower(0.01) > 0
    assert 1 <= rejected <= 25


@pytest.mark.parametrize(
    ("base_errors", "new_errors", "n", "p"),
    [
        (0, 7, 100, 0.0070089),  # C(100,7)/C(200,7): none against seven is significant at 1 %
        (0, 6, 100, 0.0144655),
        (3, 3, 50, 0.661134),
        (0, 0, 10, 1.0),
        (5, 0, 10, 1.0),
    ],
)
def test_fisher_s_exact_test(base_errors: int, new_errors: int, n: int, p: float) -> None:
    assert p_more_errors([Outcomes(base_errors, n, new_errors, n)]) == pytest.approx(p, rel=1e-4)


def test_the_lady_tasting_tea() -> None:
    """Fisher's own example: three of four cups right, p = 17/70."""
    assert p_more_errors([Outcomes(1, 4, 3, 4)]) == pytest.approx(17 / 70)


def test_an_input_that_fails_every_time_is_told_by_itself() -> None:
    """One of six runs in a row by chance: one in 924, however many other inputs there are."""
    assert p_more_errors([Outcomes(0, 6, 6, 6)]) == pytest.approx(1 / math.comb(12, 6))


def test_requests_that_are_not_repeated_are_tested_by_sign() -> None:
    """As McNemar's exact test does it: seven times the candidate alone has failed."""
    assert p_more_errors([Outcomes(0, 1, 1, 1)] * 7) == pytest.approx(2**-7)
    assert p_more_errors([Outcomes(0, 1, 1, 1), Outcomes(1, 1, 0, 1)]) == pytest.approx(3 / 4)


def test_without_an_error_nothing_is_told() -> None:
    assert p_more_errors([]) == 1
    assert p_more_errors([Outcomes(2, 4, 0, 4)]) == pytest.approx(1)


requests_made = st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
    lambda made: st.builds(
        Outcomes,
        st.integers(0, made[0]),
        st.just(made[0]),
        st.integers(0, made[1]),
        st.just(made[1]),
    )
)


@given(st.lists(requests_made, max_size=6), requests_made)
def test_more_errors_never_look_better(others: list[Outcomes], one: Outcomes) -> None:
    p = p_more_errors([*others, one])
    assert 0 < p <= 1 + 1e-9
    if one.new_failed and one.base_failed < one.base:
        fewer = one._replace(new_failed=one.new_failed - 1, base_failed=one.base_failed + 1)
        assert p <= p_more_errors([*others, fewer]) + 1e-9
