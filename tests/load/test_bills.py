"""The bill of a load test: of every request, without holding up any of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.language_models import FakeListChatModel
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy
from openai import AsyncOpenAI

from lgprof.analysis.build import Process, figures
from lgprof.llm.price_table import parse_price_table
from lgprof.load import biller
from lgprof.load.messages import Baselined, Ready
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.plan import TestPlan
from lgprof.load.rows import all_rows, bill
from lgprof.load.tally import Total
from lgprof.model import Tokens
from lgprof.run.options import Billing
from sample_graphs.fake_models import gpt_4o_mini
from tests.load.sites import make_requests, opened_site
from tests.provider import provider

M = 1_000_000
EACH = (100 * 0.15 + 10 * 0.6) / M
"""400 characters to gpt-4o-mini, and 40 from it."""


class State(TypedDict, total=False):
    text: str
    tries: list[int]


def quick(**settings: Any) -> Any:
    return gpt_4o_mini(lambda messages: "x" * 40, first_token_s=0.001, gap_s=0.0, **settings)


def asking(model: Any, fails: bool = False) -> Any:
    async def ask(state: State) -> State:
        await model.ainvoke("y" * 400)
        if fails and state["text"] == "fail":
            raise ValueError("no")
        return {"text": "done"}

    return StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()


def billed(graph: Any, *inputs: Any, folder: Path, requests: int = 4) -> Total:
    total = Total()
    with opened_site(graph, *inputs, folder=folder) as site:
        make_requests(site, range(requests), sampled=False)
        site.biller.finish()
        total.add(site.ledger.tally.take()[1])
    return total


def test_every_request_is_billed(tmp_path: Path) -> None:
    cost = bill(billed(asking(quick()), {"text": "a"}, folder=tmp_path))
    assert cost.total == pytest.approx(4 * EACH, abs=1e-12)
    assert cost.per_request.mean == pytest.approx(EACH, abs=1e-12)
    assert cost.per_request.p50 == pytest.approx(EACH, rel=1e-2)
    assert (cost.unpriced_calls, cost.failed_requests, cost.failed_attempts) == (0, 0.0, 0.0)


def test_what_failed_requests_and_attempts_cost_stands_apart(tmp_path: Path) -> None:
    inputs = [{"text": text} for text in ("fail", "fine")]
    cost = bill(billed(asking(quick(), fails=True), *inputs, folder=tmp_path))
    assert cost.failed_requests == cost.failed_attempts == pytest.approx(2 * EACH)


def test_attempts_that_are_made_again_are_lost(tmp_path: Path) -> None:
    model = quick()

    async def ask(state: State) -> State:
        await model.ainvoke("y" * 400)
        state["tries"].append(1)
        if len(state["tries"]) % 2:
            raise ValueError("once more")
        return {"text": "done"}

    policy = RetryPolicy(initial_interval=0.001, jitter=False, retry_on=ValueError)
    graph = StateGraph(State).add_node("ask", ask, retry_policy=policy).add_edge(START, "ask")
    cost = bill(billed(graph.compile(), {"text": "", "tries": []}, folder=tmp_path, requests=1))
    assert cost.total == pytest.approx(2 * EACH)
    assert (cost.failed_attempts, cost.failed_requests) == (pytest.approx(EACH), 0.0)


def test_a_graph_without_models_has_no_bill(tmp_path: Path) -> None:
    graph = StateGraph(State).add_node("ask", lambda state: {"text": "b"}).add_edge(START, "ask")
    cost = bill(billed(graph.compile(), {"text": "a"}, folder=tmp_path))
    assert (cost.total, cost.per_request, cost.unpriced_calls) == (None, None, 0)


def tokens_of(total: Total) -> Tokens:
    nothing = figures([], Process(None, 0, 0, None, None))
    [row] = all_rows(total, nothing, Baselined(None, {}), 4).models
    return row.tokens


def test_a_silent_model_is_counted(tmp_path: Path) -> None:
    silent = FakeListChatModel(responses=["It is blue."])
    tokens = tokens_of(billed(asking(silent), {"text": "a"}, folder=tmp_path))
    # 400 times y: 100 tokens; one message 3, its role 1, the answer's start 3.
    assert (tokens.input, tokens.output) == (4 * 107, 4 * 4)
    assert tokens.estimated_share == 1.0


def test_what_does_not_fit_the_queue_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(biller, "MOST_TEXTS", 0)
    silent = FakeListChatModel(responses=["It is blue."])
    total = billed(asking(silent), {"text": "a"}, folder=tmp_path)
    assert tokens_of(total).input is None
    assert bill(total).unpriced_calls == 4
    monkeypatch.setattr(biller, "MOST_REQUESTS", 0)
    total = billed(asking(quick()), {"text": "a"}, folder=tmp_path)
    assert bill(total).total is None
    assert bill(total).unpriced_calls == total.counts["bill",]["overflowed"] == 4
    assert tokens_of(total).input == 400


def test_calls_past_langchain_are_counted_and_billed(tmp_path: Path) -> None:
    with provider(429) as server:
        own = AsyncOpenAI(api_key="sk-of-nobody", base_url=f"{server.url}/v1")

        async def ask(state: State) -> State:
            await own.embeddings.create(
                model="text-embedding-3-small", input="a", encoding_format="float"
            )
            await own.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "b"}]
            )
            return {"text": "done"}

        graph = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()
        total = billed(graph, {"text": "a"}, folder=tmp_path)
    nothing = figures([], Process(None, 0, 0, None, None))
    rows = all_rows(total, nothing, Baselined(None, {}), 4)
    found = {row.model: row for row in rows.models}
    chat, embedding = found["gpt-4o"], found["text-embedding-3-small"]
    assert (rows.llm_calls, chat.calls, chat.kind) == (4, 4, "chat")
    assert (embedding.calls, embedding.kind, embedding.tokens.input) == (4, "embedding", 28)
    dollars = ((2000 - 1024) * 2.5 + 1024 * 1.25 + 50 * 10 + 7 * 0.02) / M
    assert bill(total).total == pytest.approx(4 * dollars, abs=1e-12)
    assert rows.nodes[0].cost_usd == pytest.approx(4 * dollars, abs=1e-12)


def test_own_prices_reach_the_workers() -> None:
    plain = {"input": 100.0, "output": 0.0}
    own = {"gpt-4o*": {**plain, "cache_read": 1.0}, "x": plain}
    options = LoadOptions(billing=Billing(prices=parse_price_table(own, "the test")))
    assert TestPlan(options, FleetOptions()).setup(0, None, b"").prices == own


@pytest.mark.parametrize(
    ("known", "options", "words"),
    [
        (
            {"cost_usd": 0.01},
            {},
            "will follow, with about 600 model calls, about $3.00.",
        ),
        (
            {"cost_usd": 0.0001, "tokens": 50, "unpriced_calls": 1},
            {},
            "with about 600 model calls, 15,000 tokens, at least $0.03.",
        ),
        ({}, {}, "with about 600 model calls, at an unknown price (--prices)."),
        ({"llm_calls": 0}, {}, "300 requests will follow."),
        (
            {"cost_usd": 0.01},
            {"users": 5},
            "5 users will send requests for 30 s, each with about 2 model calls, about $0.01.",
        ),
    ],
)
def test_a_live_load_says_what_it_will_cost(known: Any, options: Any, words: str) -> None:
    facts = {"llm_calls": 2, "tokens": None, "cold_s": None, "live_hosts": ["1.2.3.4"], **known}
    others = {"target": None, "environment": None, "mode": "async", "tool_calls": 0}
    ready = Ready(pool_size=None, **others, **facts)
    plan = TestPlan(LoadOptions(warmup_s=0.0, **options), FleetOptions())
    assert plan.projection(ready).endswith(words)
