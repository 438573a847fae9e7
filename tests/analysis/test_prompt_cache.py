"""What a prompt cache could save: worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage, SystemMessage

from lgprof.analysis.build import Process, figures
from lgprof.analysis.costs import price_calls
from lgprof.analysis.prompt_cache import note_prompt_caches
from lgprof.llm.price_table import PriceTable
from lgprof.llm.prices import Prices
from lgprof.model import ModelCall, ModelRow, Request, Span, Tokens
from lgprof.record.prompt_shape import PromptReader

M = 1_000_000
CHARS_PER_TOKEN = 4
SYSTEM = "".join(f"Rule {n:03}: say what is known of it. " for n in range(256))[:8192]
PRICES = Prices(PriceTable(), datetime(2026, 11, 1, tzinfo=UTC))


class Calls:
    """Model calls, one a second, as a recording would have seen them."""

    def __init__(self, model: str = "gpt-4o", provider: str = "openai") -> None:
        self.model, self.provider = model, provider
        self.requests: list[Request] = []
        self._reader = PromptReader(b"salt")
        self._now_s = 0.0

    def request(self, *prompts: str, system: str = SYSTEM, **how: Any) -> Calls:
        spans = [self._call(system, prompt, **how) for prompt in prompts]
        index = len(self.requests)
        self.requests.append(
            Request(
                index=index,
                outcome="ok",
                start_s=0.0,
                end_s=1.0,
                latency_s=1.0,
                input_hash=how.get("input_hash", f"input {index}"),
                spans=spans,
            )
        )
        return self

    def _call(self, system: str, prompt: str, after_s: float = 1.0, **how: Any) -> Span:
        self._now_s += after_s
        messages = [SystemMessage(system), HumanMessage(prompt)]
        tokens = Tokens(
            input=(len(system) + len(prompt)) // CHARS_PER_TOKEN,
            output=10,
            cache_read=how.get("cache_read"),
        )
        return Span(
            id=int(self._now_s * 1000),
            kind="model",
            path="ask",
            name=self.model,
            start_s=self._now_s,
            end_s=self._now_s + how.get("lasts_s", 0.5),
            model=ModelCall(
                name=self.model,
                provider=self.provider,
                tokens=tokens,
                prompt=self._reader.read("ask", self.model, messages, None),
            ),
        )

    def row(self) -> ModelRow:
        price_calls(self.requests, PRICES)
        made = figures(self.requests, Process(None, 0, 1, None, None))
        note_prompt_caches(made.models, self.requests, PRICES)
        [row] = made.models
        return row


def user(n: int) -> str:
    """40 characters: 10 tokens."""
    return f"{n:04}" + "question" * 4 + "? no"


def test_a_system_prompt_that_is_sent_again_is_cacheable() -> None:
    row = Calls().request(user(1)).request(user(2)).request(user(3)).row()
    cache = row.prompt_cache
    # 8192 characters are 2048 tokens: 16 steps of 128. The first call has nothing to read.
    assert cache.cacheable_share == pytest.approx(2 * 2048 / (3 * 2058))
    assert cache.actual_share is None
    # gpt-4o: 2.50 USD a million tokens, 1.25 from the cache.
    assert cache.saving_usd == pytest.approx(2 * 2048 * (2.5 - 1.25) / M, abs=1e-12)
    assert (row.duplicate_calls, row.near_duplicate_calls) == (0, 2)


def test_what_was_cached_is_not_left_to_save() -> None:
    row = Calls().request(user(1), cache_read=0).request(user(2), cache_read=1920).row()
    assert row.prompt_cache.actual_share == pytest.approx(1920 / (2 * 2058))
    assert row.prompt_cache.saving_usd == pytest.approx(128 * 1.25 / M, abs=1e-12)


def test_a_prefix_below_the_minimum_is_not_cacheable() -> None:
    short = SYSTEM[: 1000 * CHARS_PER_TOKEN]
    row = Calls().request(user(1), system=short).request(user(2), system=short).row()
    assert row.prompt_cache.cacheable_share == 0.0
    assert row.prompt_cache.saving_usd == 0.0


@pytest.mark.parametrize(("after_s", "calls"), [(299.0, 1), (301.0, 0)])
def test_a_provider_forgets_after_its_lifetime(after_s: float, calls: int) -> None:
    row = Calls().request(user(1)).request(user(2), after_s=after_s + 0.5).row()
    assert row.prompt_cache.cacheable_share == pytest.approx(calls * 2048 / (2 * 2058))


def test_each_use_renews_the_lifetime() -> None:
    calls = Calls().request(user(1))
    for n in range(2, 5):
        calls.request(user(n), after_s=200.0)
    assert calls.row().prompt_cache.cacheable_share == pytest.approx(3 * 2048 / (4 * 2058))


def test_calls_at_once_cannot_read_what_none_has_written() -> None:
    row = Calls().request(user(1), user(2), after_s=0.1, lasts_s=5.0).row()
    assert row.prompt_cache.cacheable_share == 0.0


def test_a_turn_number_on_top_hides_all_that_follows() -> None:
    calls = Calls()
    for n in range(1, 4):
        calls.request(user(n), system=f"Turn {n}.\n{SYSTEM}")
    row = calls.row()
    cache = row.prompt_cache
    assert cache.cacheable_share == 0.0
    assert cache.reordered_share > 0.6
    assert cache.saving_usd == 0.0
    assert cache.reordered_saving_usd > 0.0
    at = cache.divergence
    assert (at.message, at.role, at.char, at.hint) == (0, "system", 5, "a number")
    assert cache.diverging_calls == 2


def test_writing_to_a_cache_that_must_be_asked_costs() -> None:
    calls = Calls(model="claude-sonnet-4-5", provider="anthropic")
    calls.request(user(1)).request(user(2)).request(user(3))
    # 3 USD a million tokens; written for 3.75 once, read for 0.30 twice.
    saved = 2 * 2048 * (3 - 0.3) - 2048 * (3.75 - 3)
    assert calls.row().prompt_cache.saving_usd == pytest.approx(saved / M, abs=1e-12)


def test_a_model_without_a_price_has_shares_and_no_saving() -> None:
    row = Calls(model="ours").request(user(1)).request(user(2)).row()
    assert row.prompt_cache.cacheable_share > 0.4
    assert row.prompt_cache.saving_usd is None
    assert row.prompt_cache.reordered_saving_usd is None


def test_the_same_prompt_for_another_input_is_a_duplicate() -> None:
    row = Calls().request(user(1)).request(user(1)).request(user(1), user(1)).row()
    assert (row.duplicate_calls, row.near_duplicate_calls) == (3, 0)


def test_an_input_that_the_measurement_repeats_makes_no_duplicates() -> None:
    calls = Calls()
    for _ in range(5):
        calls.request(user(1), input_hash="the only one")
    assert calls.row().duplicate_calls == 0


def test_a_conversation_that_is_sent_whole_grows() -> None:
    said = [user(1) * turns for turns in (1, 2, 3, 4)]
    assert Calls().request(*said).request(*said).row().input_growth_tokens == pytest.approx(10.0)
    assert Calls().request(user(1)).row().input_growth_tokens is None


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([2048, 6000, 8192]), st.floats(0.1, 400)),
        min_size=1,
        max_size=8,
    )
)
def test_shares_are_shares(sent: list[tuple[int, int, float]]) -> None:
    calls = Calls()
    for number, length, after_s in sent:
        calls.request(user(number), system=SYSTEM[:length], after_s=after_s)
    cache = calls.row().prompt_cache
    assert 0.0 <= cache.cacheable_share <= cache.reordered_share <= 1.0
    assert 0.0 <= cache.saving_usd <= cache.reordered_saving_usd
