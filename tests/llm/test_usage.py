"""Usage as providers report it, read into one form."""

from __future__ import annotations

import pytest

from lgprof.llm.usage import is_cache_hit, reported_tokens, service_tier
from lgprof.model import Tokens

OPENAI = {
    "input_tokens": 10_000,
    "output_tokens": 1_000,
    "total_tokens": 11_000,
    "input_token_details": {"cache_read": 8_000, "audio": 0},
    "output_token_details": {"reasoning": 600, "audio": 0},
}
FLEX = {
    "input_tokens": 10_000,
    "output_tokens": 1_000,
    "input_token_details": {"flex": 2_000, "flex_cache_read": 8_000},
    "output_token_details": {"flex": 400, "flex_reasoning": 600},
}
ANTHROPIC = {
    "input_tokens": 10_000,
    "output_tokens": 1_000,
    "input_token_details": {
        "cache_read": 2_000,
        "cache_creation": 0,
        "ephemeral_5m_input_tokens": 1_000,
        "ephemeral_1h_input_tokens": 5_000,
    },
}
OF_LLM_OUTPUT = {
    "prompt_tokens": 10_000,
    "completion_tokens": 1_000,
    "prompt_tokens_details": {"cached_tokens": 8_000, "audio_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 600, "audio_tokens": 30},
}


def read(**more: int) -> Tokens:
    return Tokens(input=10_000, output=1_000, estimated_share=0.0, **more)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (OPENAI, read(cache_read=8_000, reasoning=600)),
        (FLEX, read(cache_read=8_000, reasoning=600)),
        (ANTHROPIC, read(cache_read=2_000, cache_write=6_000, cache_write_1h=5_000)),
        (
            OF_LLM_OUTPUT,
            read(cache_read=8_000, reasoning=600, input_audio=20, output_audio=30),
        ),
        ({"input_tokens": 10_000, "output_tokens": 1_000}, read()),
    ],
)
def test_every_providers_usage_reads_the_same(usage: dict, tokens: Tokens) -> None:
    assert reported_tokens(usage) == tokens


@pytest.mark.parametrize("usage", [None, {}])
def test_nothing_reported_is_unknown(usage: dict | None) -> None:
    assert reported_tokens(usage) is None
    assert service_tier(usage) is None
    assert not is_cache_hit(usage)


def test_what_is_no_count_is_unknown() -> None:
    odd = reported_tokens({"input_tokens": "many", "output_tokens": -1, "total_tokens": None})
    assert (odd.input, odd.output) == (None, None)


def test_the_service_tier_is_told_by_the_names_of_the_details() -> None:
    assert service_tier(FLEX) == "flex"
    assert service_tier({"input_token_details": {"priority_cache_read": 0}}) == "priority"
    assert service_tier(OPENAI) is None


def test_an_answer_of_the_llm_cache_used_no_tokens() -> None:
    hit = {**OPENAI, "total_cost": 0}
    assert is_cache_hit(hit)
    assert reported_tokens(hit) is None
