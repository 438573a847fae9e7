"""``.svg``: the flame graph as one file that needs no other: click to zoom, type to search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from xml.sax.saxutils import escape, quoteattr

from lgprof.analysis.flame import NODE_SECONDS, FlameOptions
from lgprof.analysis.flame_tree import Flame
from lgprof.model import Profile
from lgprof.render.flame_text import (
    drawn_flame,
    flame_amount,
    flame_name,
    flame_note,
    flame_place,
    sampling_note,
)
from lgprof.render.format import count, percent
from lgprof.render.terminal.charset import UNICODE
from lgprof.render.terminal.palette import Role, hex_colour, role_of_flame
from lgprof.render.terminal.text import clean, fit

_WIDTH, _MARGIN, _ROW, _TOP, _BOTTOM = 1200, 10, 20, 64, 30
_INNER = _WIDTH - 2 * _MARGIN
_CHARACTER = 7.25
"""Width of a character of the font, a little more than that of any common one."""
_LEAST_SHARE = 0.0001
"""A frame of less is not drawn: a tenth of a pixel."""


@dataclass(frozen=True, slots=True)
class _Box:
    flame: Flame
    x: float
    """From 0 to 1, like its width."""
    width: float
    depth: int
    alternate: bool


def flame_svg(profile: Profile, options: FlameOptions = NODE_SECONDS) -> str:
    """The flame graph of a Profile.

    Raises:
        UsageError: There is nothing to draw.
    """
    flame = drawn_flame(profile, options)
    boxes = list(_boxes(flame, 0.0, 1.0, 0, 0, flame.value))
    height = _TOP + (max(box.depth for box in boxes) + 1) * _ROW + _BOTTOM
    title = f"{_shown(profile.target.name)}: flame graph"
    note = flame_note(flame, options)
    sampled = sampling_note(profile, options, times=UNICODE.times)
    frames = "\n".join(_frame(box, flame.value, options) for box in boxes)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="group" \
width="100%" style="max-width:{_WIDTH * 2}px" aria-label={quoteattr(title)}>
<style><![CDATA[{_resource("flame.css")}]]></style>
<rect class="paper" width="{_WIDTH}" height="{height}"/>
<text class="title" x="{_MARGIN}" y="24">{escape(title)}</text>
<text class="note" x="{_MARGIN}" y="42">{escape(note)}</text>
<text class="note" x="{_MARGIN}" y="57">{escape(sampled)}</text>
<g class="tool" id="reset" tabindex="0" role="button" style="display:none">
<text x="{_WIDTH - _MARGIN - 90}" y="24" text-anchor="end">whole graph</text></g>
<g class="tool" id="search" tabindex="0" role="button">
<text x="{_WIDTH - _MARGIN}" y="24" text-anchor="end">search</text></g>
<text class="note" id="found" x="{_WIDTH - _MARGIN}" y="42" text-anchor="end"> </text>
{frames}
<text class="note" id="detail" x="{_MARGIN}" y="{height - 11}"> </text>
<script><![CDATA[{_resource("flame.js")}]]></script>
</svg>
"""


def _resource(name: str) -> str:
    return resources.files("lgprof.render").joinpath("assets", name).read_text(encoding="utf-8")


def _boxes(
    flame: Flame, x: float, width: float, depth: int, place: int, total: float
) -> Iterator[_Box]:
    yield _Box(flame, x, width, depth, alternate=place % 2 == 1)
    for number, child in enumerate(flame.children):
        child_width = child.value / total
        if child_width >= _LEAST_SHARE:
            yield from _boxes(child, x, child_width, depth + 1, number, total)
        x += child_width


def _frame(box: _Box, total: float, options: FlameOptions) -> str:
    flame = box.flame
    told = _told(flame, total, options)
    # In a narrow box the folder would push out the figures.
    label = _told(flame, total, options, folder=False)
    x, width = _MARGIN + box.x * _INNER, max(box.width * _INNER - 0.5, 0.3)
    y = _TOP + box.depth * _ROW
    role = role_of_flame(flame.kind) if box.depth else Role.FRAMEWORK
    colour = hex_colour(role, alternate=box.alternate)
    room = int((width - 8) / _CHARACTER)
    text = fit(label, room, "…") if room >= 3 else ""
    light = ' class="light"' if role in (Role.FAILED, Role.UNKNOWN) else ""
    return (
        f'<g class="frame" tabindex="0" data-x="{box.x:.6f}" data-w="{box.width:.6f}" '
        f'data-d="{box.depth}" data-n={quoteattr(label)}><title>{escape(told)}</title>'
        f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{_ROW - 1}" fill="{colour}"/>'
        f'<text{light} x="{x + 4:.2f}" y="{y + 14}">{escape(text)}</text></g>'
    )


def _told(flame: Flame, total: float, options: FlameOptions, *, folder: bool = True) -> str:
    """All that is known of a frame, the most important first: what does not fit is cut off."""
    name = flame_name(flame, _shown)
    if place := clean(flame_place(flame)):
        name += f" {place if folder else place.rpartition('/')[2]}"
    amount = flame_amount(flame.value, options.by)
    calls = f", {count(flame.calls)} calls" if flame.calls > 1 and flame.kind != "all" else ""
    failures = f", {flame.failures} failed" if flame.failures else ""
    return f"{name}  {amount} {percent(flame.value / total)}{calls}{failures}"


def _shown(name: str) -> str:
    """A name that the user's program chose; XML allows no other control characters either."""
    return clean(name).strip() or "(unnamed)"
