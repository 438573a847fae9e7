"""Token usage as providers report it, in one form.

Two shapes come from LangChain: ``usage_metadata`` of a message, and OpenAI's ``token_usage`` in
``llm_output`` of older integrations and text completions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lgprof.model import Tokens

_TIERS = ("priority", "flex")
"""Service tiers: langchain-openai writes them before the names of the details."""


def reported_tokens(usage: Mapping[str, Any] | None) -> Tokens | None:
    """What a provider reported of one call; None where it reported nothing, or was not asked.

    Args:
        usage: ``usage_metadata``, or ``token_usage`` in OpenAI's shape.
    """
    if not usage or is_cache_hit(usage):
        return None
    if "prompt_tokens" in usage:
        usage = _from_openai(usage)
    into, out = _details(usage, "input"), _details(usage, "output")
    hour = _count(into, "ephemeral_1h_input_tokens")
    return Tokens(
        input=_number(usage.get("input_tokens")),
        output=_number(usage.get("output_tokens")),
        cache_read=_count(into, *_tiered("cache_read")),
        cache_write=_count(
            into,
            *_tiered("cache_creation"),
            "ephemeral_5m_input_tokens",
            "ephemeral_1h_input_tokens",
        ),
        cache_write_1h=hour or None,
        reasoning=_count(out, *_tiered("reasoning")),
        input_audio=_count(into, "audio") or None,
        output_audio=_count(out, "audio") or None,
        estimated_share=0.0,
    )


def counted_tokens(counted: tuple[int, int] | None) -> Tokens | None:
    """Input and output that we counted ourselves; None where we could not."""
    if counted is None:
        return None
    sent, answered = counted
    return Tokens(input=sent, output=answered, estimated_share=1.0)


def service_tier(usage: Mapping[str, Any] | None) -> str | None:
    """``priority`` or ``flex`` where a call was billed as such; None for the standard tier."""
    names = {*_details(usage, "input"), *_details(usage, "output")} if usage else set()
    return next(
        (tier for tier in _TIERS for name in names if name == tier or name.startswith(f"{tier}_")),
        None,
    )


def is_cache_hit(usage: Mapping[str, Any] | None) -> bool:
    """Whether LangChain's LLM cache answered: it notes a cost of 0 beside the usage."""
    return usage is not None and usage.get("total_cost") == 0


def _from_openai(usage: Mapping[str, Any]) -> dict[str, Any]:
    into = usage.get("prompt_tokens_details") or {}
    out = usage.get("completion_tokens_details") or {}
    return {
        "input_tokens": usage.get("prompt_tokens"),
        "output_tokens": usage.get("completion_tokens"),
        "input_token_details": {
            "cache_read": into.get("cached_tokens"),
            "cache_creation": into.get("cache_write_tokens"),
            "audio": into.get("audio_tokens"),
        },
        "output_token_details": {
            "reasoning": out.get("reasoning_tokens"),
            "audio": out.get("audio_tokens"),
        },
    }


def _details(usage: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    return usage.get(f"{side}_token_details") or {}


def _tiered(name: str) -> tuple[str, ...]:
    return (name, *(f"{tier}_{name}" for tier in _TIERS))


def _count(details: Mapping[str, Any], *names: str) -> int | None:
    """Sum of the parts that were reported; the lifetimes of cache writes are parts of it."""
    known = [number for name in names if (number := _number(details.get(name))) is not None]
    return sum(known) if known else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
