"""Values of metrics as people read them, each in its own unit."""

from __future__ import annotations

import math

from lgprof import readable
from lgprof.metrics import Unit
from lgprof.model import Check

_FAR = 1000
"""Times as much: farther, an interval's end says only that nothing is known."""

_MOST_DIGITS = 6
UNKNOWN = "?"


def quantity(value: float | None, unit: str, *, ascii_only: bool = False) -> str:
    """A value of a metric: ``1.24 s``, ``$0.0042``, ``62.1%``, ``12.3k``.

    Args:
        value: None where it is not known.
        unit: A value of `lgprof.metrics.Unit`; of anything else, the number alone.
        ascii_only: Write ``us`` for microseconds.
    """
    if value is None:
        return UNKNOWN
    if unit == Unit.SECONDS.value:
        return readable.duration(value, ascii_only=ascii_only)
    if unit == Unit.USD.value:
        return readable.usd(value)
    if unit == Unit.SHARE.value:
        return readable.percent(value)
    if unit == Unit.BYTES.value:
        return readable.size(round(value))
    if unit == Unit.PER_SECOND.value:
        return readable.rate(value)
    return _number(value)


def every_digit(value: float, unit: str) -> str:
    """A count or a cost so that one unit more is to be seen: ``$0.000102275``, ``12,346``."""
    if unit == Unit.USD.value:
        return f"${readable.trimmed(readable.significant(value, 6))}"
    return readable.trimmed(f"{value:,.4f}")


def bound(check: Check, *, ascii_only: bool = False) -> str:
    """What a check allows: ``< 2 s`` of a budget, ``+5%`` of a tolerance; empty where nothing."""
    if check.limit is None:
        return ""
    if check.comparison is None and check.limit == 0:
        return "no more"
    if check.comparison is None:
        return f"+{readable.trimmed(f'{check.limit * 100:.1f}')}%"
    shown = quantity(check.limit, check.unit, ascii_only=ascii_only)
    number, space, word = shown.removesuffix("%").partition(" ")
    percent = "%" if shown.endswith("%") else ""
    if check.unit in (Unit.SECONDS.value, Unit.SHARE.value):
        shown = f"{readable.trimmed(number)}{space}{word}{percent}"
    return f"{check.comparison} {shown}"


def change(relative: float | None, *, digits: int = 1, exact: bool = False) -> str:
    """A relative change with its sign: ``+12.3%``, ``0%``; from tenfold on, ``x12.0``.

    Args:
        relative: 0.1 is a tenth more.
        digits: Behind the point.
        exact: Take more of them rather than call something nothing.
    """
    if relative is None:
        return ""
    if math.isinf(relative):
        return "new"
    if relative >= _FAR:
        return f">x{readable.count(_FAR)}"
    if relative >= 9:
        return f"x{readable.significant(relative + 1)}"
    text = f"{relative * 100:+.{digits}f}"
    if exact and relative and float(text) == 0 and digits < _MOST_DIGITS:
        return change(relative, digits=digits + 1, exact=True)
    return "0%" if float(text) == 0 else f"{text}%"


def interval(ci: tuple[float, float] | None) -> str:
    """An interval of a relative change: ``[+10.1%, +14.5%]``."""
    return "" if ci is None else f"[{change(ci[0])}, {change(ci[1])}]"


def _number(value: float) -> str:
    if abs(value - round(value)) < 0.0005:
        return readable.count(round(value))
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.1f}"
