"""Every number of a Profile has a name, and each name its number."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.errors import UsageError
from lgprof.metrics import Metric, Unit, measures, metric_of, parse_metric
from lgprof.model import ATTRIBUTION_CATEGORIES, LatencySummary
from tests.load_profiles import load_profile
from tests.render import sample_profiles

SCOPES = ("graph", "node", "model", "tool", "error")


@pytest.fixture(scope="module")
def profile() -> Any:
    """Two nodes that call one model, and one that calls another and a tool."""
    return sample_profiles.agent()


def numbers(value: Any, path: str = "") -> dict[str, float]:
    """Every number below a decoded part of a file, by its path; lists are tables or raw data."""
    if isinstance(value, dict):
        found: dict[str, float] = {}
        for key, inner in value.items():
            found |= numbers(inner, f"{path}.{key}" if path else key)
        return found
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {path: value} if is_number else {}


@pytest.mark.parametrize("make", [lambda: sample_profiles.agent(), lambda: load_profile()])
def test_every_number_has_a_name(make: Any) -> None:
    profile = make()
    data = msgspec.to_builtins(profile)
    parts = {"$.summary": data["summary"], "$.attribution_s": data["attribution_s"]}
    if data["load"]:
        parts["$.load"] = data["load"]
    for root, part in parts.items():
        for path, number in numbers(part).items():
            metric = parse_metric(f"{root}.{path}")
            assert metric.path == f"{root}.{path}"
            assert metric.value(profile) == number
    for table, scope in (("nodes", "node"), ("models", "model"), ("tools", "tool")):
        for row in data[table]:
            for path in numbers(row):
                assert f"$.{table}[*].{path}" in {each.path for each in measures(scope).values()}


@pytest.mark.parametrize("scope", SCOPES)
def test_each_name_is_read_back(scope: Any) -> None:
    for name in measures(scope):
        key = None if scope == "graph" else 'odd "name"/b.c'
        metric = metric_of(scope, name, key) if key is None else Metric(measures(scope)[name], key)
        assert parse_metric(metric.name) == metric


@given(st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"])))
def test_any_key_can_be_written(key: str) -> None:
    metric = Metric(measures("node")["p95"], key)
    assert parse_metric(metric.name) == metric


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("p95", "p95", "$.summary.latency_s.p95"),
        ("summary.latency_s.p95", "p95", "$.summary.latency_s.p95"),
        ("p99.9", "p99.9", "$.summary.histogram"),
        ("cost", "cost.total", "$.summary.cost_usd.total"),
        ("cost.per_request", "cost.per_request", "$.summary.cost_usd.per_request.mean"),
        (
            "llm_calls.per_request",
            "llm_calls.per_request",
            "$.summary.llm_calls / $.summary.requests",
        ),
        ("attribution.model", "attribution.model", "$.attribution_s.model"),
        ("lag.p99", "load.schedule_lag.p99", "$.load.schedule_lag_s.p99"),
        ("dropped", "load.dropped", "$.load.dropped"),
        ('node["a/b"].p50', 'node["a/b"].p50', '$.nodes[?@.path=="a/b"].latency_s.p50'),
        ("node['a'].critical", "node.a.critical", '$.nodes[?@.path=="a"].critical_s'),
        ("model.gpt-4o.cost", 'model["gpt-4o"].cost', '$.models[?@.model=="gpt-4o"].cost_usd'),
        (
            'node.a.tool["x"].errors',
            "node.a.tool.x.errors",
            '$.tools[?@.tool=="x" && @.node=="a"].errors',
        ),
    ],
)
def test_names(text: str, name: str, path: str) -> None:
    assert (parse_metric(text).name, parse_metric(text).path) == (name, path)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("p95", Unit.SECONDS),
        ("attribution.model", Unit.SECONDS),
        ("error_rate", Unit.SHARE),
        ("tokens.estimated_share", Unit.SHARE),
        ("tokens.input", Unit.TOKENS),
        ("cost.per_request", Unit.USD),
        ("cost.unpriced_calls", Unit.COUNT),
        ("peak_rss", Unit.BYTES),
        ("throughput_rps", Unit.PER_SECOND),
        ("llm_calls", Unit.COUNT),
        ("load.duration", Unit.SECONDS),
        ("load.saturation.max_rps", Unit.PER_SECOND),
        ("node.a.visits.mean", Unit.COUNT),
        ("node.a.blocking", Unit.SECONDS),
        ("model.m.output_tokens_per_s", Unit.PER_SECOND),
    ],
)
def test_units(name: str, unit: Unit) -> None:
    assert parse_metric(name).unit is unit


def test_attribution_is_all_there() -> None:
    assert {f"attribution.{name}" for name in ATTRIBUTION_CATEGORIES} <= set(measures("graph"))


def test_any_percentile_comes_from_the_histogram(profile: Any) -> None:
    fields = LatencySummary.__struct_fields__
    assert parse_metric("p50").value(profile) == profile.summary.latency_s.p50
    assert "p75" not in fields
    low, high = parse_metric("p1").value(profile), parse_metric("p99.9").value(profile)
    between = parse_metric("p75").value(profile)
    assert low is not None
    assert between is not None
    assert high is not None
    assert low <= between <= high


def test_totals_of_rows_add_up_and_are_had_per_request(profile: Any) -> None:
    model = profile.models[0].model
    rows = [row for row in profile.models if row.model == model]
    total = metric_of("model", "calls", model).value(profile)
    assert total == sum(row.calls for row in rows)
    each = metric_of("model", "calls.per_request", model).value(profile)
    assert each == total / profile.summary.requests


def test_what_several_nodes_call_must_be_named_with_one(profile: Any) -> None:
    profile = msgspec.convert(msgspec.to_builtins(profile), type(profile))
    row = msgspec.convert(msgspec.to_builtins(profile.models[0]), type(profile.models[0]))
    row.node = "elsewhere"
    profile.models.append(row)
    with pytest.raises(UsageError, match="is called from 2 nodes") as caught:
        metric_of("model", "p95", row.model).value(profile)
    first = profile.models[0]
    assert str(caught.value.hint).startswith("name one of them: node.")
    assert metric_of("model", "mean", row.model, node=first.node).value(profile) is not None


def test_without_a_model_call_nothing_was_spent(profile: Any) -> None:
    free = sample_profiles.chain(2)
    free.summary.llm_calls = 0
    free.summary.cost_usd.per_request = None
    free.summary.tokens.input = None
    assert parse_metric("cost.per_request").value(free) == 0
    assert parse_metric("tokens.input.per_request").value(free) == 0
    free.summary.llm_calls = 1
    assert parse_metric("cost.per_request").value(free) is None


def test_a_node_that_never_ran_has_no_times(profile: Any) -> None:
    profile = sample_profiles.chain(2)
    profile.target.nodes.append("sleeper")
    assert parse_metric("node.sleeper.calls").value(profile) == 0
    assert parse_metric("node.sleeper.p95").value(profile) is None
    assert parse_metric("error['builtins.ValueError'].count").value(profile) == 0


def test_an_unknown_row_names_those_that_there_are(profile: Any) -> None:
    path = profile.nodes[0].path
    with pytest.raises(UsageError, match="has no node") as caught:
        metric_of("node", "p95", f"{path}x").value(profile)
    assert caught.value.hint == f"did you mean {path}?"
    with pytest.raises(UsageError, match="has no tool 'zzzz'") as caught:
        parse_metric("tool.zzzz.errors").value(profile)
    assert "its tools are" in str(caught.value.hint) or "at all" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("p59x", None),
        ("p95s", "did you mean p95? lgprof gate --list-metrics names them all"),
        (
            "cost.per_reqest",
            "did you mean cost.per_request? lgprof gate --list-metrics names them all",
        ),
        ("node.a.p9x", "did you mean node.a.p99? lgprof gate --list-metrics names them all"),
        ("node.a", None),
        ("node.a.node.b.p95", 'a model or tool may stand in a node: node.a.model["m"].p95'),
        ("p95.per_request", None),
        ("model.m.p99.9", None),
        ("", None),
        ("zzz", "lgprof gate --list-metrics names them all"),
    ],
)
def test_what_is_no_metric(text: str, hint: str | None) -> None:
    with pytest.raises(UsageError, match="no metric") as caught:
        parse_metric(text)
    assert caught.value.hint == hint if hint else caught.value.hint
