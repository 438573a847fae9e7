"""The bill of a run: by call, row, request and in all."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from typing import Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import BaseLLM, FakeListChatModel, LangSmithParams
from langchain_core.outputs import Generation, LLMResult
from langgraph.graph import START, StateGraph

from lgprof.analysis.build import Process, figures
from lgprof.llm.price_table import parse_price_table
from lgprof.model import ModelCall, Request, Span, Tokens
from lgprof.run import Billing
from sample_graphs.fake_models import FakeChatModel, gpt_4o_mini
from tests.profiling import profile_graph

SAMPLES = Path(__file__).parents[2] / "sample_graphs"
M = 1_000_000


class State(TypedDict, total=False):
    text: str


def asking(model: Any, then_fails: bool = False) -> Any:
    def ask(state: State) -> State:
        model.invoke(state["text"])
        if then_fails and state["text"] == "fail":
            raise ValueError("no")
        return {"text": "done"}

    return StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()


def answer(messages: object) -> str:
    return "x" * 40  # 10 tokens


def test_a_run_is_billed_by_listed_prices() -> None:
    profile = profile_graph(asking(gpt_4o_mini(answer)), {"text": "y" * 400}).profile
    dollars = (100 * 0.15 + 10 * 0.6) / M
    [row] = profile.models
    assert row.cost_usd == profile.nodes[0].cost_usd == pytest.approx(dollars, abs=1e-12)
    assert profile.summary.cost_usd.total == pytest.approx(dollars, abs=1e-12)
    assert profile.summary.cost_usd.unpriced_calls == row.unpriced_calls == 0
    assert profile.environment.prices_source.startswith("genai-prices")
    assert profile.environment.prices_date


def test_own_prices_and_traffic_are_taken() -> None:
    own = parse_price_table({"gpt-4o*": {"input": 100, "output": 0}}, "the test")
    profile = profile_graph(
        asking(gpt_4o_mini(answer)),
        {"text": "y" * 400},
        billing=Billing(prices=own, monthly_requests=1e6),
    ).profile
    assert profile.summary.cost_usd.total == pytest.approx(0.01)
    assert profile.settings["monthly_requests"] == 1e6


def test_what_failed_requests_cost_stands_apart() -> None:
    texts = ("fine", "fail", "fine")
    inputs = [{"text": text} for text in texts]
    profile = profile_graph(asking(gpt_4o_mini(answer), then_fails=True), *inputs).profile
    each = (1 * 0.15 + 10 * 0.6) / M
    cost = profile.summary.cost_usd
    assert profile.summary.failed == 1
    assert cost.total == pytest.approx(3 * each)
    assert cost.failed_requests == pytest.approx(each)
    assert cost.per_request.mean == cost.per_request.max == pytest.approx(each)


def test_a_model_without_a_price_is_counted_and_not_free() -> None:
    unknown = FakeChatModel(model="of-our-own", script=answer)
    profile = profile_graph(asking(unknown), {"text": "a"}, {"text": "b"}).profile
    cost = profile.summary.cost_usd
    assert (cost.total, cost.per_request, cost.failed_requests) == (None, None, None)
    assert cost.unpriced_calls == profile.models[0].unpriced_calls == 2
    assert profile.models[0].cost_usd is None


def test_a_call_without_usage_has_no_cost() -> None:
    profile = profile_graph(asking(FakeListChatModel(responses=["hi"])), {"text": "a"}).profile
    assert profile.summary.cost_usd.total is None
    assert profile.summary.cost_usd.unpriced_calls == 1


def test_an_answer_that_is_an_error_is_not_billed() -> None:
    limited = gpt_4o_mini(answer, rejects=lambda messages: True)
    profile = profile_graph(asking(limited), {"text": "a"}).profile
    assert profile.summary.failed == 1
    assert profile.summary.cost_usd.total is None
    assert profile.summary.cost_usd.unpriced_calls == 0


def test_answers_of_the_llm_cache_are_free_and_counted() -> None:
    model = gpt_4o_mini(answer, cache=InMemoryCache())
    profile = profile_graph(asking(model), {"text": "a"}, {"text": "a"}, {"text": "a"}).profile
    [row] = profile.models
    assert row.llm_cache_hits == 2
    assert row.cost_usd == pytest.approx((1 * 0.15 + 10 * 0.6) / M)
    assert row.tokens.output == 10
    assert profile.warnings == []
    assert row.unpriced_calls == 0


def test_a_graph_without_models_has_no_bill() -> None:
    graph = StateGraph(State).add_node("ask", lambda state: {"text": "b"}).add_edge(START, "ask")
    profile = profile_graph(graph.compile(), {"text": "a"}).profile
    assert profile.summary.cost_usd.total is None
    assert profile.summary.cost_usd.unpriced_calls == 0
    assert profile.environment.prices_date is None


@pytest.mark.parametrize("name", sorted(file.stem for file in SAMPLES.glob("*.jsonl")))
def test_rows_and_requests_add_up_to_the_total(name: str) -> None:
    graph = importlib.import_module(f"sample_graphs.{name}").app
    lines = (SAMPLES / f"{name}.jsonl").read_text().splitlines()[:2]
    profile = profile_graph(graph, *map(json.loads, lines)).profile
    cost = profile.summary.cost_usd
    assert cost.unpriced_calls == 0
    assert_adds_up(profile.models, profile.nodes, cost.total)
    if profile.summary.llm_calls:
        assert cost.per_request.mean * 2 == pytest.approx(cost.total)


def assert_adds_up(models: list, nodes: list, total: float | None) -> None:
    for rows in (models, nodes):
        known = [row.cost_usd for row in rows if row.cost_usd is not None]
        if total is None:
            assert not known
        else:
            assert math.fsum(known) == pytest.approx(total, rel=1e-12)


calls = st.tuples(
    st.sampled_from(["a", "b", "a/c"]),
    st.sampled_from(["gpt-4o", "own"]),
    st.none() | st.floats(0, 10),
    st.sampled_from(["ok", "failed", "cancelled"]),
)


@given(st.lists(st.tuples(st.sampled_from(["ok", "failed", "timed_out"]), st.lists(calls))))
def test_every_way_of_adding_up_gives_the_same_bill(requests: list) -> None:
    made = [made_request(i, outcome, parts) for i, (outcome, parts) in enumerate(requests)]
    bill = figures(made, Process(None, 0, 1, None, None))
    cost = bill.summary.cost_usd
    assert_adds_up(bill.models, bill.nodes, cost.total)
    assert sum(row.unpriced_calls for row in bill.models) == cost.unpriced_calls
    if cost.per_request is not None:
        assert cost.per_request.mean * len(made) == pytest.approx(cost.total)
        assert cost.per_request.p50 <= cost.per_request.p95 <= cost.per_request.max
        assert (cost.failed_requests or 0.0) <= cost.total + 1e-9


def made_request(index: int, outcome: str, parts: list) -> Request:
    spans = [
        Span(
            id=number,
            kind="model",
            path=path,
            name=name,
            start_s=0.0,
            end_s=1.0,
            outcome=call_outcome,
            model=ModelCall(
                name=name,
                tokens=None if cost_usd is None else Tokens(input=1, output=1),
                cost_usd=cost_usd,
            ),
        )
        for number, (path, name, cost_usd, call_outcome) in enumerate(parts)
    ]
    return Request(index=index, outcome=outcome, start_s=0.0, end_s=1.0, latency_s=1.0, spans=spans)


class Completion(BaseLLM):
    """A text-completion model: its usage is in ``llm_output`` alone."""

    @property
    def _llm_type(self) -> str:
        return "completion"

    def _get_ls_params(self, stop: Any = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(ls_provider="openai", ls_model_name="gpt-4o-mini")

    def _generate(self, prompts: list[str], *args: Any, **kwargs: Any) -> LLMResult:
        usage = {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}
        return LLMResult(generations=[[Generation(text="x")]], llm_output={"token_usage": usage})


def test_usage_of_a_text_completion_is_read_from_its_llm_output() -> None:
    profile = profile_graph(asking(Completion()), {"text": "a"}).profile
    assert profile.summary.tokens.input == 1_000
    assert profile.summary.cost_usd.total == pytest.approx((1_000 * 0.15 + 100 * 0.6) / M)


def test_a_call_without_usage_is_counted_and_marked_as_an_estimate() -> None:
    silent = FakeListChatModel(responses=["It is blue."])
    asked = {"text": "What colour is the sea?"}
    both = profile_graph(asking(silent), asked).profile
    tokens = both.models[0].tokens
    # One message: 3, its role 1, its text 6; the answer's start 3.
    assert (tokens.input, tokens.output) == (13, 4)
    assert tokens.estimated_share == both.summary.tokens.estimated_share == 1.0
