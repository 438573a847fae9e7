"""The timeline of the median request, and of the slowest where it differs."""

from __future__ import annotations

from collections.abc import Sequence

from lgprof.model import Request
from lgprof.render.format import count, plural
from lgprof.render.terminal.calls import Call, call_tree
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.timeline_chart import Chart
from lgprof.stats import percentile

_MOST_ROWS = 40
_MOST_ROWS_VERBOSE = 200
_MATERIAL_RATIO = 1.3
_MATERIAL_S = 0.005


def timeline_blocks(page: Page) -> list[Block]:
    """One timeline or two; empty where no request was recorded."""
    with_spans = [request for request in page.profile.requests if request.spans]
    succeeded = sorted(
        (request for request in with_spans if request.outcome == "ok"),
        key=lambda request: request.latency_s,
    )
    if not succeeded:
        return [_failed_block(page, with_spans[0])] if with_spans else []
    median_s = percentile([request.latency_s for request in succeeded], 50)
    median = next(request for request in succeeded if request.latency_s == median_s)
    slowest = succeeded[-1]
    what = "median request" if len(succeeded) > 1 else "the only successful request"
    facts = [f"{what} #{count(median.index)}", page.time(median.latency_s)]
    blocks = [_block(page, median, "Timeline", facts, 1.0)]
    if _differs(median, slowest):
        blocks.append(_slowest_block(page, median, slowest))
    return blocks


def _differs(median: Request, slowest: Request) -> bool:
    more = slowest.latency_s - median.latency_s
    return slowest.latency_s >= median.latency_s * _MATERIAL_RATIO and more >= _MATERIAL_S


def _slowest_block(page: Page, median: Request, slowest: Request) -> Block:
    ratio = slowest.latency_s / median.latency_s if median.latency_s > 0 else 0.0
    times = f"{ratio:.1f}{page.glyphs.times} the median" if ratio else "the median took no time"
    reason = _difference(page, call_tree(median), call_tree(slowest))
    facts = [f"#{count(slowest.index)}", page.time(slowest.latency_s), f"{times}{reason}"]
    return _block(page, slowest, "Slowest request", facts, 0.5)


def _failed_block(page: Page, request: Request) -> Block:
    what = f"none succeeded, #{count(request.index)} {request.outcome.replace('_', ' ')}"
    return _block(page, request, "Timeline", [what, page.time(request.latency_s)], 1.0)


def _block(
    page: Page, request: Request, title: str, facts: list[str], share_of_rows: float
) -> Block:
    most = _MOST_ROWS_VERBOSE if page.verbosity else round(_MOST_ROWS * share_of_rows)
    chart = Chart(page, request, most)
    if chart.supersteps:
        facts.append(plural(chart.supersteps, "superstep"))
    if request.interrupts:
        facts.append(plural(request.interrupts, "interrupt"))
    return Block(title, chart.lines(), ", ".join(facts))


def _difference(page: Page, median: Sequence[Call], slowest: Sequence[Call]) -> str:
    """The node that makes most of the difference, in words."""
    usual, now = _by_name(median), _by_name(slowest)
    gains = {name: now[name] - usual.get(name, 0.0) for name in now}
    if not gains:
        return ""
    name = max(gains, key=lambda name: gains[name])
    if gains[name] < _MATERIAL_S:
        return ""
    return f", {page.time(gains[name])} more in {page.fit_middle(page.name(name), 24)}"


def _by_name(calls: Sequence[Call]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for call in calls:
        if call.span.kind == "node":
            seconds[call.span.name] = seconds.get(call.span.name, 0.0) + call.seconds
    return seconds
