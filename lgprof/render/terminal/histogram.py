"""The latency histogram: logarithmic bins, with the percentiles tagged on their rows."""

from __future__ import annotations

import math
from bisect import bisect_right

from rich.cells import cell_len
from rich.text import Text

from lgprof.model import LatencySummary, Profile
from lgprof.readable import count, percent, plural
from lgprof.render.terminal import palette
from lgprof.render.terminal.latency import is_maximum
from lgprof.render.terminal.page import INDENT, Block, Page
from lgprof.render.terminal.palette import Role

SMALLEST_SAMPLE = 20
_MOST_BINS = 12
_TAGS = ("p50", "p90", "p95", "p99", "max")


def histogram_blocks(page: Page) -> list[Block]:
    """The histogram; empty where the sample is too small for one."""
    summary = page.profile.summary
    sample = summary.succeeded + summary.timed_out
    if summary.latency_s is None or sample < SMALLEST_SAMPLE:
        return []
    values = _latencies(page.profile, sample)
    if not values:
        return []
    edges = _edges(values[0], values[-1], sample)
    counts = [0] * (len(edges) - 1)
    for value in values:
        counts[_bin(edges, value)] += 1
    tags = _tags(page, summary.latency_s, edges, sample)
    lines = _lines(page, edges, counts, tags)
    return [Block("Latency histogram", lines, plural(len(values), "request"))]


def _latencies(profile: Profile, sample: int) -> list[float]:
    """Ascending; from the requests where all of them are there, else from the histogram."""
    values = sorted(r.latency_s for r in profile.requests if r.outcome in ("ok", "timed_out"))
    if len(values) >= sample:
        return values
    from hdrh.histogram import HdrHistogram

    histogram = HdrHistogram.decode(profile.summary.histogram)
    return [
        item.value_iterated_to / 1e6
        for item in histogram.get_recorded_iterator()
        for _ in range(item.count_at_value_iterated_to)
    ]


def _edges(low: float, high: float, sample: int) -> list[float]:
    low = max(low, 1e-6)
    if high <= low * 1.0001:
        return [low, low]
    bins = min(_MOST_BINS, max(4, math.ceil(1.5 * math.log2(sample))))
    step = (high / low) ** (1 / bins)
    return [low * step**index for index in range(bins)] + [high]


def _bin(edges: list[float], value: float) -> int:
    return min(max(bisect_right(edges, value) - 1, 0), len(edges) - 2)


def _tags(
    page: Page, latency: LatencySummary, edges: list[float], sample: int
) -> dict[int, list[str]]:
    """By row; percentiles that the sample cannot tell from its maximum have none."""
    tags: dict[int, list[str]] = {}
    for name in _TAGS:
        if name != "max" and is_maximum(float(name[1:]), sample):
            continue
        value = getattr(latency, name)
        tags.setdefault(_bin(edges, value), []).append(f"{name} {page.time(value)}")
    return tags


def _lines(
    page: Page, edges: list[float], counts: list[int], tags: dict[int, list[str]]
) -> list[Text]:
    largest, total, reached = max(counts), sum(counts), 0
    number_width = max(5, len(count(largest)))
    longest_tag = max(cell_len(_tag(page, names)) for names in tags.values())
    fixed = INDENT + 19 + 2 + number_width + 9
    room = max(page.width - fixed - min(longest_tag, page.width // 2), 8)
    lines = []
    for index, number in enumerate(counts):
        reached += number
        line = Text(" " * INDENT)
        low, high = page.time_cell(edges[index]), page.time_cell(edges[index + 1])
        line.append(f"{low.plain:>8} - {high.plain:>8}  {count(number):>{number_width}}")
        line.append(f" {percent(reached / total):>6}  ", style=palette.QUIET)
        line.append(_bar(page, number / largest * room), style=palette.bar_style(Role.NODE))
        if index in tags:
            tag = _tag(page, tags[index])
            line.append(page.fit(tag, page.width - line.cell_len), style=palette.STRONG)
        lines.append(line)
    return lines


def _tag(page: Page, names: list[str]) -> str:
    return f" {page.glyphs.pointer} {', '.join(names)}"


def _bar(page: Page, length: float) -> str:
    block, partial = page.glyphs.block, page.glyphs.partial
    if not partial:
        return block * max(round(length), 1 if length else 0)
    whole, part = divmod(max(round(length * 8), 1 if length else 0), 8)
    return block * whole + (partial[part - 1] if part else "")
