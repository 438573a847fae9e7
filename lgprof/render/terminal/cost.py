"""What the run cost: by node and model, per request, and projected to real traffic."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from rich.text import Text

from lgprof.analysis.costs import request_cost_usd
from lgprof.model import ModelRow, Request
from lgprof.readable import count, percent, plural, significant, usd, whole_percent
from lgprof.render.terminal import palette
from lgprof.render.terminal.call_tables import cost_cell, token_column
from lgprof.render.terminal.facts import fact_lines
from lgprof.render.terminal.node_table import small_bar
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.palette import Role
from lgprof.render.terminal.table import Column, table_lines

_MOST_ROWS = 25
_MOST_UNPRICED = 3
_DEARER = 1.005
"""The costliest request is worth a line from this many times the median."""


def cost_blocks(page: Page) -> list[Block]:
    """The bill; empty where no model was called."""
    rows = sorted(page.profile.models, key=lambda row: (-(row.cost_usd or 0), row.node, row.model))
    if not rows:
        return []
    shown = rows if page.verbosity else rows[:_MOST_ROWS]
    lines = table_lines(page, _columns(page, shown))
    if len(shown) < len(rows):
        more = f"  {plural(len(rows) - len(shown), 'more row')} that cost less (-v)"
        lines.append(Text(more, style=palette.QUIET))
    facts = fact_lines(page, cost_facts(page, rows))
    return [Block("Cost", [*lines, Text(), *facts], whose_prices(page))]


def cost_facts(page: Page, rows: Sequence[ModelRow]) -> list[tuple[str, str]]:
    """The bill in words, and what is missing in it."""
    return [*_bill(page), *_apart(page), *_estimated(page), *_unpriced(page, rows)]


def _columns(page: Page, rows: Sequence[ModelRow]) -> list[Column]:
    columns = [
        Column("node", [Text(page.name(row.node)) for row in rows], 100, True, 10),
        Column("model", [Text(page.name(row.model)) for row in rows], 98, True, 10),
        Column("calls", [Text(count(row.calls)) for row in rows], 80),
        token_column("input", rows, lambda tokens: tokens.input, 70),
    ]
    if any(row.tokens.cache_read is not None for row in rows):
        columns.append(token_column("cached", rows, lambda tokens: tokens.cache_read, 60))
    columns.append(token_column("output", rows, lambda tokens: tokens.output, 69))
    if any(row.tokens.reasoning is not None for row in rows):
        columns.append(token_column("reasoning", rows, lambda tokens: tokens.reasoning, 50))
    columns.append(Column("cost", [cost_cell(row) for row in rows], 99))
    if page.profile.summary.cost_usd.total:
        columns.append(Column("share", [_share(page, row) for row in rows], 90, True))
    return columns


def _share(page: Page, row: ModelRow) -> Text:
    total = page.profile.summary.cost_usd.total
    if row.cost_usd is None or not total:
        return Text("   ?", style=palette.QUIET)
    share = row.cost_usd / total
    text = Text(whole_percent(share).rjust(4))
    return text.append(" ").append(small_bar(page, share), style=palette.bar_style(Role.MODEL))


def _bill(page: Page) -> list[tuple[str, str]]:
    """Per request, in all, and for more requests than were made."""
    cost = page.profile.summary.cost_usd
    if cost.total is None or cost.per_request is None:
        return [("in all", "unknown")]
    each = cost.per_request
    least = "at least " if cost.unpriced_calls else ""
    spread = [f"{usd(getattr(each, name))} {name}" for name in ("mean", "p50", "p95", "max")]
    facts = [
        ("in all", f"{least}{usd(cost.total)}"),
        ("per request", f"{least}{page.joined(spread)}"),
        ("per 1,000 requests", f"{least}{usd(1000 * each.mean)}"),
    ]
    monthly = page.profile.settings.get("monthly_requests")
    if monthly:
        facts.append(("per month", f"{least}{usd(monthly * each.mean)} at {monthly:,.0f} requests"))
    return facts


def _apart(page: Page) -> list[tuple[str, str]]:
    """Money that was lost to errors, and the request that cost most."""
    summary = page.profile.summary
    cost, facts = summary.cost_usd, []
    if summary.failed + summary.timed_out and cost.total:
        facts.append(("failed requests", _lost(cost.failed_requests, cost.total)))
    if cost.failed_attempts and cost.total:
        facts.append(("failed attempts", _lost(cost.failed_attempts, cost.total)))
    if cost.per_request is not None and cost.per_request.max > _DEARER * cost.per_request.p50:
        costliest = max(
            page.profile.requests, key=lambda one: request_cost_usd(one) or 0.0, default=None
        )
        # A load test keeps few requests: the costliest may not be among them.
        if costliest and (request_cost_usd(costliest) or 0.0) > cost.per_request.max / _DEARER:
            facts.append(("costliest request", _costliest(page, costliest, cost.per_request.p50)))
    return facts


def _lost(dollars: float | None, total_usd: float) -> str:
    """Money that was spent for nothing."""
    return "unknown" if dollars is None else f"{usd(dollars)} ({percent(dollars / total_usd)})"


def _costliest(page: Page, request: Request, median_usd: float) -> str:
    """Its cost beside the median, and the node and model that most of it went to."""
    parts: dict[tuple[str, str], list[float]] = defaultdict(list)
    for span in request.spans:
        if span.model is not None and span.model.cost_usd is not None:
            parts[span.path, span.model.name].append(span.model.cost_usd)
    (node, model), costs = max(parts.items(), key=lambda part: math.fsum(part[1]))
    cost_usd = request_cost_usd(request) or 0.0
    facts = [f"#{request.index}, {usd(cost_usd)}"]
    if median_usd:
        facts.append(f"{significant(cost_usd / median_usd, 2)}{page.glyphs.times} the median")
    where = f"{page.name(node)} ({page.name(model)}"
    facts.append(f"{usd(math.fsum(costs))} of it in {where}, {plural(len(costs), 'call')})")
    return ", ".join(facts)


def _estimated(page: Page) -> list[tuple[str, str]]:
    share = page.profile.summary.tokens.estimated_share
    if not share:
        return []
    return [("estimated", f"{percent(share)} of the tokens: counted here, as none were reported")]


def _unpriced(page: Page, rows: Sequence[ModelRow]) -> list[tuple[str, str]]:
    """Calls that are missing in the bill, and why."""
    missing = [row for row in rows if row.unpriced_calls]
    most = len(missing) if page.verbosity else _MOST_UNPRICED
    facts = []
    for index, row in enumerate(missing[:most]):
        calls = plural(row.unpriced_calls, "call")
        where = f"{page.name(row.model)} in {page.name(row.node)}, {calls}: {_reason(row)}"
        facts.append(("" if index else "not in it", where))
    if missing[most:]:
        facts.append(("", f"{plural(len(missing) - most, 'more row')} (-v)"))
    return facts


def _reason(row: ModelRow) -> str:
    if row.tokens.input is None:
        return "no usage reported"
    if row.cost_usd is None:
        return "no price (--prices)"
    return "no price or no usage reported"


def whose_prices(page: Page) -> str:
    """Where the prices come from; empty without a model call."""
    environment = page.profile.environment
    if environment.prices_source is None:
        return ""
    newest = f", newest of {environment.prices_date}" if environment.prices_date else ""
    return page.clean(f"prices of {environment.prices_source}{newest}")
