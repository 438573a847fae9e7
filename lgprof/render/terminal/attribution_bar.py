"""Where the time goes: one stacked bar over the mean latency, and its legend."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from lgprof.model import ATTRIBUTION_CATEGORIES
from lgprof.render.format import percent, whole_percent
from lgprof.render.terminal import cells, palette
from lgprof.render.terminal.page import INDENT, Block, Page
from lgprof.render.terminal.palette import Role

_CATEGORIES: dict[str, tuple[str, Role]] = {
    "failed_attempts": ("failed attempts", Role.FAILED),
    "backoff": ("backoff", Role.WAITING),
    "executor_queue": ("executor queue", Role.WAITING),
    "rate_limit": ("rate limit", Role.WAITING),
    "model": ("model calls", Role.MODEL),
    "tool": ("tool calls", Role.TOOL),
    "retriever": ("retrievers", Role.RETRIEVER),
    "checkpoint": ("checkpoints", Role.CHECKPOINT),
    "store": ("store", Role.CHECKPOINT),
    "cache": ("cache", Role.CHECKPOINT),
    "blocked_loop": ("blocked event loop", Role.BLOCKED),
    "node_cpu": ("own code, computing", Role.NODE),
    "node_wait": ("own code, waiting", Role.NODE),
    "loop_wait": ("loop held by others", Role.WAITING),
    "routing": ("routing", Role.FRAMEWORK),
    "framework": ("LangGraph", Role.FRAMEWORK),
    "unattributed": ("unattributed", Role.UNKNOWN),
}
_NOT_IN_A_NODE = frozenset({"framework", "checkpoint", "loop_wait"})
_SMALL_SHARE = 0.002
"""Categories below it share a line, unless more was asked for."""
_MOST_PLACES = 4


@dataclass(frozen=True, slots=True)
class _Slice:
    label: str
    role: Role
    seconds: float
    share: float
    places: list[str]
    """Where it is spent, dearest first."""
    alternate: bool


def attribution_blocks(page: Page) -> list[Block]:
    """The bar and its legend; empty where no request gave a latency."""
    slices, total = _slices(page)
    if total <= 0:
        return []
    lines = [_bar(page, slices), Text()]
    label_width = max(len(part.label) for part in slices)
    lines += [_legend_line(page, part, label_width) for part in slices]
    lines.append(_total_line(page, total, label_width))
    return [Block("Where the time goes", lines, "mean per request, on its critical path")]


def _slices(page: Page) -> tuple[list[_Slice], float]:
    """By size; what was not attributed comes last and is always there."""
    attribution = page.profile.attribution_s
    seconds = {name: getattr(attribution, name) or 0.0 for name in ATTRIBUTION_CATEGORIES}
    total = sum(seconds.values())
    if total <= 0:
        return [], 0.0
    unattributed = seconds.pop("unattributed")
    ordered = sorted(seconds, key=lambda name: -seconds[name])
    shown = [name for name in ordered if seconds[name] > 0]
    if page.verbosity < 1:
        small = [name for name in shown if seconds[name] / total < _SMALL_SHARE]
        shown = shown if len(small) < 2 else [name for name in shown if name not in small]
    slices: list[_Slice] = []
    for name in shown:
        label, role = _CATEGORIES.get(name, (name.replace("_", " "), Role.UNKNOWN))
        alternate = bool(slices) and slices[-1].role is role and not slices[-1].alternate
        share = seconds[name] / total
        places = _places(page, name)
        slices.append(_Slice(label, role, seconds[name], share, places, alternate))
    rest = [name for name in ordered if seconds[name] > 0 and name not in shown]
    if rest:
        labels = [_CATEGORIES[name][0] for name in rest]
        amount = sum(seconds[name] for name in rest)
        slices.append(_Slice("other", Role.WAITING, amount, amount / total, labels, False))
    last = _Slice("unattributed", Role.UNKNOWN, unattributed, unattributed / total, [], False)
    return [*slices, last], total


def _places(page: Page, category: str) -> list[str]:
    """Where it is spent, dearest first."""
    if category in _NOT_IN_A_NODE:
        return []
    rows = [row for row in page.profile.critical_path if row.kind == category and row.path]
    rows.sort(key=lambda row: -row.mean_s)
    return [f"{page.name(row.path)} {page.time(row.mean_s)}" for row in rows]


def _bar(page: Page, slices: list[_Slice]) -> Text:
    widths = cells.split_width([part.seconds for part in slices], page.width - 2 * INDENT)
    bar = Text(" " * INDENT)
    for part, width in zip(slices, widths, strict=True):
        labels = (f"{part.label} {whole_percent(part.share)}", part.label)
        bar.append_text(cells.cell(page, labels, width, part.role, alternate=part.alternate))
    return bar


def _legend_line(page: Page, part: _Slice, label_width: int) -> Text:
    line = Text(" " * INDENT)
    if page.colour:
        style = palette.bar_style(part.role, alternate=part.alternate)
        line.append(f"{page.glyphs.swatch} ", style=style)
    line.append(part.label.ljust(label_width + 2))
    quiet = palette.QUIET if part.seconds == 0 else palette.PLAIN
    number = page.time_cell(part.seconds)
    line.append(number.plain.rjust(8), style=quiet)
    line.append(percent(part.share).rjust(8), style=quiet)
    room = page.width - line.cell_len - 3
    if part.places and room >= 12:
        line.append(f"   {_as_many_as_fit(page, part.places, room)}", style=palette.QUIET)
    return line


def _as_many_as_fit(page: Page, places: list[str], room: int) -> str:
    shown = page.fit_middle(places[0], room)
    for number in range(2, min(len(places), _MOST_PLACES) + 1):
        longer = page.joined(places[:number])
        if cell_len(longer) > room:
            break
        shown = longer
    return shown


def _total_line(page: Page, total: float, label_width: int) -> Text:
    line = Text(" " * (INDENT + 2 * page.colour))
    line.append("mean latency".ljust(label_width + 2), style=palette.STRONG)
    line.append(page.time_cell(total).plain.rjust(8), style=palette.STRONG)
    line.append("100%".rjust(8), style=palette.STRONG)
    return line
