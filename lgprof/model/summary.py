"""Distributions in a few numbers."""

from __future__ import annotations

import msgspec


class LatencySummary(msgspec.Struct, kw_only=True):
    """A latency distribution in seconds; percentiles by nearest rank."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float
