"""The file formats of a diff, by suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from lgprof.analysis.diff import Compared
from lgprof.analysis.flame import FlameOptions
from lgprof.errors import UsageError
from lgprof.model import Change, ProfileDiff, RowChanges
from lgprof.render.change_words import is_small, pair, side_words, structure_lines
from lgprof.render.markdown import escaped, table
from lgprof.render.quantity import change as change_words
from lgprof.render.quantity import interval, quantity

_MOST_ROWS = 15
_SIGNS = {"+": "added", "-": "removed", "~": "changed"}


def encode_diff(diff: ProfileDiff) -> bytes:
    """The diff as JSON, one line."""
    return msgspec.json.encode(diff)


def diff_markdown(diff: ProfileDiff) -> str:
    """The diff as Markdown: structure, the whole, and the rows that changed most."""
    return "\n".join([*_parts(diff), ""])


def _parts(diff: ProfileDiff) -> Iterator[str]:
    yield "### lgprof diff"
    yield ""
    for name, side in (("base", diff.base), ("new", diff.new)):
        yield f"- {name}: {escaped(' · '.join(side_words(side)))}"
    yield ""
    for caveat in diff.caveats:
        yield f"> ⚠️ {escaped(caveat)}"
        yield ""
    for sign, line in structure_lines(diff, "→"):
        yield f"- {_SIGNS[sign]}: {escaped(line)}"
    if not diff.structure.is_none:
        yield ""
    yield from table(("metric", "base", "new", "change", "95 % interval"), map(_row, diff.graph))
    yield ""
    moved = [each for each in diff.attribution if not is_small(diff, each)]
    if moved:
        yield from table(("part of the latency", "base", "new", "change", ""), map(_row, moved))
        yield ""
    for title, rows in (("node", diff.nodes), ("model", diff.models), ("tool", diff.tools)):
        if rows:
            yield from _table_of(title, rows[:_MOST_ROWS])
            yield ""


def _row(change: Change) -> tuple[str, ...]:
    moved = change_words(change.change) if change.base != change.new else ""
    return (
        f"`{change.metric.removeprefix('attribution.')}`",
        quantity(change.base, change.unit),
        quantity(change.new, change.unit),
        f"**{moved}**" if change.is_certain else moved,
        "exact" if change.exact and moved else interval(change.ci),
    )


_COLUMNS = {
    "calls/request": "calls.per_request",
    "time per call": "mean",
    "critical path": "critical",
    "tokens in": "tokens.input.per_request",
    "tokens out": "tokens.output.per_request",
    "cost": "cost.per_request",
}


def _table_of(title: str, rows: Sequence[RowChanges]) -> Iterator[str]:
    cells: dict[str, list[str]] = {title: [_name(row) for row in rows]}
    for header, metric in _COLUMNS.items():
        found = [row.of(metric) for row in rows]
        if any(each and (each.base or each.new) for each in found):
            cells[header] = [pair(each, " → ") if each else "" for each in found]
    changes = [row.of("mean") for row in rows]
    cells["change of time"] = [_moved(each) if each else "" for each in changes]
    yield from table(list(cells), zip(*cells.values(), strict=True))


def _moved(change: Change) -> str:
    words = " ".join(filter(None, (change_words(change.change), interval(change.ci))))
    return f"**{words}**" if change.is_certain and words else words


def _name(row: RowChanges) -> str:
    sign = {"added": "added: ", "removed": "removed: ", "both": ""}[row.presence]
    return f"{sign}`{row.name}`" + (f" in `{row.node}`" if row.node is not None else "")


def _svg(compared: Compared, flame: FlameOptions) -> bytes:
    from lgprof.render.flame_diff_svg import flame_diff_svg

    return flame_diff_svg(compared.base, compared.new, flame).encode()


def _graph_svg(compared: Compared, _: FlameOptions) -> bytes:
    from lgprof.render.graph_marks import graph_marks
    from lgprof.render.graph_svg import graph_svg

    return graph_svg(compared.new, graph_marks(compared)).encode()


def _html(compared: Compared, flame: FlameOptions) -> bytes:
    from lgprof.render.html.diff import html_diff

    return html_diff(compared, flame)


Encode = Callable[[Compared, FlameOptions], bytes]
"""Makes a file of what was compared, with the flame graph that was asked for."""

_ENCODERS: dict[str, Encode] = {
    ".md": lambda compared, _: diff_markdown(compared.diff).encode(),
    ".json": lambda compared, _: encode_diff(compared.diff),
    ".html": _html,
    ".graph.svg": _graph_svg,
    ".svg": _svg,
}


def encoder_of(file: Path) -> Encode:
    """What makes a file of this name.

    Raises:
        UsageError: No format has its suffix.
    """
    for suffix, encode in _ENCODERS.items():
        if file.name.endswith(suffix):
            return encode
    raise UsageError(
        f"--output {file}: unknown suffix", hint=f"use {' or '.join(_ENCODERS)} for a diff"
    )
