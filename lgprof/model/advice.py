"""Advice: a change to a graph, what it is predicted to save and, where it was tried, what it did.

Times are seconds, money is USD. ``share`` is of the baseline's mean latency. Intervals are 95 %.
"""

from __future__ import annotations

from typing import Literal

import msgspec

AdviceStatus = Literal["proven", "predicted", "unproven", "unsafe"]

WHAT_IF = "what_if"
"""Kind of an advice that answers a question of the user's."""


class Saving(msgspec.Struct, kw_only=True):
    """What a change takes off a request; negative where it adds."""

    p50_s: float
    p95_s: float | None
    """None below 200 requests: not enough data."""
    mean_s: float
    mean_ci_s: tuple[float, float]
    share: float
    usd_per_1k_requests: float | None
    """None where the cost is not known."""

    @property
    def is_gain(self) -> bool:
        """Whether it takes off time, or money."""
        return self.mean_s > 0 or (self.usd_per_1k_requests or 0.0) > 0


class MeasuredSaving(msgspec.Struct, kw_only=True):
    """What a change did on a copy of the graph, interleaved with the original."""

    mean_s: float
    mean_ci_s: tuple[float, float]
    prediction_error: float
    """(predicted - measured saving) / baseline mean latency."""
    outputs_equal: bool | None
    """None where the unchanged graph differs from itself, so that equality cannot be claimed."""
    inputs: int
    control_error: float
    """The same of the unchanged graph against itself (A/A)."""


class Advice(msgspec.Struct, kw_only=True):
    """One thing to change."""

    kind: str
    """``parallel``, ``cache``, ``retry``, ...: a module of ``lgprof.advice.kinds``."""
    nodes: list[str]
    """Paths of the nodes that it is about."""
    title: str
    why: str
    change: str
    """A patch or code to paste."""
    evidence: list[str] = []
    """Spans that show it, ``REQUEST/SPAN``: a request's index and a span's id in it."""
    saving: Saving | None
    """None where no saving can be computed; then ``reasons`` say why it matters all the same."""
    status: AdviceStatus
    reasons: list[str] = []
    """What the status rests on, with counts, and caveats."""
    measured: MeasuredSaving | None = None
