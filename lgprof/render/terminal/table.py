"""Tables that lose columns, the least important first, until they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from lgprof.render.terminal import palette
from lgprof.render.terminal.page import INDENT, Paper

GAP = 2


@dataclass(slots=True)
class Column:
    """One column of a table."""

    header: str
    cells: list[Text]
    keep: int
    """The column with the smallest goes first."""
    left: bool = False
    shrink_to: int | None = None
    """Its text may be cut down to this many cells."""

    def natural_width(self) -> int:
        """Cells that it takes if nothing is cut."""
        return max([len(self.header), *(cell.cell_len for cell in self.cells)])

    def least_width(self) -> int:
        """Cells that it takes at least."""
        natural = self.natural_width()
        if self.shrink_to is None:
            return natural
        return min(natural, max(self.shrink_to, len(self.header)))


def table_lines(page: Paper, columns: Sequence[Column]) -> list[Text]:
    """Header and rows, as wide as the page allows."""
    widths = _layout(columns, page.width - INDENT)
    shown = [column for column in columns if id(column) in widths]
    rows = len(columns[0].cells)
    lines = [_line(page, shown, widths, None)]
    lines += [_line(page, shown, widths, row) for row in range(rows)]
    return lines


def is_shown(page: Paper, columns: Sequence[Column], column: Column) -> bool:
    """Whether there is room for one of the columns."""
    return id(column) in _layout(columns, page.width - INDENT)


def has_footnote(page: Paper, columns: Sequence[Column]) -> bool:
    """Whether a column whose header carries the mark of a footnote has room."""
    layout = _layout(columns, page.width - INDENT)
    return any(
        id(column) in layout for column in columns if column.header.endswith(page.glyphs.note)
    )


def _layout(columns: Sequence[Column], room: int) -> dict[int, int]:
    """Widths of the columns that stay, by their identity."""
    staying = list(columns)
    least = {id(column): column.least_width() for column in columns}
    while len(staying) > 1 and _total([least[id(c)] for c in staying]) > room:
        staying.remove(min(staying, key=lambda column: column.keep))
    widths = {id(column): least[id(column)] for column in staying}
    spare = room - _total(list(widths.values()))
    for column in sorted(staying, key=lambda column: -column.keep):
        more = max(min(column.natural_width() - widths[id(column)], spare), 0)
        widths[id(column)] += more
        spare -= more
    return widths


def _total(widths: list[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _line(page: Paper, columns: list[Column], widths: dict[int, int], row: int | None) -> Text:
    line = Text(" " * INDENT)
    for index, column in enumerate(columns):
        width = widths[id(column)]
        cell = Text(column.header, style=palette.QUIET) if row is None else column.cells[row]
        if cell.cell_len > width:
            cell = Text(page.fit_middle(cell.plain, width), style=cell.style)
        space = " " * (width - cell.cell_len)
        if index:
            line.append(" " * GAP)
        if column.left:
            line.append_text(cell)
            line.append(space)
        else:
            line.append(space)
            line.append_text(cell)
    line.rstrip()
    return line
