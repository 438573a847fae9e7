"""A history of measurements: one line of JSON each, and what is read from many of them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

HISTORY_SCHEMA = "lgprof-history/1"


class HistoryEntry(msgspec.Struct, kw_only=True):
    """The summary of one Profile."""

    schema: str = HISTORY_SCHEMA
    created: str
    """RFC 3339, UTC."""
    kind: Literal["run", "load"]
    target: str
    """As it was typed."""
    inputs_sha256: str
    requests: int
    target_rps: float | None = None
    """Of a load test."""
    environment: dict[str, Any]
    metrics: dict[str, float]
    """By name, in each metric's own unit; what was not measured is left out."""


class ChangePoint(msgspec.Struct, kw_only=True):
    """Where a metric went to another level, and stayed."""

    index: int
    """Of the first entry at the new level, among those of the trend."""
    before: float
    """Median of the level before it."""
    after: float
    change: float | None
    """Relative; None where it was 0 before."""
    certain: bool
    """A count that was always the same before, and now is another."""
    with_environment: list[str] = []
    """What changed in the environment at the same entry: it may be the cause."""


class Trend(msgspec.Struct, kw_only=True):
    """One metric over time."""

    metric: str
    unit: str
    values: list[float | None]
    """One an entry; None where it was not measured."""
    changes: list[ChangePoint]


class History(msgspec.Struct, kw_only=True):
    """The trends of what can be compared: one target, its inputs, one kind of measurement."""

    target: str
    kind: Literal["run", "load"]
    created: list[str]
    commits: list[str | None]
    trends: list[Trend]
    left_out: int
    """Entries of other targets, inputs or kinds."""
