"""Every number of a Profile by its short name: derived from the Profile's own types.

A short name is the path of the number in the file without what its scope and unit tell already:
``summary.latency_s.p95`` is ``p95``, ``summary.cost_usd.per_request.mean`` is ``cost.per_request``,
``nodes[...].self_s`` is ``node["..."].self``. A field that is added to the Profile has a name at
once.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import msgspec

from lgprof.metrics.units import Unit
from lgprof.model import (
    Attribution,
    ErrorRow,
    Load,
    ModelRow,
    NodeRow,
    Profile,
    Summary,
    Tokens,
    ToolRow,
)

Scope = Literal["graph", "node", "model", "tool", "error"]

_PARTS: tuple[tuple[Scope, str, type, str], ...] = (
    ("graph", "", Summary, "$.summary"),
    ("graph", "attribution.", Attribution, "$.attribution_s"),
    ("graph", "load.", Load, "$.load"),
    ("node", "", NodeRow, "$.nodes[*]"),
    ("model", "", ModelRow, "$.models[*]"),
    ("tool", "", ToolRow, "$.tools[*]"),
    ("error", "", ErrorRow, "$.errors[*]"),
)
_PER_REQUEST = ("llm_calls", "tool_calls", "tokens", "cost_usd")
"""Totals of the summary that say something per request."""
_ROW_TOTALS = (
    *("calls", "attempts", "errors", "retries", "timeouts", "cache_hits", "count"),
    *("llm_cache_hits", "unpriced_calls", "duplicate_calls", "near_duplicate_calls"),
)
_ALIASES = {
    "cost": "cost.total",
    "dropped": "load.dropped",
    "unsent": "load.unsent",
    "lag": "load.schedule_lag",
    "achieved_rps": "load.achieved_rps",
}
"""Shorter ways to write the beginning of a graph's metric."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that a Profile, or each row of one of its tables, has."""

    scope: Scope
    name: str
    unit: Unit
    fields: tuple[str, ...]
    """From the Profile, or the row, to the number."""
    path: str
    """JSON path."""
    is_total: bool = False
    """Over all requests: rows of it add up, and it can be had per request."""
    percentile: float | None = None
    """To be read from the histogram that ``fields`` lead to."""

    def read(self, owner: Any) -> float | None:
        """The number of a Profile or row; None where it is not known.

        Without a model call, nothing was spent: tokens and cost are 0.
        """
        if self._is_spent and _model_calls(owner) == 0:
            return 0.0
        for name in self.fields:
            owner = getattr(owner, name)
            if owner is None:
                return None
        if self.percentile is not None:
            return _percentile_s(owner, self.percentile)
        return float(owner)

    @property
    def _is_spent(self) -> bool:
        is_usage = "tokens" in self.fields or "cost_usd" in self.fields
        return is_usage and self.unit is not Unit.SHARE


def _model_calls(owner: Any) -> int | None:
    if isinstance(owner, Profile):
        return owner.summary.llm_calls
    return owner.llm_calls if isinstance(owner, NodeRow) else None


@cache
def measures(scope: Scope) -> Mapping[str, Measure]:
    """All numbers of a scope by their short names."""
    found: dict[str, Measure] = {}
    for at, prefix, struct, path in _PARTS:
        if at != scope:
            continue
        root = (path.removeprefix("$."),) if scope == "graph" else ()
        for fields in _numbers(struct):
            measure = _measure(scope, prefix, fields, root, path)
            found.setdefault(measure.name, measure)
    return found


def unaliased(name: str) -> str:
    """The full name of a graph's metric that may be written in a shorter way."""
    for short, full in _ALIASES.items():
        if name == short:
            return full
        if short != "cost" and name.startswith(f"{short}."):
            return full + name.removeprefix(short)
    return name


def percentile_measure(scope: Scope, name: str) -> Measure | None:
    """Any percentile, such as ``p99.9`` or ``p75``, where the scope has a histogram."""
    match = re.fullmatch(r"(load\.)?p(\d{1,2}(?:\.\d+)?)", name)
    if match is None or scope not in ("graph", "node") or (match[1] and scope == "node"):
        return None
    owner = "load" if match[1] else "summary"
    fields = ("histogram",) if scope == "node" else (owner, "histogram")
    path = "$.nodes[*].histogram" if scope == "node" else f"$.{owner}.histogram"
    return Measure(scope, name, Unit.SECONDS, fields, path, percentile=float(match[2]))


def _measure(
    scope: Scope, prefix: str, fields: tuple[str, ...], root: tuple[str, ...], path: str
) -> Measure:
    totals = _PER_REQUEST if scope == "graph" else (*_ROW_TOTALS, *_PER_REQUEST)
    is_total = (
        root != ("load",)
        and fields[0] in totals
        and fields[-1] != "estimated_share"
        and "per_request" not in fields
    )
    return Measure(
        scope,
        prefix + _short(fields),
        _unit(fields, is_share_of_time=bool(prefix == "attribution.")),
        (*root, *fields),
        ".".join((path, *fields)),
        is_total,
    )


def _numbers(struct: type, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths to the numbers of a struct, those of its parts included."""
    for name, hint in typing.get_type_hints(struct).items():
        for kind in _alternatives(hint):
            if kind in (int, float):
                yield (*above, name)
                break
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                yield from _numbers(kind, (*above, name))


def _alternatives(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _short(fields: tuple[str, ...]) -> str:
    words = [re.sub(r"(?<!_per)_(s|usd|bytes)$", "", field) for field in fields]
    words = [word for word in words if word != "latency"]
    if words[-2:] == ["per_request", "mean"]:
        words.pop()
    return ".".join(words)


def _unit(fields: tuple[str, ...], *, is_share_of_time: bool) -> Unit:
    last = fields[-1]
    if last.endswith(("share", "rate")):
        return Unit.SHARE
    if last.endswith(("_rps", "_per_s")):
        return Unit.PER_SECOND
    if last.endswith("calls"):
        return Unit.COUNT
    if is_share_of_time or any(field.endswith("_s") for field in fields):
        return Unit.SECONDS
    if any(field.endswith("_usd") for field in fields):
        return Unit.USD
    if last.endswith("_bytes"):
        return Unit.BYTES
    return Unit.TOKENS if last in Tokens.__struct_fields__ else Unit.COUNT


def _percentile_s(encoded: str, q: float) -> float | None:
    from hdrh.histogram import HdrHistogram

    histogram = HdrHistogram.decode(encoded)
    if not histogram.get_total_count():
        return None
    return float(histogram.get_value_at_percentile(q)) / 1e6
