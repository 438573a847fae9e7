"""``prompt_cache``: prompts that begin alike, and what keeps a provider from seeing it."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Observed, some
from lgprof.model import ModelRow, PromptCache
from lgprof.readable import plural, usd, whole_percent
from lgprof.whatif.changes import PromptCacheUsed

_ASKED_FOR = "anthropic"
_WORTH = 0.1
"""Of the input tokens, by which the cached share must grow."""


def find(observed: Observed) -> Iterator[Finding]:
    """Models whose prompts could come from the provider's cache, and do not."""
    for row in observed.profile.models:
        cache = row.prompt_cache
        if cache is None:
            continue
        reachable = max(cache.cacheable_share, cache.reordered_share)
        if reachable - (cache.actual_share or 0.0) >= _WORTH:
            yield _finding(observed, row, cache, reachable)


def _finding(observed: Observed, row: ModelRow, cache: PromptCache, reachable: float) -> Finding:
    calls = [c for c in observed.spans("model", row.node) if c.span.name == row.model]
    reorder = cache.reordered_share - cache.cacheable_share >= _WORTH
    grounds = Grounds(
        facts=[
            f"{whole_percent(reachable)} of the input tokens of {plural(row.calls, 'call')} could "
            f"be read from the cache{_share_read(cache)}",
        ]
    )
    saving_usd = cache.reordered_saving_usd if reorder else cache.saving_usd
    if saving_usd:
        grounds.facts.append(f"by the price list {usd(saving_usd)} in this measurement")
    if reorder:
        grounds.doubts.append("a prompt in another order may be answered otherwise: look at it")
    return Finding(
        kind="prompt_cache",
        nodes=[row.node],
        title=(
            f"Put what stays the same first in the prompt of {row.node}"
            if reorder
            else f"Use the provider's prompt cache in {row.node}"
        ),
        why=_why(row, cache, reorder),
        change=_code(row, reorder),
        changes=(PromptCacheUsed(row.node, reordered=reorder),),
        evidence=some(calls),
        grounds=grounds,
    )


def _why(row: ModelRow, cache: PromptCache, reorder: bool) -> str:
    parts = []
    at = cache.divergence
    if reorder and at is not None:
        hint = f", where {at.hint} stands" if at.hint else ""
        parts.append(
            f"{cache.diverging_calls} of {plural(row.calls, 'call')} depart from the prompt before "
            f"at character {at.char} of the {at.role} message{hint}: all that follows is read anew,"
            " though most of it was sent before."
        )
    elif reorder:
        parts.append("Most lines of the prompts were sent before, but not at their beginning.")
    else:
        parts.append(
            f"{whole_percent(cache.cacheable_share)} of the input tokens stand in a prefix that "
            "was sent before."
        )
    if cache.actual_share is not None:
        parts.append(f"The provider reports {whole_percent(cache.actual_share)} as cached.")
    else:
        parts.append("The provider does not report what it had cached.")
    return " ".join(parts)


def _share_read(cache: PromptCache) -> str:
    """What was read from the cache, as far as it is known."""
    if cache.actual_share is None:
        return "; how many were is not known"
    return f", {whole_percent(cache.actual_share)} were"


def _code(row: ModelRow, reorder: bool) -> str:
    lines = []
    if row.provider == _ASKED_FOR:
        lines += [
            "from langchain_core.messages import HumanMessage, SystemMessage",
            "",
            'instructions = {"type": "text", "text": INSTRUCTIONS, '
            '"cache_control": {"type": "ephemeral"}}',
            "prompt = [SystemMessage([instructions]), HumanMessage(what_varies)]",
        ]
    else:
        lines += [
            "from langchain_core.messages import HumanMessage, SystemMessage",
            "",
            "# the instructions first and unchanged; turns, dates and ids after them",
            "prompt = [SystemMessage(INSTRUCTIONS), *messages, HumanMessage(what_varies)]",
        ]
    return "\n".join(lines)
