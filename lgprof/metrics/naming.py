"""Names of metrics.

    metric     = [row "."] name ["." "per_request"]
    row        = scope key ["." ("model" | "tool") key]
    scope      = "node" | "model" | "tool" | "error"
    key        = "." word | "[" string "]"        node.search, node["gather/search"]
    name       = word {"." word} | percentile     p95, cost.per_request, tokens.input, critical
    percentile = "p" number                       p99.9
    word       = (letter | "_") {letter | digit | "_" | "-"}

A name without a row is of the whole graph. ``.per_request`` makes a mean over all requests of a
total. A model or tool that several nodes call has a row for each: totals of them add up, and
``node.draft.model["gpt-4o"].p95`` names one. The JSON path of a graph's number,
``summary.latency_s.p95``, is a name of it too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from lgprof.errors import UsageError
from lgprof.metrics.catalogue import Measure, Scope, measures, percentile_measure, unaliased
from lgprof.metrics.units import Unit
from lgprof.model import Profile

LIST_HINT = "lgprof gate --list-metrics names them all"

_KEYED = re.compile(
    r"""(node|model|tool|error)
        (?: \.(?P<word>[A-Za-z_][\w-]*) | \[\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')\s*\] )
        \.""",
    re.VERBOSE,
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_PER_REQUEST = ".per_request"

_RowScope = Literal["node", "model", "tool", "error"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of every Profile."""

    measure: Measure
    key: str | None = None
    """The node's path, the model, tool or error type; None for the whole graph."""
    node: str | None = None
    """Of a model or tool: as called from this node; None for all."""
    per_request: bool = False

    @property
    def name(self) -> str:
        """As it is written."""
        suffix = _PER_REQUEST if self.per_request else ""
        return f"{self._row}{self.measure.name}{suffix}"

    @property
    def _row(self) -> str:
        if self.key is None:
            return ""
        outer = f"node{_key(self.node)}." if self.node is not None else ""
        return f"{outer}{self.measure.scope}{_key(self.key)}."

    @property
    def unit(self) -> Unit:
        """What it is measured in."""
        return self.measure.unit

    @property
    def path(self) -> str:
        """Where it stands in the file, as a JSON path."""
        path = self.measure.path
        if self.key is not None:
            field, quoted = _KEY_FIELDS[self.measure.scope], self.key.replace('"', '\\"')
            found = f'@.{field}=="{quoted}"'
            if self.node is not None:
                found += f' && @.node=="{self.node}"'
            path = path.replace("[*]", f"[?{found}]")
        return f"{path} / $.summary.requests" if self.per_request else path

    @property
    def about_node(self) -> str | None:
        """The node that it is about, if it is about one."""
        return self.key if self.measure.scope == "node" else self.node

    def value(self, profile: Profile) -> float | None:
        """The number; None where it was not measured.

        Raises:
            UsageError: The Profile has no such node, model, tool or error, or has it several times
                where one must be named.
        """
        found = self.measure.read(profile) if self.key is None else self._of_rows(profile)
        if found is None or not self.per_request:
            return found
        return found / profile.summary.requests if profile.summary.requests else None

    def _of_rows(self, profile: Profile) -> float | None:
        rows = self._rows(profile)
        if not rows:
            return self._of_none(profile)
        if len(rows) > 1 and not self.measure.is_total:
            first = Metric(self.measure, self.key, rows[0].node, self.per_request)
            raise UsageError(
                f"{self.name}: {self.key} is called from {len(rows)} nodes",
                hint=f"name one of them: {first.name}",
            )
        values = [self.measure.read(row) for row in rows]
        known = [value for value in values if value is not None]
        return sum(known) if known and len(known) == len(values) else None

    def _rows(self, profile: Profile) -> list[Any]:
        scope = self.measure.scope
        rows = _tables(profile)[scope]
        return [
            row
            for row in rows
            if getattr(row, _KEY_FIELDS[scope]) == self.key
            and (self.node is None or row.node == self.node)
        ]

    def _of_none(self, profile: Profile) -> float | None:
        scope = self.measure.scope
        if scope == "error":
            return 0.0
        if scope == "node" and self.key in profile.target.nodes:
            return 0.0 if self.measure.is_total else None
        called = " in this node" if self.node is not None else ""
        raise UsageError(
            f"{self.name}: the Profile has no {scope} {self.key!r}{called}",
            hint=_names_hint(scope, self.key or "", profile),
        )


_KEY_FIELDS: dict[Scope, str] = {"node": "path", "model": "model", "tool": "tool", "error": "type"}


def _tables(profile: Profile) -> dict[Scope, list[Any]]:
    return {
        "node": list(profile.nodes),
        "model": list(profile.models),
        "tool": list(profile.tools),
        "error": list(profile.errors),
    }


def _key(key: str) -> str:
    if _WORD.fullmatch(key):
        return f".{key}"
    return f"['{key}']" if '"' in key else f'["{key}"]'


def _names_hint(scope: Scope, key: str, profile: Profile) -> str:
    names = sorted({getattr(row, _KEY_FIELDS[scope]) for row in _tables(profile)[scope]})
    if scope == "node":
        names = sorted({*names, *profile.target.nodes})
    if not names:
        return f"it has no {scope}s at all"
    return _close(key, names) or f"its {scope}s are {', '.join(names)}"


def _close(word: str, names: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(word, list(names), n=1)
    return f"did you mean {close[0]}?" if close else None


def parse_metric(text: str) -> Metric:
    """Read a metric's name.

    Raises:
        UsageError: There is no such metric.
    """
    rest = text.strip()
    scope, key, node = _row_of(rest)
    while match := _KEYED.match(rest):
        rest = rest[match.end() :]
    name = rest
    measure = _named(scope, name)
    if measure is not None:
        return Metric(measure, key, node)
    total = _named(scope, name.removesuffix(_PER_REQUEST))
    if name.endswith(_PER_REQUEST) and total is not None and total.is_total:
        return Metric(total, key, node, per_request=True)
    raise _unknown(text.strip(), scope, name)


def metric_of(
    scope: Scope, name: str, key: str | None = None, *, node: str | None = None
) -> Metric:
    """The metric of this name of the graph, or of the row with this key.

    Raises:
        UsageError: There is no such metric.
    """
    row = "" if key is None else f"{scope}{_key(key)}."
    outer = "" if node is None else f"node{_key(node)}."
    return parse_metric(f"{outer}{row}{name}")


def _row_of(text: str) -> tuple[Scope, str | None, str | None]:
    """Scope and key of the row that a name begins with, and the node around it."""
    rows: list[tuple[_RowScope, str]] = []
    at = 0
    while match := _KEYED.match(text, at):
        key = next(group for group in match.groups()[1:] if group is not None)
        rows.append((match[1], key))  # type: ignore[arg-type]
        at = match.end()
    if not rows:
        return "graph", None, None
    if len(rows) == 1:
        return rows[0][0], rows[0][1], None
    (outer, node), (scope, key) = rows[0], rows[1]
    if len(rows) > 2 or outer != "node" or scope not in ("model", "tool"):
        raise UsageError(
            f"no metric {text!r}", hint='a model or tool may stand in a node: node.a.model["m"].p95'
        )
    return scope, key, node


def _named(scope: Scope, name: str) -> Measure | None:
    known = measures(scope)
    if scope == "graph":
        name = unaliased(name)
        by_path = {measure.path.removeprefix("$."): measure for measure in known.values()}
        if name.removeprefix("$.") in by_path:
            return by_path[name.removeprefix("$.")]
    return known.get(name) or percentile_measure(scope, name)


def _unknown(text: str, scope: Scope, name: str) -> UsageError:
    close = difflib.get_close_matches(name, list(measures(scope)), n=1)
    row = text.removesuffix(name) if name else text
    hint = f"did you mean {row}{close[0]}? {LIST_HINT}" if close else LIST_HINT
    return UsageError(f"no metric {text!r}", hint=hint)
