"""The median requests of two Profiles, one above the other on the same scale."""

from __future__ import annotations

from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.timeline import drawable_requests, median_facts, median_request
from lgprof.render.terminal.timeline_chart import Chart

_MOST_ROWS = 25
_MOST_ROWS_VERBOSE = 200


def timeline_diff_blocks(base: Page, new: Page) -> list[Block]:
    """A timeline of each Profile that has a request to draw."""
    charts = {}
    for title, page in (("Timeline before", base), ("Timeline now", new)):
        succeeded = drawable_requests(page.profile)
        if succeeded:
            median = median_request(page.profile, succeeded)
            most = _MOST_ROWS_VERBOSE if page.verbosity else _MOST_ROWS
            facts = ", ".join(median_facts(page, median, succeeded))
            charts[title, facts] = Chart(page, median, most)
    if not charts:
        return []
    name_width = max(chart.name_width for chart in charts.values())
    whole_s = max(chart.duration_s for chart in charts.values())
    for chart in charts.values():
        chart.fit(name_width, whole_s)
    return [Block(title, chart.lines(), facts) for (title, facts), chart in charts.items()]
