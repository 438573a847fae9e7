"""Two Profiles as one page: what differs, in pictures and tables that sort."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lgprof.analysis.collector import collector_paused
from lgprof.analysis.diff import Compared
from lgprof.analysis.flame import NODE_SECONDS, FlameOptions
from lgprof.model import CATEGORY_LABELS, Change, ProfileDiff, RowChanges
from lgprof.render.change_words import (
    SCATTER,
    is_small,
    is_worse,
    pair,
    side_words,
    structure_lines,
)
from lgprof.render.graph_marks import SIGNS, graph_marks
from lgprof.render.html.document import document
from lgprof.render.html.encoding import Names, number
from lgprof.render.html.flame_diffs import flame_diffs
from lgprof.render.html.graph import graph
from lgprof.render.html.timelines import median_timeline
from lgprof.render.quantity import change as change_words
from lgprof.render.quantity import interval, quantity
from lgprof.render.terminal.text import clean

Cell = list[Any]
"""``[value to sort by, text, whether it is worse beyond the scatter]``."""

_COLUMNS = {
    "calls/request": "calls.per_request",
    "time per call": "mean",
    "critical path": "critical",
    "CPU": "cpu",
    "tokens in": "tokens.input.per_request",
    "tokens out": "tokens.output.per_request",
    "cost": "cost.per_request",
    "errors": "errors.per_request",
}


def html_diff(compared: Compared, flame: FlameOptions = NODE_SECONDS) -> bytes:
    """One file that opens from disk in any current browser, without a network.

    Args:
        compared: What to show.
        flame: The flame graph that is shown first.
    """
    title = f"{compared.new.target.name} · lgprof diff"
    return document(title, diff_content(compared, flame), "diff").encode()


@collector_paused()
def diff_content(compared: Compared, flame: FlameOptions = NODE_SECONDS) -> dict[str, Any]:
    """Everything that the page shows, by section."""
    base, new, diff = compared
    names = Names(lambda name: clean(name).strip() or "(unnamed)")
    return {
        "target": {"name": names.of(new.target.name), "lgprof": new.lgprof, "kind": new.kind},
        "sides": [
            [name, " · ".join(map(names.of, side_words(side)))]
            for name, side in (("base", diff.base), ("new", diff.new))
        ],
        "paired": diff.paired,
        "scatter": SCATTER if any(each.ci for each in diff.graph) else None,
        "caveats": [names.of(caveat) for caveat in diff.caveats],
        "structure": [[sign, names.of(line)] for sign, line in structure_lines(diff, "→")],
        "tables": list(_tables(diff, names)),
        "graph": graph(new, names, graph_marks(compared)),
        "nodes": [],
        "flames": flame_diffs(compared, names, flame),
        "timelines": [median_timeline(each, names) for each in (base, new)],
    }


def _tables(diff: ProfileDiff, names: Names) -> list[dict[str, Any]]:
    moved = [each for each in diff.attribution if not is_small(diff, each)]
    tables = [_metrics("graph-metrics", "The whole", "metric", diff.graph)]
    tables.append(_metrics("moved", "Where the time moved", "part of the latency", moved))
    for title, rows in (("Nodes", diff.nodes), ("Models", diff.models), ("Tools", diff.tools)):
        tables.append(_rows(title, rows, names))
    return [table for table in tables if table["rows"]]


def _metrics(id_: str, title: str, first: str, changes: Sequence[Change]) -> dict[str, Any]:
    return {
        "id": id_,
        "title": title,
        "columns": [first, "base", "new", "change", "95 % interval"],
        "rows": [
            [
                _text(_label(each.metric)),
                [number(each.base), quantity(each.base, each.unit), False],
                [number(each.new), quantity(each.new, each.unit), False],
                _change(each),
                _interval(each),
            ]
            for each in changes
        ],
    }


def _label(metric: str) -> str:
    part = metric.removeprefix("attribution.")
    return metric if part == metric else CATEGORY_LABELS.get(part, part)


def _rows(title: str, rows: Sequence[RowChanges], names: Names) -> dict[str, Any]:
    columns: dict[str, list[Cell]] = {title[:-1].lower(): [_name(row, names) for row in rows]}
    times = [row.of("mean") for row in rows]
    for header, metric in _COLUMNS.items():
        found = [row.of(metric) for row in rows]
        if any(each and (each.base or each.new) for each in found):
            columns[header] = [_pair(each) for each in found]
        if metric == "mean":
            columns["change"] = [_change(each) if each else _text("") for each in times]
            columns["95 % interval"] = [_interval(each) if each else _text("") for each in times]
    return {
        "id": title.lower(),
        "title": title,
        "columns": list(columns),
        "rows": [list(cells) for cells in zip(*columns.values(), strict=True)],
    }


def _name(row: RowChanges, names: Names) -> Cell:
    called = f" in {names.of(row.node)}" if row.node is not None else ""
    return _text(f"{SIGNS[row.presence]} {names.of(row.name)}{called}".lstrip())


def _text(text: str) -> Cell:
    return [text, text, False]


def _pair(change: Change | None) -> Cell:
    if change is None:
        return [None, "", False]
    return [number(change.base if change.new is None else change.new), pair(change, " → "), False]


def _change(change: Change) -> Cell:
    moved = change_words(change.change) if change.base != change.new else ""
    return [number(change.change), moved, change.is_certain and is_worse(change)]


def _interval(change: Change) -> Cell:
    if change.exact:
        return [0, "exact" if change.base != change.new else "the same", False]
    return [number(change.ci[0]) if change.ci else None, interval(change.ci), False]
