"""Where the time goes: one stacked bar over the mean latency, and its legend."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from lgprof.model import ATTRIBUTION_CATEGORIES
from lgprof.readable import percent, plural, whole_percent
from lgprof.render.category_label import category_label
from lgprof.render.terminal import cells, palette
from lgprof.render.terminal.category_colours import category_colours, field_style
from lgprof.render.terminal.page import INDENT, Block, Page

_NOT_IN_A_NODE = frozenset({"framework", "checkpoint", "loop_wait"})
_SMALL_SHARE = 0.002
"""Categories below it share a line, unless more was asked for."""
_MOST_PLACES = 4


@dataclass(frozen=True, slots=True)
class _Slice:
    label: str
    colour: str
    seconds: float
    share: float
    places: list[tuple[str, str]]
    """Where it is spent and how much, dearest first."""


def attribution_blocks(page: Page) -> list[Block]:
    """The bar and its legend; empty where no request gave a latency."""
    slices, total = _slices(page)
    if total <= 0:
        return []
    lines = [_bar(page, slices), Text()]
    label_width = max(len(part.label) for part in slices)
    lines += [_legend_line(page, part, label_width) for part in slices]
    lines.append(_total_line(page, total, label_width))
    return [Block("Where the time goes", lines, _note(page))]


def _note(page: Page) -> str:
    load = page.profile.load
    if load is None:
        return "mean per request, on its critical path"
    return f"mean of {plural(load.sampled_requests, 'sampled request')}, on the critical path"


def _slices(page: Page) -> tuple[list[_Slice], float]:
    """By size; what was not attributed comes last and is always there."""
    attribution = page.profile.attribution_s
    seconds = {name: getattr(attribution, name) or 0.0 for name in ATTRIBUTION_CATEGORIES}
    total = math.fsum(seconds.values())
    if total <= 0:
        return [], 0.0
    unattributed = seconds.pop("unattributed")
    ordered = sorted(seconds, key=lambda name: -seconds[name])
    shown = [name for name in ordered if seconds[name] > 0]
    if page.verbosity < 1:
        small = [name for name in shown if seconds[name] / total < _SMALL_SHARE]
        shown = shown if len(small) < 2 else [name for name in shown if name not in small]
    colours = category_colours([*shown, "other", "unattributed"], sixteen=page.sixteen_colours)
    slices: list[_Slice] = []
    for name in shown:
        share = seconds[name] / total
        part = _Slice(
            category_label(page.profile, name),
            colours[name],
            seconds[name],
            share,
            _places(page, name),
        )
        slices.append(part)
    rest = [name for name in ordered if seconds[name] > 0 and name not in shown]
    if rest:
        labels = [(category_label(page.profile, name), "") for name in rest]
        amount = math.fsum(seconds[name] for name in rest)
        slices.append(_Slice("other", colours["other"], amount, amount / total, labels))
    last_share = unattributed / total
    last = _Slice("unattributed", colours["unattributed"], unattributed, last_share, [])
    return [*slices, last], total


def _places(page: Page, category: str) -> list[tuple[str, str]]:
    """Where it is spent and how much, dearest first."""
    if category in _NOT_IN_A_NODE:
        return []
    rows = [row for row in page.profile.critical_path if row.kind == category and row.path]
    rows.sort(key=lambda row: -row.mean_s)
    return [(page.name(row.path), f" {page.time(row.mean_s)}") for row in rows]


def _bar(page: Page, slices: list[_Slice]) -> Text:
    widths = cells.split_width([part.seconds for part in slices], page.width - 2 * INDENT)
    bar = Text(" " * INDENT)
    for part, width in zip(slices, widths, strict=True):
        labels = (f"{part.label} {whole_percent(part.share)}", part.label)
        bar.append_text(cells.cell(page, labels, width, field_style(part.colour)))
    return bar


def _legend_line(page: Page, part: _Slice, label_width: int) -> Text:
    line = Text(" " * INDENT)
    if page.colour:
        line.append(f"{page.glyphs.swatch} ", style=Style(color=part.colour))
    line.append(part.label.ljust(label_width + 2))
    quiet = palette.QUIET if part.seconds == 0 else palette.PLAIN
    number = page.time_cell(part.seconds)
    line.append(number.plain.rjust(8), style=quiet)
    line.append(percent(part.share).rjust(8), style=quiet)
    room = page.width - line.cell_len - 3
    if part.places and room >= 12:
        line.append(f"   {_as_many_as_fit(page, part.places, room)}", style=palette.QUIET)
    return line


def _as_many_as_fit(page: Page, places: list[tuple[str, str]], room: int) -> str:
    name, time = places[0]
    shown = page.fit_middle(name, room - cell_len(time)) + time
    for number in range(2, min(len(places), _MOST_PLACES) + 1):
        longer = page.joined([name + time for name, time in places[:number]])
        if cell_len(longer) > room:
            break
        shown = longer
    return shown


def _total_line(page: Page, total: float, label_width: int) -> Text:
    line = Text(" " * (INDENT + 2 * page.colour))
    label = "mean latency" if page.profile.load is None else "mean service time"
    line.append(label.ljust(label_width + 2), style=palette.STRONG)
    line.append(page.time_cell(total).plain.rjust(8), style=palette.STRONG)
    line.append("100%".rjust(8), style=palette.STRONG)
    return line
