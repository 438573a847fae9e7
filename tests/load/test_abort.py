"""Conditions that end a load test early."""

from __future__ import annotations

import pytest

from lgprof.errors import UsageError
from lgprof.load.abort import METRICS, parse_abort_rule


@pytest.mark.parametrize(
    ("text", "metric", "limit"),
    [
        ("error_rate>20%", "error_rate", 0.2),
        ("error_rate > 0.2", "error_rate", 0.2),
        ("p99>2s", "p99", 2.0),
        ("p99.9>=1500ms", "p99.9", 1.5),
        (" p50 > 900us ", "p50", 0.0009),
        ("max>3", "max", 3.0),
        ("lag.p99>5ms", "lag.p99", 0.005),
        ("dropped>0", "dropped", 0.0),
        ("timed_out>=10", "timed_out", 10.0),
    ],
)
def test_a_condition(text: str, metric: str, limit: float) -> None:
    rule = parse_abort_rule(text)
    assert (rule.text, rule.metric) == (text, metric)
    assert rule.condition.limit == pytest.approx(limit)


def test_at_the_limit_the_operators_differ() -> None:
    above, from_on = parse_abort_rule("dropped>3"), parse_abort_rule("dropped>=3")
    assert [above.is_met({"dropped": n}) for n in (2, 3, 4)] == [False, False, True]
    assert [from_on.is_met({"dropped": n}) for n in (2, 3, 4)] == [False, True, True]


def test_what_is_not_known_meets_no_condition() -> None:
    rule = parse_abort_rule("p99>0s")
    assert not rule.is_met({})
    assert not rule.is_met({"p99": None})


@pytest.mark.parametrize("text", ["", "p99", ">2s", "p99<2s", "p99<=2s", "p99==2s"])
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(UsageError, match="no condition") as caught:
        parse_abort_rule(text)
    assert caught.value.hint == "write 'error_rate>20%' or 'p99>2s'"


@pytest.mark.parametrize("text", ["p99>", "p99>-1s", "p99>1e3s", "p99>2s;p50>1"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(UsageError, match="is no quantity") as caught:
        parse_abort_rule(text)
    assert caught.value.hint == "write 300ms or 2s"


def test_an_unknown_metric_names_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="no metric 'p42'") as caught:
        parse_abort_rule("p42>2s")
    assert caught.value.hint == f"use one of {', '.join(METRICS)}"


@pytest.mark.parametrize(
    "text", ["p99>20%", "error_rate>2s", "dropped>5%", "failed>1ms", "p99>2parsec"]
)
def test_a_unit_that_does_not_fit(text: str) -> None:
    with pytest.raises(UsageError, match="is not measured in"):
        parse_abort_rule(text)
