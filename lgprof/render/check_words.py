"""One check of a gate in words."""

from __future__ import annotations

from lgprof import readable
from lgprof.model import Check, Verdict
from lgprof.render.quantity import bound, change, every_digit, interval, quantity

_MOST_REASONS = 4
_PER_REQUEST = ".per_request"


def name(check: Check) -> str:
    """Metric and node in one."""
    return f"{check.node}: {check.metric}" if check.node else check.metric


def is_count(check: Check) -> bool:
    """Whether it compares what is counted per request."""
    return check.base is not None and check.metric.endswith(_PER_REQUEST)


def short_metric(check: Check) -> str:
    """The metric in a table that says of all counts that they are per request."""
    return check.metric.removesuffix(_PER_REQUEST) if is_count(check) else check.metric


def base_value(check: Check, *, ascii_only: bool = False) -> str:
    """What was before; empty for a budget."""
    return "" if check.base is None else _value(check, check.base, ascii_only=ascii_only)


def new_value(check: Check, *, ascii_only: bool = False) -> str:
    """What is now; empty where the check is of no number."""
    return "" if not check.unit else _value(check, check.new, ascii_only=ascii_only)


def _value(check: Check, value: float | None, *, ascii_only: bool) -> str:
    if check.exact and check.base != check.new and value is not None:
        return every_digit(value, check.unit)
    return quantity(value, check.unit, ascii_only=ascii_only)


def change_words(check: Check) -> str:
    """How much more, and the interval where there is one."""
    return " ".join(filter(None, (change(check.change, exact=check.exact), interval(check.ci))))


def is_loud(check: Check) -> bool:
    """Whether it keeps the gate from passing."""
    return check.verdict == "fail" or (check.verdict == "inconclusive" and check.needed)


def decision(check: Check) -> str:
    """What came of it. What is undecided and no PASS rests on is said more quietly."""
    if check.verdict == "fail":
        return "FAIL"
    if check.verdict == "pass" or check.needed:
        return check.verdict
    return "shown" if check.limit is None else "undecided"


def headline(verdict: Verdict) -> list[str]:
    """Why the verdict is what it is, the most important first."""
    failed = [c for c in verdict.checks if c.needed and c.verdict == verdict.verdict != "pass"]
    if verdict.pairs is not None:  # its reasons tell of the comparison; budgets are besides
        failed = [check for check in failed if check.base is None]
    named = [f"{name(check)}: {sentence(check)}" for check in failed[:_MOST_REASONS]]
    more = len(failed) - len(named)
    if more:
        named.append(f"and {readable.plural(more, 'more check')}")
    passed = f"{readable.plural(len(verdict.checks), 'check')} passed"
    return [*named, *verdict.reasons] or [passed if verdict.verdict == "pass" else "undecided"]


def basis(verdict: Verdict) -> list[str]:
    """What the verdict rests on: versions, requests, pairs."""
    facts = []
    if verdict.against:
        facts.append(f"{verdict.candidate or 'working tree'} against {verdict.against}")
    if verdict.pairs is not None:
        facts.append(readable.plural(verdict.pairs, "pair"))
    if verdict.requests is not None:
        facts.append(readable.plural(verdict.requests, "request"))
    return facts


def sentence(check: Check) -> str:
    """What was found, and what is allowed: ``2.31 s, allowed < 2 s``."""
    parts = []
    if check.base is not None:
        parts.append(f"{base_value(check)} before")
    if check.unit and not (check.new is None and check.note):
        parts.append(new_value(check))
    if check.change is not None:
        parts.append(change_words(check))
    if bound(check):
        parts.append(f"allowed {bound(check)}")
    if check.note:
        parts.append(check.note)
    return ", ".join(parts)
