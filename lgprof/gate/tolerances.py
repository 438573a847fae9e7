"""How much more of something is still good enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TIMES = ("wall", "cpu", "p95")
"""Metrics of a graph's time that two versions are compared by."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """Relative changes that are tolerated."""

    general: float = 0.05
    p95: float = 0.20
    """At least; more than the general one, since a tail is known to some 3 to 8 % at best."""
    of: Mapping[str, float] = field(default_factory=dict)
    """Set for single metrics."""

    def __getitem__(self, metric: str) -> float:
        default = max(self.p95, self.general) if metric == "p95" else self.general
        return self.of.get(metric, default)
