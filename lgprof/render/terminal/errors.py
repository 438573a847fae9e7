"""Errors, grouped; with message and traceback where the run that raised them is still here."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from lgprof.model import ErrorRow, Failure
from lgprof.readable import count, percent, plural
from lgprof.render.terminal import palette, text
from lgprof.render.terminal.page import INDENT, Block, Page
from lgprof.render.terminal.table import Column, table_lines

_MOST_ROWS = 12
_TRACEBACK_LINES = 24


def error_blocks(page: Page) -> list[Block]:
    """The table of errors and the tracebacks; empty where all went well."""
    errors = sorted(page.profile.errors, key=lambda row: -row.count)
    lines = _table(page, errors) if errors else []
    shown = page.failures if page.verbosity else page.failures[:1]
    for failure in shown:
        if lines:
            lines.append(Text())
        lines += _failure(page, failure)
    left_out = len(page.failures) - len(shown)
    if left_out:
        more = f"  -v shows {plural(left_out, 'more traceback')}"
        lines += [Text(), Text(more, style=palette.QUIET)]
    if not lines:
        return []
    failed = sum(row.count for row in errors) or sum(f.count for f in page.failures)
    return [Block("Errors", lines, plural(failed, "failed request"))]


def _table(page: Page, errors: list[ErrorRow]) -> list[Text]:
    most = len(errors) if page.verbosity else _MOST_ROWS
    rows = errors[:most]
    messages = [_message(page, row) for row in rows]
    columns = [Column("requests", [Text(f"!{count(r.count)}", palette.ERROR) for r in rows], 90)]
    load = page.profile.load
    if load is not None and load.started:
        shares = [Text(percent(row.count / load.started)) for row in rows]
        columns.append(Column("of started", shares, 70))
    columns += [
        Column("error", [Text(_short(page, r.type)) for r in rows], 100, True, 18),
        Column("node", [Text(page.clean(r.node or "-")) for r in rows], 80, True, 10),
    ]
    if any(messages):
        texts = [Text(message, style=palette.QUIET) for message in messages]
        columns.append(Column("message", texts, 40, True, 16))
    lines = table_lines(page, columns)
    if errors[most:]:
        more = f"  {plural(len(errors) - most, 'more kind')} (-v)"
        lines.append(Text(more, style=palette.QUIET))
    return lines


def _message(page: Page, row: ErrorRow) -> str:
    for failure in page.failures:
        if (failure.error_type, failure.node) == (row.type, row.node):
            return page.clean(failure.message.partition("\n")[0])
    return page.clean((row.message or "").partition("\n")[0])


def _short(page: Page, error_type: str) -> str:
    return page.clean(error_type.removeprefix("builtins."))


def _failure(page: Page, failure: Failure) -> list[Text]:
    kind = f"! {_short(page, failure.error_type)}"
    place = f"in {page.name(failure.node)}" if failure.node is not None else "outside any node"
    times = f", the first of {count(failure.count)}" if failure.count > 1 else ""
    head = Text(" " * INDENT)
    head.append(page.fit(kind, page.width - INDENT), style=palette.ERROR)
    room = page.width - head.cell_len - 1
    if room >= 8:
        head.append(f" {page.fit(place + times, room)}")
    if failure.traceback.strip():  # it ends with the message
        return [head, *_traceback(page, failure.traceback)]
    lines = [head]
    for message in failure.message.splitlines()[:8]:
        parts = text.fold(page.clean(message), page.width - 2 * INDENT)
        lines += [Text(" " * 2 * INDENT + part) for part in parts]
    return lines


def _traceback(page: Page, traceback: str) -> list[Text]:
    raw = traceback.expandtabs(4).strip("\n").splitlines()
    left_out = 0
    if not page.verbosity and len(raw) > _TRACEBACK_LINES:
        left_out = len(raw) - _TRACEBACK_LINES
        raw = [*raw[:1], "", *raw[1 + left_out :]]
    lines = []
    for number, source in enumerate(raw):
        if left_out and number == 1:
            cut = f"    {page.glyphs.ellipsis} {plural(left_out, 'line')} left out (-v)"
            lines.append(Text(cut, style=palette.QUIET))
            continue
        lines += _source_line(page, page.clean(source))
    return lines


def _source_line(page: Page, source: str) -> list[Text]:
    """A traceback's line, folded below its own indentation so that no line number is lost."""
    indent = min(cell_len(source) - cell_len(source.lstrip()), 12)
    margin = " " * (2 * INDENT + indent)
    parts = text.fold(source.lstrip(), max(page.width - len(margin), 20))
    return [Text(margin + part, style=palette.QUIET) for part in parts]
