"""One bar of a timeline: when its calls ran, waited for a token, were retried, stood in line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from rich.style import Style
from rich.text import Text

from lgprof.analysis.call_tree import FAILED_OUTCOMES, Call
from lgprof.model import Span
from lgprof.render.terminal import palette
from lgprof.render.terminal.charset import Glyphs
from lgprof.render.terminal.palette import ROLE_OF_KIND, Role


class Paint(IntEnum):
    """What half a cell of a bar shows."""

    NOTHING = 0
    IDLE = 1
    WAITING = 2
    FIRST_TOKEN = 3
    BODY = 4
    FAILED = 5


_SOLID = (Paint.FIRST_TOKEN, Paint.BODY, Paint.FAILED)


@dataclass(frozen=True, slots=True)
class Scale:
    """From seconds to half cells."""

    start_s: float
    duration_s: float
    width: int

    def half(self, at_s: float) -> int:
        """The edge nearest to a moment, in half cells."""
        halves = 2 * self.width
        if self.duration_s <= 0:
            return 0
        return min(max(round((at_s - self.start_s) / self.duration_s * halves), 0), halves)


class Bar:
    """The half cells of one row."""

    def __init__(self, scale: Scale, kind: str) -> None:
        self.scale = scale
        self.kind = kind
        self.halves = [Paint.NOTHING] * (2 * scale.width)

    def add(self, call: Call, barrier_s: float | None) -> None:
        """Paint a call, and its wait for the end of its superstep."""
        span = call.span
        body = Paint.FAILED if _failed(span) and not call.attempts else Paint.BODY
        if barrier_s is not None and barrier_s > call.end_s:
            self._paint(call.end_s, barrier_s, Paint.IDLE)
        if len(call.attempts) > 1 or any(_failed(attempt) for attempt in call.attempts):
            self._paint(call.start_s, call.end_s, Paint.WAITING)
            for attempt in call.attempts:
                failed = Paint.FAILED if _failed(attempt) else Paint.BODY
                self._paint(_work_start(attempt), min(attempt.end_s, call.end_s), failed)
        else:
            self._paint(call.start_s, call.end_s, body)
            for queue in call.queues:
                self._paint_if_wide(*queue, Paint.WAITING)
        first_token = span.model.first_token_s if span.model else None
        if first_token and body is Paint.BODY:
            self._paint_if_wide(span.start_s, span.start_s + first_token, Paint.FIRST_TOKEN)

    def _paint(self, start_s: float, end_s: float, paint: Paint) -> None:
        """At least half a cell, so that nothing that happened is invisible."""
        first, last = self.scale.half(start_s), self.scale.half(end_s)
        first = min(first, len(self.halves) - 1)
        for half in range(first, max(last, first + 1)):
            self.halves[half] = max(paint, self.halves[half]) if paint is Paint.IDLE else paint

    def _paint_if_wide(self, start_s: float, end_s: float, paint: Paint) -> None:
        first, last = self.scale.half(start_s), self.scale.half(end_s)
        self.halves[first:last] = [paint] * (last - first)


def _failed(span: Span) -> bool:
    return span.outcome in FAILED_OUTCOMES


def _work_start(span: Span) -> float:
    return span.start_s if span.work_start_s is None else span.work_start_s


@dataclass(frozen=True, slots=True)
class Brush:
    """How a bar is drawn: full height on the critical path, half height off it."""

    glyphs: Glyphs
    colour: bool
    critical: bool

    def draw(self, bar: Bar, barriers: Sequence[int]) -> Text:
        """The bar with barriers (cells) where it leaves room for them."""
        text, marks = Text(), set(barriers)
        run, run_style = "", palette.PLAIN
        for cell in range(bar.scale.width):
            left, right = bar.halves[2 * cell], bar.halves[2 * cell + 1]
            glyph, style = self._cell(left, right, bar.kind)
            if cell in marks and max(left, right) <= Paint.IDLE:
                glyph, style = self.glyphs.barrier, palette.QUIET
            elif _ends_failed(bar.halves, cell):
                glyph, style = "!", palette.cell_style(Role.FAILED)
            if style is not run_style:
                text.append(run, style=run_style)
                run, run_style = "", style
            run += glyph
        text.append(run, style=run_style)
        return text

    def _cell(self, left: Paint, right: Paint, kind: str) -> tuple[str, Style]:
        both = max(left, right)
        if both is Paint.NOTHING:
            return " ", palette.PLAIN
        style = self._style(both, kind)
        if not self._is_block(both):
            return self._pattern(both, kind), style
        if left == right:
            return self._block(1), style
        if right not in _SOLID:
            return self._block(2), style
        if left not in _SOLID:
            return self._block(0), style
        if self.colour and self.critical and not self.glyphs.ascii_only:
            tones = palette.two_tone(self._style(left, kind), self._style(right, kind))
            return self.glyphs.tall[2], tones
        return self._block(1), style

    def _is_block(self, paint: Paint) -> bool:
        if self.glyphs.ascii_only or paint not in _SOLID:
            return False
        return self.colour or paint is not Paint.FIRST_TOKEN

    def _block(self, which: int) -> str:
        return (self.glyphs.tall if self.critical else self.glyphs.low)[which]

    def _pattern(self, paint: Paint, kind: str) -> str:
        if paint is Paint.IDLE:
            return self.glyphs.idle
        if paint is Paint.WAITING:
            return self.glyphs.waiting
        if paint is Paint.FIRST_TOKEN:
            return self.glyphs.first_token
        return self.glyphs.bodies.get(body_kind(kind), self.glyphs.tall[1])

    def _style(self, paint: Paint, kind: str) -> Style:
        return paint_style(paint, kind)


def paint_style(paint: Paint, kind: str) -> Style:
    """The colour of a part of a bar."""
    if paint is Paint.IDLE:
        return palette.QUIET
    if paint is Paint.WAITING:
        return palette.bar_style(Role.WAITING)
    if paint is Paint.FAILED:
        return palette.bar_style(Role.FAILED)
    role = ROLE_OF_KIND.get(kind, Role.NODE)
    return palette.bar_style(role, lighter=paint is Paint.FIRST_TOKEN)


def body_kind(kind: str) -> str:
    """The kind that a span's bar is filled as."""
    return ROLE_OF_KIND.get(kind, Role.NODE).value


def _ends_failed(halves: Sequence[Paint], cell: int) -> bool:
    """Whether a failed stretch ends in this cell: there stands its mark."""
    here = halves[2 * cell : 2 * cell + 2]
    after = halves[2 * cell + 2] if 2 * cell + 2 < len(halves) else Paint.NOTHING
    return Paint.FAILED in here and not (here[1] is Paint.FAILED and after is Paint.FAILED)
