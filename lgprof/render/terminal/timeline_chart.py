"""A timeline as lines: gutter, name, duration, bar; below them the axis and the key."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from lgprof.analysis.call_tree import Call, call_tree
from lgprof.model import Request
from lgprof.readable import plural
from lgprof.render.terminal import palette
from lgprof.render.terminal.axis import axis_line, tick_times
from lgprof.render.terminal.call_label import call_label
from lgprof.render.terminal.facts import quiet_lines
from lgprof.render.terminal.page import INDENT, Page
from lgprof.render.terminal.palette import ROLE_OF_KIND, Role
from lgprof.render.terminal.timeline_activity import draw_activity
from lgprof.render.terminal.timeline_bar import Bar, Brush, Paint, Scale, paint_style
from lgprof.render.terminal.timeline_rows import Row, select_rows

_TIME_WIDTH = 8
_LEAST_NAME = 12
_KIND_WORDS = {
    Role.NODE: "node",
    Role.MODEL: "model",
    Role.TOOL: "tool",
    Role.RETRIEVER: "retriever",
    Role.CHECKPOINT: "checkpoint, store, cache",
    Role.FRAMEWORK: "routing",
}
_PAINT_WORDS = {
    Paint.FIRST_TOKEN: "to the first token",
    Paint.WAITING: "backoff, or waiting to run",
    Paint.IDLE: "waiting for its superstep",
}


class Chart:
    """The timeline of one request."""

    def __init__(self, page: Page, request: Request, most_rows: int) -> None:
        self.page = page
        self.request = request
        calls = call_tree(request)
        self.duration_s = max(request.end_s - request.start_s, 0.0)
        self.selection = select_rows(calls, self.duration_s, most_rows)
        self.critical = page.critical_spans(request)
        self.ends = _superstep_ends(request, calls)
        outermost = {call.span.parent for call in calls if call.span.step is not None}
        self.supersteps = sum(parent in outermost for parent, _ in self.ends)
        self.labels = self._labels(self.selection.rows, "")
        name_width = max((cell_len(name) + len(mark) for name, mark, _ in self.labels), default=0)
        self.name_width = min(max(name_width, _LEAST_NAME), max(18, int(page.width * 0.3)))
        self.fit(self.name_width, self.duration_s)
        self.roles: dict[Role, None] = {}
        self.paints: set[Paint] = set()

    def fit(self, name_width: int, whole_s: float) -> None:
        """Share a scale with other charts.

        Args:
            name_width: Cells for the names.
            whole_s: What the width of the bars stands for.
        """
        self.name_width = name_width
        bar_width = self.page.width - INDENT - name_width - _TIME_WIDTH - 3
        self.scale = Scale(self.request.start_s, whole_s, max(bar_width, 1))

    def lines(self) -> list[Text]:
        """Rows, axis, key, and what was left out."""
        top = self._barriers([row for _, _, row in self.labels if row in self.selection.rows])
        crowded = len(top) > self.scale.width // 3
        barriers = [] if crowded else top
        lines = [self._line(name, mark, row, barriers) for name, mark, row in self.labels]
        lines.append(self._axis())
        lines += self._key(barriers)
        lines += self._left_out(crowded)
        return lines

    def _labels(self, rows: Sequence[Row], margin: str) -> list[tuple[str, str, Row]]:
        """Name behind its branch of the tree, mark of its failures, row."""
        glyphs, labels = self.page.glyphs, []
        for row in rows:
            times = len(row.calls)
            name = call_label(self.page, row.calls[0], alone=times == 1)
            name = f"{glyphs.times}{times} {name}" if times > 1 else name
            failures = row.failures()
            mark = f" !{failures if failures > 1 else ''}" if failures else ""
            labels.append((margin + name, mark, row))
            below = self._labels(row.children, "")
            direct = {id(child) for child in row.children}
            last_direct = row.children[-1] if row.children else None
            passed_last = False
            for label, child_mark, child in below:
                is_direct = id(child) in direct
                passed_last = passed_last or child is last_direct
                if is_direct:
                    branch = glyphs.last if child is last_direct else glyphs.tee
                else:
                    branch = "  " if passed_last else glyphs.pipe
                labels.append((margin + branch + label, child_mark, child))
        return labels

    def _line(self, name: str, mark: str, row: Row, barriers: Sequence[int]) -> Text:
        page = self.page
        critical = any(call.span.id in self.critical for call in row.calls)
        kind = row.calls[0].span.kind
        self.roles.setdefault(ROLE_OF_KIND.get(kind, Role.NODE))
        line = Text()
        line.append(page.glyphs.critical if critical else " ", style=palette.CRITICAL)
        shown = page.fit_middle(name, self.name_width - len(mark))
        line.append(f" {shown}")
        line.append(mark, style=palette.ERROR)
        line.append(" " * (self.name_width - cell_len(shown) - len(mark)))
        line.append(page.time_cell(row.seconds).plain.rjust(_TIME_WIDTH + 1))
        line.append("  ")
        if len(row.calls) > 1:
            glyphs = page.glyphs
            line.append_text(draw_activity(glyphs, self.scale, row.calls, kind, barriers))
        else:
            line.append_text(self._bar(row.calls[0], kind, critical, barriers))
        line.rstrip()
        return line

    def _bar(self, call: Call, kind: str, critical: bool, barriers: Sequence[int]) -> Text:
        bar = Bar(self.scale, kind)
        bar.add(call, self._barrier_of(call))
        self.paints.update(bar.halves)
        return Brush(self.page.glyphs, self.page.colour, critical).draw(bar, barriers)

    def _barrier_of(self, call: Call) -> float | None:
        span = call.span
        return None if span.step is None else self.ends.get((span.parent, span.step))

    def _barriers(self, rows: Sequence[Row]) -> list[int]:
        """Cells in which a superstep of the outermost graph ends, the last one aside."""
        outermost = {
            call.span.parent for row in rows for call in row.calls if call.span.step is not None
        }
        ends = sorted(end for (parent, _), end in self.ends.items() if parent in outermost)
        return sorted({min(self.scale.half(end) // 2, self.scale.width - 1) for end in ends[:-1]})

    def _axis(self) -> Text:
        ticks = [
            (self.scale.half(self.scale.start_s + at_s) // 2, at_s)
            for at_s in tick_times(self.scale.duration_s, max(round(self.scale.width / 10), 2))
        ]
        return axis_line(self.page, self.page.width - self.scale.width, self.scale.width, ticks)

    def _key(self, barriers: Sequence[int]) -> list[Text]:
        glyphs, colour = self.page.glyphs, self.page.colour
        entries: list[tuple[str, Style, str]] = []
        if self.critical:
            entries.append((glyphs.critical, palette.CRITICAL, "critical path"))
        if colour or glyphs.ascii_only:
            for role in self.roles:
                sample = glyphs.bodies.get(role.value, glyphs.tall[1])
                entries.append((sample, palette.bar_style(role), _KIND_WORDS[role]))
        for paint, words in _PAINT_WORDS.items():
            if paint in self.paints:
                entries.append((self._sample(paint), paint_style(paint, "model"), words))
        if Paint.FAILED in self.paints:
            entries.append(("!", palette.ERROR, "failed"))
        if barriers:
            entries.append((glyphs.barrier, palette.QUIET, "superstep"))
        return self._wrapped(entries)

    def _sample(self, paint: Paint) -> str:
        glyphs = self.page.glyphs
        if paint is Paint.FIRST_TOKEN:
            solid = self.page.colour and not glyphs.ascii_only
            return glyphs.tall[1] if solid else glyphs.first_token
        return glyphs.idle if paint is Paint.IDLE else glyphs.waiting

    def _wrapped(self, entries: Sequence[tuple[str, Style, str]]) -> list[Text]:
        lines, line = [], Text(" " * INDENT)
        for sample, style, words in entries:
            if line.cell_len + len(words) + 4 > self.page.width:
                lines.append(line)
                line = Text(" " * INDENT)
            line.append(sample, style=style)
            line.append(f" {words}   ", style=palette.QUIET)
        lines.append(line)
        for done in lines:
            done.rstrip()
        return lines

    def _left_out(self, crowded: bool) -> list[Text]:
        notes = []
        if self.selection.left_out:
            calls = plural(self.selection.left_out, "short call")
            notes.append(f"{calls} not shown, {self.page.time(self.selection.left_out_s)} in all")
        if self.selection.collapsed:
            more = "" if self.page.verbosity else " (-v shows more of them)"
            notes.append(
                f"repeated calls share a row: their total time, as high as they were busy{more}"
            )
        if crowded:
            notes.append(f"{plural(self.supersteps, 'superstep')} are too many to draw")
        return [line for note in notes for line in quiet_lines(self.page, note)]


def _superstep_ends(request: Request, calls: Sequence[Call]) -> dict[tuple[int | None, int], float]:
    """When the last node of each superstep was done, by graph span and step.

    Functional tasks wait for nobody: their parent is the attempt that called them.
    """
    graphs = {span.id for span in request.spans if span.kind == "graph"}
    ends: dict[tuple[int | None, int], float] = {}
    waiting = list(calls)
    while waiting:
        call = waiting.pop()
        waiting += call.children
        span = call.span
        if span.kind == "node" and span.step is not None and span.parent in graphs:
            key = (span.parent, span.step)
            ends[key] = max(call.end_s, ends.get(key, call.end_s))
    return ends
