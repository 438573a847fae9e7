"""How much more of something is still good enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TIMES = ("wall", "cpu", "p95")
"""Metrics of a graph's time that two versions are compared by."""
COUNTS = "counts"
"""Stands for everything that is counted."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """Relative changes that are tolerated.

    What is known exactly needs no room for noise: of it no more is tolerated than the user has
    allowed in so many words.
    """

    general: float = 0.05
    """Of what is known with an interval alone: times, and counts that vary."""
    p95: float = 0.20
    """At least; more than the general one, since a tail is known to some 3 to 8 % at best."""
    counts: float = 0.0
    """Of counts that are known exactly."""
    of: Mapping[str, float] = field(default_factory=dict)
    """Set for single metrics, by `short_name`."""

    def time(self, metric: str) -> float:
        """Of a time."""
        default = max(self.p95, self.general) if metric == "p95" else self.general
        return self.of.get(metric, default)

    def exact(self, metric: str) -> float:
        """Of a count that is known exactly."""
        return self.of.get(short_name(metric), self.counts)

    def varying(self, metric: str) -> float:
        """Of a count that differs between repetitions of a request."""
        return self.of.get(short_name(metric), max(self.counts, self.general))


def short_name(metric: str) -> str:
    """A count's name without ``.per_request``, which all of them are."""
    return metric.removesuffix(".per_request")
