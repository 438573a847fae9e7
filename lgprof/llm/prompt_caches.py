"""What providers document of their prompt caches. To change a rule, edit `RULES`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CacheRule:
    """When a provider can read the beginning of a prompt from its cache."""

    provider: str
    """What LangChain's name of the provider contains; "" for all."""
    model: str
    """What the model's name contains; "" for all."""
    minimum_tokens: int
    """A shorter prefix is not cached."""
    step_tokens: int
    """A prefix is cached in whole steps."""
    lifetime_s: float
    """Since it was last written or read."""
    must_be_asked: bool
    """The caller has to mark what to cache, and pays for writing it."""


_FIVE_MINUTES_S = 300.0

RULES: tuple[CacheRule, ...] = (
    CacheRule("anthropic", "opus-5", 512, 1, _FIVE_MINUTES_S, True),
    CacheRule("anthropic", "haiku-4-5", 4096, 1, _FIVE_MINUTES_S, True),
    CacheRule("anthropic", "opus-4-5", 4096, 1, _FIVE_MINUTES_S, True),
    CacheRule("anthropic", "opus-4-6", 4096, 1, _FIVE_MINUTES_S, True),
    CacheRule("anthropic", "", 1024, 1, _FIVE_MINUTES_S, True),
    CacheRule("bedrock", "claude", 1024, 1, _FIVE_MINUTES_S, True),
    CacheRule("google", "", 1024, 1, _FIVE_MINUTES_S, False),
    CacheRule("", "", 1024, 128, _FIVE_MINUTES_S, False),
)
"""The first that fits counts. The last one, OpenAI's, stands for all providers not named."""


def cache_rule(provider: str | None, model: str) -> CacheRule:
    """The rule for a model.

    Args:
        provider: As LangChain names it, such as ``google_genai``; None where it is not known.
        model: Its name.
    """
    return next(rule for rule in RULES if rule.provider in (provider or "") and rule.model in model)
