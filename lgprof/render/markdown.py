"""A verdict as Markdown, for a job's summary or a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from lgprof import readable
from lgprof.model import Check, Verdict
from lgprof.render.check_words import base_value, basis, decision, headline, is_loud, new_value
from lgprof.render.quantity import bound, change, interval

_MARKS = {"pass": "✅ PASS", "fail": "❌ FAIL", "inconclusive": "⚠️ INCONCLUSIVE"}
_MOST_NODES = 8
_LEVELS = "▁▂▃▄▅▆▇█"
_LONGEST = 60
_WORTH_SAYING_S = 0.05
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~@])")


def verdict_markdown(verdict: Verdict) -> str:
    """The verdict, its checks, the nodes that changed most, and a sparkline of what was seen."""
    return "\n".join([*_parts(verdict), ""])


def _parts(verdict: Verdict) -> Iterator[str]:
    yield f"### lgprof gate: {_MARKS[verdict.verdict]}"
    yield ""
    for reason in headline(verdict):
        yield f"- {escaped(reason)}"
    yield ""
    whole = [check for check in verdict.checks if check.node is None or check.change is None]
    if whole:
        yield from table(*_rows(whole))
        yield ""
    nodes = [check for check in verdict.checks if check not in whole]
    if nodes:
        nodes.sort(key=lambda check: (check.verdict != "fail", -abs(check.change or 0.0)))
        yield f"**Nodes that changed most** ({min(len(nodes), _MOST_NODES)} of {len(nodes)})"
        yield ""
        yield from table(*_rows(nodes[:_MOST_NODES]))
        yield ""
    if len(verdict.series) > 1:
        yield f"{'pairs' if verdict.pairs else 'requests'} `{sparkline(verdict.series)}`"
        yield ""
    for warning in verdict.warnings:
        yield f"> ⚠️ {escaped(warning)}"
        yield ""
    yield f"<sub>{' · '.join(_basis(verdict))}</sub>"


def _basis(verdict: Verdict) -> list[str]:
    facts = [escaped(fact) for fact in basis(verdict)]
    facts.append(readable.plural(len(verdict.checks), "check"))
    if verdict.elapsed_s >= _WORTH_SAYING_S:
        facts.append(readable.duration(verdict.elapsed_s))
    return facts


def _rows(checks: Sequence[Check]) -> tuple[list[str], list[list[str]]]:
    """Header and rows; a column in which nothing stands is left out."""
    has_base = any(check.base is not None for check in checks)
    columns: dict[str, list[str]] = {
        "metric": [f"`{check.metric}`" for check in checks],
        "node": [f"`{check.node}`" if check.node else "" for check in checks],
        "base": [base_value(check) for check in checks],
        "new" if has_base else "value": [new_value(check) for check in checks],
        "change": [change(check.change, exact=check.exact) for check in checks],
        "95 % interval": [interval(check.ci) for check in checks],
        "allowed": [escaped(bound(check)) for check in checks],
        "verdict": [_verdict(check) for check in checks],
        "note": [escaped(check.note or "") for check in checks],
    }
    kept = {title: cells for title, cells in columns.items() if any(cells)}
    return list(kept), [list(row) for row in zip(*kept.values(), strict=True)]


def _verdict(check: Check) -> str:
    return f"**{check.verdict.upper()}**" if is_loud(check) else decision(check)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; cells are Markdown already."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'|'.join('---' for _ in header)}|"
    for row in rows:
        yield f"| {' | '.join(cell.replace(chr(10), ' ') for cell in row)} |"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def sparkline(values: Sequence[float]) -> str:
    """A character per value, or per stretch of values where there are many; least to greatest."""
    values = _thinned(values, _LONGEST)
    low, high = min(values), max(values)
    if high == low:
        return _LEVELS[0] * len(values)
    return "".join(_LEVELS[round((v - low) / (high - low) * (len(_LEVELS) - 1))] for v in values)


def _thinned(values: Sequence[float], most: int) -> list[float]:
    """The greatest of each stretch."""
    if len(values) <= most:
        return list(values)
    edges = [round(index * len(values) / most) for index in range(most + 1)]
    return [max(values[a:b]) for a, b in pairwise(edges)]
