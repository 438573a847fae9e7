"""The bar of calls that share a row: how much of each moment they took."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from lgprof.analysis.call_tree import Call
from lgprof.render.terminal import palette
from lgprof.render.terminal.charset import Glyphs
from lgprof.render.terminal.palette import ROLE_OF_KIND, Role
from lgprof.render.terminal.timeline_bar import Scale, body_kind


def draw_activity(
    glyphs: Glyphs, scale: Scale, calls: Iterable[Call], kind: str, barriers: Iterable[int]
) -> Text:
    """One cell per moment, filled as high as the share of it that some call took."""
    taken, failed = _coverage(scale, calls)
    marks = set(barriers)
    style = palette.bar_style(ROLE_OF_KIND.get(kind, Role.NODE))
    body = glyphs.bodies.get(body_kind(kind), glyphs.block)
    text = Text()
    for cell, share in enumerate(taken):
        if cell in failed:
            text.append("!", style=palette.cell_style(Role.FAILED))
        elif share > 0:
            text.append(_level(glyphs, share, body), style=style)
        elif cell in marks:
            text.append(glyphs.barrier, style=palette.QUIET)
        else:
            text.append(" ")
    return text


def _level(glyphs: Glyphs, share: float, body: str) -> str:
    if not glyphs.levels:
        return body if share >= 0.5 else glyphs.idle
    step = min(round(share * len(glyphs.levels)), len(glyphs.levels))
    return glyphs.levels[max(step, 1) - 1]


def _coverage(scale: Scale, calls: Iterable[Call]) -> tuple[list[float], set[int]]:
    """Share of each cell that the calls cover, and the cells in which a failed one ends.

    Waiting for a place is not counted, and what overlaps counts once.
    """
    taken = [0.0] * scale.width
    failed: set[int] = set()
    if scale.duration_s <= 0:
        return taken, failed
    per_cell = scale.width / scale.duration_s
    covered_to = 0.0
    for call in sorted(calls, key=_running_from_s):
        start = max((_running_from_s(call) - scale.start_s) * per_cell, covered_to)
        end = min((call.end_s - scale.start_s) * per_cell, float(scale.width))
        covered_to = max(covered_to, end)
        cell = int(start)
        while cell < end and cell < scale.width:
            taken[cell] += max(min(end, cell + 1) - max(start, cell), 0.0)
            cell += 1
        if call.failures():
            failed.add(min(max(int(end), 0), scale.width - 1))
    return taken, failed


def _running_from_s(call: Call) -> float:
    return call.queues[0].end_s if call.queues else call.start_s
