"""Two Profiles side by side: what ``lgprof diff`` computes and its renderers show.

Values are in the metric's own unit. Changes are relative: 0.1 is a tenth more. Intervals are 95 %.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Presence = Literal["both", "added", "removed"]


class Change(msgspec.Struct, kw_only=True):
    """One metric in both Profiles."""

    metric: str
    unit: str
    base: float | None
    new: float | None
    change: float | None = None
    """None where one of them is not known, or the base is 0."""
    ci: tuple[float, float] | None = None
    """None where the data allow none, or leave nothing open."""
    exact: bool = False
    """Every request was paired with the same one of the base, and all differ by as much."""

    @property
    def is_certain(self) -> bool:
        """Whether the scatter between requests does not explain it."""
        if self.ci is not None:
            return self.ci[0] > 0 or self.ci[1] < 0
        return self.exact and self.base != self.new


class RowChanges(msgspec.Struct, kw_only=True):
    """One node, or one model or tool as called from a node."""

    name: str
    node: str | None = None
    """The node that calls the model or tool; None of a node."""
    presence: Presence
    changes: list[Change]

    def of(self, metric: str) -> Change | None:
        """The change of a metric, if it is there."""
        return next((change for change in self.changes if change.metric == metric), None)


class Side(msgspec.Struct, kw_only=True):
    """One of the two Profiles."""

    spec: str
    kind: Literal["run", "load"]
    created: str
    requests: int
    git_commit: str | None
    git_dirty: bool | None


class StructureChange(msgspec.Struct, kw_only=True):
    """What differs in the graph itself."""

    nodes_added: list[str]
    nodes_removed: list[str]
    edges_added: list[str]
    """``source -> target``."""
    edges_removed: list[str]
    calls: list[RowChanges]
    """Nodes in both that run more or less often per request."""

    @property
    def is_none(self) -> bool:
        """Whether the structure is the same."""
        parts = (self.nodes_added, self.nodes_removed, self.edges_added, self.edges_removed)
        return not (any(parts) or self.calls)


class ProfileDiff(msgspec.Struct, kw_only=True):
    """The whole comparison."""

    base: Side
    new: Side
    paired: bool
    """Each request was compared with the one of the base that had the same input."""
    caveats: list[str]
    """What differs besides the graph, and keeps figures from being compared."""
    structure: StructureChange
    graph: list[Change]
    attribution: list[Change]
    nodes: list[RowChanges]
    """Those with the largest change of time first."""
    models: list[RowChanges]
    tools: list[RowChanges]
