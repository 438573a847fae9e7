"""What is counted of every request equals what the spans of a few of them show."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lgprof.analysis.costs import price_calls, summed_cost
from lgprof.analysis.fold import fold
from lgprof.llm.price_table import PriceTable
from lgprof.llm.prices import Prices
from lgprof.load.messages import Baseline
from lgprof.load.rows import bill
from lgprof.load.tally import Total
from lgprof.model import Request
from tests.load import apps
from tests.load.sites import make_requests, opened_site

SAMPLE_GRAPHS = Path(__file__).parents[2] / "sample_graphs"
REQUESTS = 3


def sample(name: str) -> tuple[Any, list[Any]]:
    module = importlib.import_module(f"sample_graphs.{name}")
    lines = (SAMPLE_GRAPHS / f"{name}.jsonl").read_text().splitlines()
    return module.app, [json.loads(line) for line in lines]


CASES = {
    "rich": lambda: (apps.rich, [{"i": "{{i}}"}]),
    "functional": lambda: (apps.functional, [{"i": 1}]),
    "asks": lambda: (apps.asks, [{"i": 1}]),
    "quick_sync": lambda: (apps.quick_sync, [{"i": 1}]),
    "fails": lambda: (apps.fails, [{"i": 1}]),
    **{
        name: lambda name=name: sample(name)
        for name in ("customer_support", "research", "resilient", "production", "retrying")
    },
}


def calls_of_spans(request: Request) -> list[tuple[Any, ...]]:
    attempts = Counter(span.parent for span in request.spans if span.kind == "attempt")
    return sorted(
        (
            span.path,
            round(span.start_s, 6),
            round(span.end_s, 6),
            attempts[span.id],
            span.outcome,
        )
        for span in request.spans
        if span.kind == "node" and attempts[span.id]
    )


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_folded_calls_equal_spans(
    case: str, sampled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    graph, inputs = CASES[case]()
    with opened_site(graph, *inputs, folder=tmp_path, keep=4 * REQUESTS, resumes=["5"]) as site:
        make_requests(site, range(REQUESTS), sampled=sampled)
        kept = {found.log.index: found for found in site.keeper._sampled}
        kept |= {found.log.index: found for *_, found in site.keeper._slowest}
        requests = site.keeper.requests(0, in_loop=site.mode == "async")
        site.biller.finish()
        _, counted = site.ledger.tally.take()
    assert [request.index for request in requests] == list(range(REQUESTS))
    total = Total()
    total.add(counted)
    calls: Counter[str] = Counter()
    for request in requests:
        found = kept[request.index]
        folded = fold(found.events, found.log.legs[-1].end_ns)
        ours = sorted(
            (
                call.path,
                round(call.start_ns / 1e9, 6),
                round(call.end_ns / 1e9, 6),
                call.attempts,
                call.outcome,
            )
            for call in folded.nodes
        )
        assert ours == calls_of_spans(request)
        calls.update(call.path for call in folded.nodes)
        for kind in ("model", "tool", "retriever"):
            spans = [span for span in request.spans if span.kind == kind]
            assert sorted(
                (call.node, call.name) for call in folded.calls if call.kind == kind
            ) == sorted((span.path, span.name) for span in spans)
    assert calls
    assert {path: total.histogram("node", path).total for path in calls} == calls
    assert site.recording.orphans == 0
    price_calls(requests, Prices(PriceTable(), datetime.now(UTC)))
    of_spans, of_all = summed_cost(requests), bill(total)
    assert of_all.total == (None if of_spans.total is None else pytest.approx(of_spans.total))
    assert of_all.unpriced_calls == of_spans.unpriced_calls
    if of_spans.per_request:
        assert of_all.per_request.mean == pytest.approx(of_spans.per_request.mean)
        assert of_all.per_request.max == pytest.approx(of_spans.per_request.max, rel=1e-3)
        assert of_all.failed_requests == pytest.approx(of_spans.failed_requests)
        assert of_all.failed_attempts == pytest.approx(of_spans.failed_attempts)


@pytest.mark.parametrize(("within_s", "requests"), [(0.0, 1), (3600.0, 4)])
def test_without_load_a_graph_that_takes_its_time_is_asked_once(
    tmp_path: Path, within_s: float, requests: int
) -> None:
    made: list[int] = []

    async def note(state: apps.State) -> apps.State:
        made.append(state["i"])
        return {}

    with opened_site(apps.one_node(note), {"i": "{{i}}"}, folder=tmp_path) as site:
        made.clear()
        found = site.baseline(Baseline(first_index=70, most=4, within_s=within_s))
    assert made == list(range(70, 70 + requests))
    assert found.graph_s is not None
    assert list(found.nodes_s) == ["work"]
