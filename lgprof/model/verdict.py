"""What a gate decided: the ``Verdict`` that ``lgprof gate --json -`` prints."""

from __future__ import annotations

from typing import Literal

import msgspec

Decision = Literal["pass", "fail", "inconclusive"]


class Check(msgspec.Struct, kw_only=True):
    """One metric, of the whole graph or of a node. Values are in the metric's own unit."""

    metric: str
    node: str | None = None
    verdict: Decision
    base: float | None
    """None for a budget."""
    new: float | None
    change: float | None = None
    """Relative: 0.1 is a tenth more."""
    ci: tuple[float, float] | None = None
    """95 % interval of ``change``."""
    limit: float | None
    """A budget's bound, or the tolerance."""
    detectable: float | None = None
    """The smallest relative change that would have been found in nine of ten runs."""
    exact: bool = False
    """Counts that were the same at every repetition: the change is known, without an interval."""
    needed: bool = True
    """A PASS of the gate rests on this check. Others may fail the gate, or explain."""
    note: str | None = None
    """What else there is to say of it."""
    unit: str = ""
    """Of ``base`` and ``new``: ``s``, ``USD``, ``share``, ``count``, ...; empty where unknown."""
    comparison: str | None = None
    """Of a budget: how a value that keeps to it compares with ``limit``, such as ``<``."""


class Verdict(msgspec.Struct, kw_only=True):
    """Of a whole gate."""

    verdict: Decision
    checks: list[Check]
    pairs: int | None = None
    """Pairs of processes that were compared; None for budgets and stored baselines."""
    elapsed_s: float
    reasons: list[str] = []
    culprits: list[str] = []
    """Nodes that made a failed graph slower, the worst first."""
    candidate: str | None = None
    """The working tree: its commit, and how many of its files have uncommitted changes."""
    requests: int | None = None
    """That the budgets or the comparison with a stored Profile rest on."""
    interrupted: bool = False
    """It was stopped, and is of what was measured until then."""
    against: str | None = None
    """The base, as it was named and as a commit; None for budgets and stored baselines."""
    invalid: bool = False
    """The measurement cannot be trusted, or lacks a number that a budget is about."""
    warnings: list[str] = []
    """What the reader should know and no verdict rests on."""
    series: list[float] = []
    """For a sparkline: latencies of the requests in order, or the change in each pair."""
