"""Conditions on metrics: quantities, units, comparisons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.errors import UsageError
from lgprof.metrics import Condition, parse_condition


def condition(text: str) -> Condition:
    return parse_condition(text, "--budget", "'p95<2s'")


@pytest.mark.parametrize(
    ("text", "metric", "comparison", "limit"),
    [
        ("p95<2s", "p95", "<", 2.0),
        (" p95 <= 1500 ms ", "p95", "<=", 1.5),
        ("p50<900µs", "p50", "<", 0.0009),
        ("max<1.5m", "max", "<", 90.0),
        ("p99<2", "p99", "<", 2.0),
        ("error_rate<1%", "error_rate", "<", 0.01),
        ("error_rate==0", "error_rate", "==", 0.0),
        ("cost.per_request<$0.02", "cost.per_request", "<", 0.02),
        ("cost.per_request<.02usd", "cost.per_request", "<", 0.02),
        ("peak_rss<1GiB", "peak_rss", "<", 1024.0**3),
        ("peak_rss<200MB", "peak_rss", "<", 2e8),
        ("tokens.input.per_request<10k", "tokens.input.per_request", "<", 10_000.0),
        ("throughput_rps>=50/s", "throughput_rps", ">=", 50.0),
        ('node["a<b"].p95<3s', 'node["a<b"].p95', "<", 3.0),
        ("node['x'].errors==0", "node.x.errors", "==", 0.0),
    ],
)
def test_a_condition(text: str, metric: str, comparison: str, limit: float) -> None:
    read = condition(text)
    assert (read.metric.name, read.comparison) == (metric, comparison)
    assert read.limit == pytest.approx(limit)
    assert read.text == text.strip()


@pytest.mark.parametrize(
    ("comparison", "holds"),
    [
        ("<", [True, False, False]),
        ("<=", [True, True, False]),
        ("==", [False, True, False]),
        (">=", [False, True, True]),
        (">", [False, False, True]),
    ],
)
def test_at_the_limit_the_comparisons_differ(comparison: str, holds: list[bool]) -> None:
    read = condition(f"llm_calls{comparison}3")
    assert [read.holds(value) for value in (2.0, 3.0, 4.0)] == holds


@given(st.floats(0.001, 1e6))
def test_equal_means_to_the_last_digits(value: float) -> None:
    read = condition(f"cost.per_request=={value:.12f}")
    assert read.holds(value)
    assert not read.holds(value * 1.001)


@pytest.mark.parametrize("text", ["", "p95", "p95=2", "p95!=2", "<2s", "p95<<2s"[:4]])
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        condition(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("p95<2x", "--budget 'p95<2x': p95 is not measured in x", "write 300ms or 2s"),
        ("p95<1%", "--budget 'p95<1%': p95 is not measured in %", "write 300ms or 2s"),
        ("p95<$2", "--budget 'p95<$2': p95 is not measured in $", "write 300ms or 2s"),
        ("p95<", "--budget 'p95<': p95: '' is no quantity", "write 300ms or 2s"),
        ("p95<-1s", "--budget 'p95<-1s': p95: '-1s' is no quantity", "write 300ms or 2s"),
        ("p95<2s;", "--budget 'p95<2s;': p95: '2s;' is no quantity", "write 300ms or 2s"),
        (
            "error_rate<2s",
            "--budget 'error_rate<2s': error_rate is not measured in s",
            "write 1% or 0.01",
        ),
        ("p95", "--budget 'p95' is no condition", "write 'p95<2s'"),
    ],
)
def test_an_error_says_what_to_write(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        condition(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)
