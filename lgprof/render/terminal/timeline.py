"""The timeline of the median request, and of the slowest where it differs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from lgprof.model import Profile, Request
from lgprof.readable import count, plural
from lgprof.render.terminal.critical import critical_seconds
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.timeline_chart import Chart
from lgprof.stats import percentile

_MOST_ROWS = 40
_MOST_ROWS_VERBOSE = 200
_MATERIAL_RATIO = 1.3
_MATERIAL_S = 0.005
_SLOWEST = "Slowest request"


def timeline_blocks(page: Page) -> list[Block]:
    """One timeline or two; empty where no request was recorded."""
    succeeded = drawable_requests(page.profile)
    if not succeeded:
        with_spans = [request for request in page.profile.requests if request.spans]
        return [_failed_block(page, with_spans[0])] if with_spans else []
    median = median_request(page.profile, succeeded)
    slowest = succeeded[-1]
    blocks = [_block(page, median, "Timeline", median_facts(page, median, succeeded), 1.0)]
    if _differs(median, slowest):
        blocks.append(_slowest_block(page, median, slowest))
    return blocks


def drawable_requests(profile: Profile) -> list[Request]:
    """Those with spans that succeeded, by ascending latency."""
    found = [each for each in profile.requests if each.spans and each.outcome == "ok"]
    return sorted(found, key=lambda request: request.latency_s)


def median_request(profile: Profile, succeeded: Sequence[Request]) -> Request:
    """Of those that succeeded, by ascending latency.

    Of a load test the one nearest to the median of all requests: the kept ones are no sample.
    """
    load = profile.load
    if load is None or load.service_s is None:
        median_s = percentile([request.latency_s for request in succeeded], 50)
    else:
        median_s = load.service_s.p50
    return min(succeeded, key=lambda request: abs(request.latency_s - median_s))


def median_facts(page: Page, median: Request, succeeded: Sequence[Request]) -> list[str]:
    """Which request it is, and how long it took."""
    if page.profile.load is not None:
        what = "near the median,"
    else:
        what = "median request" if len(succeeded) > 1 else "the only successful request"
    return [f"{what} #{count(median.index)}", _time(page, median)]


def _time(page: Page, request: Request) -> str:
    """Its latency; in a load test without the wait for its start, which is told apart."""
    taken = page.time(request.latency_s)
    if request.intended_s is None:
        return taken
    taken = f"service time {taken}"
    late_s = request.start_s - request.intended_s
    if late_s < max(_MATERIAL_S, 0.1 * request.latency_s):
        return taken
    return f"{taken}, started {page.time(late_s)} late"


def _differs(median: Request, slowest: Request) -> bool:
    more = slowest.latency_s - median.latency_s
    return slowest.latency_s >= median.latency_s * _MATERIAL_RATIO and more >= _MATERIAL_S


def _slowest_block(page: Page, median: Request, slowest: Request) -> Block:
    ratio = slowest.latency_s / median.latency_s if median.latency_s > 0 else 0.0
    times = f"{ratio:.1f}{page.glyphs.times} the median" if ratio else "the median took no time"
    facts = [f"#{count(slowest.index)}", _time(page, slowest), times]
    reason = _difference(page, median, slowest)
    if reason:
        facts.append(reason)
        if not _fits(page, _SLOWEST, facts):
            facts.remove(times)
    return _block(page, slowest, _SLOWEST, facts, 0.5)


def _failed_block(page: Page, request: Request) -> Block:
    what = f"none succeeded, #{count(request.index)} {request.outcome.replace('_', ' ')}"
    return _block(page, request, "Timeline", [what, page.time(request.latency_s)], 1.0)


def _block(
    page: Page, request: Request, title: str, facts: list[str], share_of_rows: float
) -> Block:
    most = _MOST_ROWS_VERBOSE if page.verbosity else round(_MOST_ROWS * share_of_rows)
    chart = Chart(page, request, most)
    for number, what in ((chart.supersteps, "superstep"), (request.interrupts, "interrupt")):
        more = [*facts, plural(number, what)]
        if number and _fits(page, title, more):
            facts = more
    return Block(title, chart.lines(), ", ".join(facts))


def _fits(page: Page, title: str, facts: list[str]) -> bool:
    return cell_len(", ".join(facts)) + len(title) + 2 <= page.width


def _difference(page: Page, median: Request, slowest: Request) -> str:
    """The node that makes most of the difference on the critical path, in words."""
    usual, now = critical_seconds(median), critical_seconds(slowest)
    gains = {path: now[path] - usual.get(path, 0.0) for path in now}
    path = max(gains, key=lambda path: gains[path], default="")
    if not path or gains[path] < _MATERIAL_S:
        return ""
    return f"{page.time(gains[path])} more in {page.fit_middle(page.name(path), 24)}"
