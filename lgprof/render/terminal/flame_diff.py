"""The differential flame graph on the terminal: red with + is slower, blue with - is faster."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from lgprof.analysis.flame import FlameOptions
from lgprof.analysis.flame_diff import FlameDiff, flame_diff
from lgprof.model import Profile
from lgprof.render.flame_diff_text import (
    diff_change,
    diff_colour,
    diff_key,
    diff_name,
    diff_note,
    gone_words,
    rest_of,
    sampled_alike,
    sign,
    strength,
)
from lgprof.render.flame_text import flame_amount
from lgprof.render.terminal.cells import cell
from lgprof.render.terminal.facts import quiet_lines
from lgprof.render.terminal.flame_rows import Placed, chart_lines, placed_rows
from lgprof.render.terminal.page import INDENT, Block, Paper
from lgprof.render.terminal.palette import DARK_INK, QUIET

_PLAIN_SIXTEEN = {1: "red", -1: "blue", 0: "white"}


def flame_diff_blocks(
    paper: Paper, base: Profile, new: Profile, options: FlameOptions
) -> list[Block]:
    """The chart; empty where the new one has nothing to draw."""
    whole = flame_diff(base, new, options)
    if whole.value <= 0:
        return []

    def drawn(placed: Placed[FlameDiff]) -> Text:
        steps = strength(placed.frame, whole)
        style = _style(paper, steps, alternate=placed.alternate)
        return cell(paper, _labels(paper, placed.frame, steps, options), placed.width, style)

    rows = placed_rows(whole.children, whole.value, paper.width - 2 * INDENT, rest_of)
    lines = chart_lines(paper, rows, drawn)
    lines += _notes(paper, whole, base, new, options)
    note = diff_note(whole, options, ascii_only=paper.glyphs.ascii_only)
    return [Block("Flame graph", lines, note)]


def _style(paper: Paper, steps: int, *, alternate: bool) -> Style:
    if paper.sixteen_colours:
        hue = _PLAIN_SIXTEEN[(steps > 0) - (steps < 0)]
        return Style(color="black", bgcolor=f"bright_{hue}" if alternate else hue)
    return Style(color=DARK_INK, bgcolor=diff_colour(steps, alternate=alternate))


def _labels(paper: Paper, frame: FlameDiff, steps: int, options: FlameOptions) -> list[str]:
    """From all that is known of a frame to its bare name with a sign."""
    ascii_only = paper.glyphs.ascii_only
    before, now = (
        flame_amount(value, options.by, ascii_only=ascii_only)
        for value in (frame.base, frame.value)
    )
    name, moved = diff_name(frame, paper.name), diff_change(frame)
    amounts = now
    if frame.base > 0 and before != now:
        amounts = f"{before} {paper.glyphs.arrow} {now}"
    return [
        f"{name} {amounts} {moved}",
        f"{name} {now} {moved}",
        f"{name} {moved}",
        f"{name} {diff_change(frame, digits=0)}",
        f"{sign(steps)} {name}".lstrip(),
    ]


def _notes(
    paper: Paper, whole: FlameDiff, base: Profile, new: Profile, options: FlameOptions
) -> list[Text]:
    more, less, width = diff_key(options)
    key = Text(" " * INDENT)
    for text, steps in ((more, 3), (less, -3)):
        if paper.colour:
            key.append(paper.glyphs.swatch, style=Style(color=diff_colour(steps)))
            key.append(" ")
        key.append(f"{text}   ", style=QUIET)
    key.append(width, style=QUIET)
    gone = gone_words(whole, options, paper.name, ascii_only=paper.glyphs.ascii_only)
    told = [note for note in (gone, sampled_alike(base, new)) if note]
    return [key, *(line for note in told for line in quiet_lines(paper, note))]
