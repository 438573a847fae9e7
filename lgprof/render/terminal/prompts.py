"""What prompts have in common: what a provider's cache could hold, and what keeps it from it."""

from __future__ import annotations

from rich.text import Text

from lgprof.model import ModelRow, PromptCache
from lgprof.readable import count, usd, whole_percent
from lgprof.render.terminal import palette
from lgprof.render.terminal.facts import fact_lines
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.table import Column, table_lines

_WORTH_MOVING = 0.05
"""A better order of the prompt is worth a line from this share of the input on."""
_GROWS = 0.1
"""The input of a loop grows from this share of a call's on."""
_MOST_FINDINGS = 3


def prompt_blocks(page: Page) -> list[Block]:
    """One row per node and model whose prompts have something in common; empty without any."""
    rows = [row for row in page.profile.models if _is_worth_a_row(row)]
    if not rows:
        return []
    rows.sort(key=lambda row: (-_savable_usd(row), -(row.tokens.input or 0), row.node))
    caches = [row.prompt_cache for row in rows if row.prompt_cache]
    columns = [
        Column("node", [Text(page.name(row.node)) for row in rows], 100, True, 10),
        Column("model", [Text(page.name(row.model)) for row in rows], 98, True, 10),
        Column("cacheable", [_share(cache.cacheable_share) for cache in caches], 97),
        Column("was cached", [_share(cache.actual_share) for cache in caches], 96),
        Column("left to save", [_money(cache.saving_usd) for cache in caches], 95),
        Column("reordered", [_share(cache.reordered_share) for cache in caches], 80),
        Column("repeats", [_number(row.duplicate_calls) for row in rows], 90),
        Column("but for numbers", [_number(row.near_duplicate_calls) for row in rows], 50),
        Column("growth", [_growth(row) for row in rows], 70),
    ]
    lines = table_lines(page, columns)
    findings = [(page.name(row.node), finding) for row in rows if (finding := _finding(page, row))]
    if findings:
        lines += [Text(), *fact_lines(page, findings[:_MOST_FINDINGS])]
    return [Block("Prompts", lines, "shares of the input tokens, growth in tokens per call")]


def _is_worth_a_row(row: ModelRow) -> bool:
    cache = row.prompt_cache
    return cache is not None and bool(
        cache.reordered_share
        or cache.actual_share
        or row.duplicate_calls
        or row.near_duplicate_calls
        or _grows(row)
    )


def _grows(row: ModelRow) -> bool:
    each = (row.tokens.input or 0) / row.calls
    return (row.input_growth_tokens or 0.0) > _GROWS * each


def _savable_usd(row: ModelRow) -> float:
    return (row.prompt_cache.reordered_saving_usd or 0.0) if row.prompt_cache else 0.0


def _share(share: float | None) -> Text:
    if share is None:
        return Text("?", style=palette.QUIET)
    return Text(whole_percent(share), style=palette.PLAIN if share else palette.QUIET)


def _money(dollars: float | None) -> Text:
    if dollars is None:
        return Text("?", style=palette.QUIET)
    return Text(usd(dollars), style=palette.PLAIN if dollars else palette.QUIET)


def _number(calls: int | None) -> Text:
    if calls is None:
        return Text("?", style=palette.QUIET)
    return Text(count(calls), style=palette.PLAIN if calls else palette.QUIET)


def _growth(row: ModelRow) -> Text:
    if row.input_growth_tokens is None:
        return Text("-", style=palette.QUIET)
    return Text(f"{row.input_growth_tokens:+,.0f}")


def _finding(page: Page, row: ModelRow) -> str:
    """What stands in the way of the cache, and what another order would bring."""
    cache = row.prompt_cache
    if cache is None or cache.divergence is None:
        return ""
    if cache.reordered_share - cache.cacheable_share < _WORTH_MOVING:
        return ""
    at = cache.divergence
    what = at.hint or "text"
    where = "the tools" if at.message < 0 else f"message {at.message} ({page.clean(at.role)})"
    number = cache.diverging_calls
    calls = f"{count(number)} {'call differs' if number == 1 else 'calls differ'}"
    brings = f"{whole_percent(cache.reordered_share)} could be cached{_more(cache)}"
    place = f"{what} in {where}, character {at.char}"
    return f"{calls} from the one before at {place}: sent last, {brings}"


def _more(cache: PromptCache) -> str:
    if cache.reordered_saving_usd is None or cache.saving_usd is None:
        return ""
    more_usd = cache.reordered_saving_usd - cache.saving_usd
    return f", {usd(more_usd)} less" if more_usd > 0 else ""
