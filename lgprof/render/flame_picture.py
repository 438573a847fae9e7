"""A flame graph of any frames as one SVG that needs no other file: to click, zoom and search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Generic
from xml.sax.saxutils import escape, quoteattr

from lgprof.render.framed import FrameT
from lgprof.render.terminal.text import clean, fit

_WIDTH, _MARGIN, _ROW, _TOP, _BOTTOM = 1200, 10, 20, 64, 30
_INNER = _WIDTH - 2 * _MARGIN
_CHARACTER = 7.25
"""Width of a character of the font, a little more than that of any common one."""
_NOTE_ROOM = int(_INNER / _CHARACTER)
_LEAST_SHARE = 0.0001
"""A frame of less is not drawn: a tenth of a pixel."""


@dataclass(frozen=True, slots=True)
class Box(Generic[FrameT]):
    """Where a frame is drawn."""

    frame: FrameT
    x: float
    """From 0 to 1, like its width."""
    width: float
    depth: int
    alternate: bool
    """Every other one among neighbours, to set them apart."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a frame is drawn."""

    told: str
    """All that is known of it."""
    label: str
    """What is written in the box, cut to its width."""
    colour: str
    light: bool = False
    """Whether only light text can be read on it."""


def flame_picture(
    frame: FrameT, title: str, notes: Sequence[str], look: Callable[[Box[FrameT]], Look]
) -> str:
    """The SVG.

    Args:
        frame: The outermost; its value is the whole width.
        title: Of the picture.
        notes: Up to two lines below it.
        look: How to draw a frame.
    """
    boxes = list(_boxes(frame, 0.0, 1.0, 0, 0, frame.value))
    height = _TOP + (max(box.depth for box in boxes) + 1) * _ROW + _BOTTOM
    frames = "\n".join(_frame(box, look(box)) for box in boxes)
    lines = "\n".join(_note(note, 42 + 15 * at) for at, note in enumerate(notes))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="group" \
width="100%" style="max-width:{_WIDTH * 2}px" aria-label={quoteattr(title)}>
<style><![CDATA[{_resource("flame.css")}]]></style>
<rect class="paper" width="{_WIDTH}" height="{height}"/>
<text class="title" x="{_MARGIN}" y="24">{escape(title)}</text>
{lines}
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


def _note(text: str, y: int) -> str:
    shown_text = escape(fit(text, _NOTE_ROOM, "…"))
    return f'<text class="note" x="{_MARGIN}" y="{y}">{shown_text}</text>'


def _resource(name: str) -> str:
    return resources.files("lgprof.render").joinpath("assets", name).read_text(encoding="utf-8")


def _boxes(
    frame: FrameT, x: float, width: float, depth: int, place: int, total: float
) -> Iterator[Box[FrameT]]:
    yield Box(frame, x, width, depth, alternate=place % 2 == 1)
    for number, child in enumerate(frame.children):
        child_width = child.value / total
        if child_width >= _LEAST_SHARE:
            yield from _boxes(child, x, child_width, depth + 1, number, total)
        x += child_width


def _frame(box: Box[FrameT], look: Look) -> str:
    x, width = _MARGIN + box.x * _INNER, max(box.width * _INNER - 0.5, 0.3)
    y = _TOP + box.depth * _ROW
    room = int((width - 8) / _CHARACTER)
    text = fit(look.label, room, "…") if room >= 3 else ""
    light = ' class="light"' if look.light else ""
    return (
        f'<g class="frame" tabindex="0" data-x="{box.x:.6f}" data-w="{box.width:.6f}" '
        f'data-d="{box.depth}" data-n={quoteattr(look.label)}><title>{escape(look.told)}</title>'
        f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{_ROW - 1}" '
        f'fill="{look.colour}"/>'
        f'<text{light} x="{x + 4:.2f}" y="{y + 14}">{escape(text)}</text></g>'
    )


def shown(name: str) -> str:
    """A name that the user's program chose; XML allows no other control characters either."""
    return clean(name).strip() or "(unnamed)"
