"""One check of a gate in words."""

from __future__ import annotations

from lgprof.model import Check
from lgprof.render.quantity import bound, change, interval, quantity


def name(check: Check) -> str:
    """Metric and node in one."""
    return f"{check.node}: {check.metric}" if check.node else check.metric


def sentence(check: Check) -> str:
    """What was found, and what is allowed: ``2.31 s, allowed < 2 s``."""
    parts = []
    if check.base is not None:
        parts.append(f"{quantity(check.base, check.unit)} before")
    if check.unit and not (check.new is None and check.note):
        parts.append(quantity(check.new, check.unit))
    if check.change is not None:
        parts.append(" ".join(filter(None, (change(check.change), interval(check.ci)))))
    if bound(check):
        parts.append(f"allowed {bound(check)}")
    if check.note:
        parts.append(check.note)
    return ", ".join(parts)
