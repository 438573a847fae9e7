"""How long requests took, and what they cost in calls, tokens, CPU and memory."""

from __future__ import annotations

import math

from rich.text import Text

from lgprof.model import LatencySummary, Summary, Tokens
from lgprof.readable import average, count, percent, plural, rate, size, usd
from lgprof.render.terminal import palette
from lgprof.render.terminal.facts import fact_grid
from lgprof.render.terminal.page import INDENT, Block, Page

_COLUMNS = ("p50", "p90", "p95", "p99", "max", "mean")
_PERCENTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}
_UNKNOWN = "unknown"


def latency_blocks(page: Page) -> list[Block]:
    """Percentiles, the requests that stand apart, and the totals."""
    summary = page.profile.summary
    sample = summary.succeeded + summary.timed_out
    lines: list[Text] = []
    if summary.latency_s is None:
        lines.append(Text("  no request succeeded", style=palette.ERROR))
    else:
        lines += _percentiles(page, summary.latency_s, sample)
    lines.append(Text())
    lines += fact_grid(page, run_facts(page, summary))
    note = plural(sample, "successful request")
    if summary.timed_out:
        note = f"{plural(sample, 'request')}, {count(summary.timed_out)} of them timed out"
    return [Block("Latency", lines, note)]


def is_maximum(percentile: float, sample: int) -> bool:
    """Whether a sample is too small to tell this percentile (by nearest rank) from its maximum."""
    return math.ceil(percentile / 100 * sample) >= sample


def _percentiles(page: Page, latency: LatencySummary, sample: int) -> list[Text]:
    width = 11 if page.width >= 80 else (page.width - INDENT) // len(_COLUMNS)
    header, values = Text(" " * INDENT), Text(" " * INDENT)
    weak = [name for name, q in _PERCENTILES.items() if is_maximum(q, sample)]
    for name in _COLUMNS:
        mark = page.glyphs.note if name in weak else ""
        style = palette.QUIET if name in weak else palette.STRONG
        header.append(f"{name}{mark}".ljust(width), style=palette.QUIET)
        values.append(page.time(getattr(latency, name)).ljust(width), style=style)
    header.rstrip()
    values.rstrip()
    lines = [header, values]
    if weak:
        which = "the only one" if sample == 1 else f"the slowest of {count(sample)}"
        lines.append(Text(f"  {page.glyphs.note} {which}", style=palette.QUIET))
    return lines


def run_facts(page: Page, summary: Summary) -> list[tuple[str, str]]:
    """What stands apart from the latency, and the totals."""
    facts = []
    if summary.warmup or summary.cold_s is not None:
        facts.append(("cold first run", _seconds(page, summary.cold_s)))
    facts.append(("failed", _failed(page, summary)))
    facts.append(("throughput", rate(summary.throughput_rps)))
    facts.append(("CPU", _per_request(page, summary.cpu_s)))
    facts.append(("peak memory", _memory(summary)))
    return facts + usage_facts(summary)


def usage_facts(summary: Summary) -> list[tuple[str, str]]:
    """Calls, tokens and money."""
    facts = [("LLM calls", _calls(summary.llm_calls, summary.requests))]
    if summary.llm_calls:
        facts.append(("tokens in", _tokens_in(summary.tokens)))
        facts.append(("tokens out", _tokens_out(summary.tokens)))
    if summary.cost_usd.total is not None:
        facts.append(("cost", _cost(summary)))
    facts.append(("tool calls", _calls(summary.tool_calls, summary.requests)))
    return facts


def _seconds(page: Page, seconds: float | None) -> str:
    return _UNKNOWN if seconds is None else page.time(seconds)


def _per_request(page: Page, seconds: float | None) -> str:
    return _UNKNOWN if seconds is None else f"{page.time(seconds)} per request"


def _failed(page: Page, summary: Summary) -> str:
    lost = summary.failed + summary.timed_out
    text = f"{count(lost)} of {count(summary.requests)}"
    if lost:
        text = f"{text} ({percent(summary.error_rate)})"
    if summary.failed_latency_s is not None:
        text = f"{text}, after {page.time(summary.failed_latency_s.p50)} (p50)"
    if summary.cancelled:
        text = f"{text}, {count(summary.cancelled)} cancelled"
    return text


def _calls(number: int, requests: int) -> str:
    if not number or not requests:
        return count(number)
    return f"{count(number)} ({average(number / requests)} per request)"


def _tokens_in(tokens: Tokens) -> str:
    if tokens.input is None:
        return _UNKNOWN
    text = count(tokens.input)
    if tokens.cache_read:
        share = tokens.cache_read / tokens.input if tokens.input else 0.0
        text = f"{text} ({percent(share)} from the prompt cache)"
    return text + _estimated(tokens)


def _tokens_out(tokens: Tokens) -> str:
    if tokens.output is None:
        return _UNKNOWN
    text = count(tokens.output)
    if tokens.reasoning:
        text = f"{text} ({count(tokens.reasoning)} reasoning)"
    return text + _estimated(tokens)


def _estimated(tokens: Tokens) -> str:
    if not tokens.estimated_share:
        return ""
    return f", {percent(tokens.estimated_share)} estimated"


def _cost(summary: Summary) -> str:
    cost = summary.cost_usd
    text = usd(cost.total or 0.0)
    if cost.per_request is not None:
        text = f"{usd(cost.per_request.mean)} per request, {text} in all"
    if cost.unpriced_calls:
        text = f"{text}, {plural(cost.unpriced_calls, 'call')} without a price"
    return text


def _memory(summary: Summary) -> str:
    if summary.peak_rss_bytes is None:
        return _UNKNOWN
    text = size(summary.peak_rss_bytes)
    if summary.rss_growth_bytes is not None and summary.rss_growth_bytes > 0:
        text = f"{text}, grew by {size(summary.rss_growth_bytes)}"
    return text
