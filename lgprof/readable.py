"""Numbers as people read them: three significant digits and a unit that fits."""

from __future__ import annotations

import math

_LONG_S = 600
_SIZE_UNITS = ("B", "kB", "MB", "GB", "TB")
_COUNT_UNITS = ("", "k", "M", "G", "T")


def split_duration(seconds: float, *, ascii_only: bool = False) -> tuple[str, str]:
    """A duration as number and unit: ``("1.24", "s")``, ``("340", "ms")``, ``("12m05", "s")``."""
    if seconds < 0:
        number, unit = split_duration(-seconds, ascii_only=ascii_only)
        return f"-{number}", unit
    if seconds == 0:
        return "0", "s"
    if seconds >= _LONG_S:
        return _long_duration(seconds)
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        number = significant(seconds / scale)
        if float(number) >= 1:
            return number, unit
    number = "<1" if seconds < 0.5e-6 else f"{max(seconds * 1e6, 1):.0f}"
    return number, "us" if ascii_only else "µs"


def _long_duration(seconds: float) -> tuple[str, str]:
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}", "s"
    return f"{minutes // 60}h{minutes % 60:02}", "m"


def duration(seconds: float, *, ascii_only: bool = False) -> str:
    """A duration: ``1.24 s``, ``340 ms``, ``45 µs`` (``45 us`` in ASCII), ``12m05s``, ``1h02m``."""
    number, unit = split_duration(seconds, ascii_only=ascii_only)
    clock_like = "m" in number or "h" in number
    return f"{number}{unit}" if clock_like else f"{number} {unit}"


def significant(value: float, digits: int = 3) -> str:
    """A number of at least 0 in fixed notation with so many significant digits; whole above."""
    if value <= 0:
        return "0"
    magnitude = math.floor(math.log10(value))
    rounded = round(value, digits - 1 - magnitude)
    if rounded >= 10 ** (magnitude + 1):
        magnitude += 1
    return f"{rounded:.{max(digits - 1 - magnitude, 0)}f}"


def percent(share: float) -> str:
    """A share of 1 with one decimal: ``62.1%``; ``<0.1%`` for what would read as nothing."""
    if 0 < share < 0.0005:
        return "<0.1%"
    text = f"{share * 100:.1f}"
    return {"100.0": "100%", "0.0": "0%", "-0.0": "0%"}.get(text, f"{text}%")


def whole_percent(share: float) -> str:
    """A share of 1 without decimals, for narrow places: ``62%``, ``<1%``."""
    if 0 < share < 0.005:
        return "<1%"
    return f"{share * 100:.0f}%"


def count(number: int) -> str:
    """A count: exact below 10,000, then ``12.3k``, ``4.56M``."""
    if abs(number) < 10_000:
        return str(number)
    scaled, unit = float(number), 0
    while abs(scaled) >= 999.5 and unit < len(_COUNT_UNITS) - 1:
        scaled, unit = scaled / 1000, unit + 1
    sign = "-" if number < 0 else ""
    return f"{sign}{significant(abs(scaled))}{_COUNT_UNITS[unit]}"


def average(number: float) -> str:
    """A mean of counts: whole where it is whole, else one or two decimals: ``3``, ``3.2``."""
    if abs(number - round(number)) < 0.005:
        return count(round(number))
    return f"{number:.2f}" if abs(number) < 1 else f"{number:.1f}"


def usd(dollars: float) -> str:
    """Money: ``$12.34``; below a dollar two significant digits, ``$0.0042``."""
    if dollars < 0:
        return f"-{usd(-dollars)}"
    if dollars == 0:
        return "$0"
    if dollars >= 999.5:
        return f"${dollars:,.0f}"
    if dollars >= 0.995:
        return f"${dollars:.2f}"
    if dollars < 1e-7:
        return "<$0.0000001"
    return f"${significant(dollars, 2)}"


def size(number: int) -> str:
    """A size in bytes, decimal units: ``132 MB``, ``1.24 GB``."""
    scaled, unit = float(abs(number)), 0
    while scaled >= 999.5 and unit < len(_SIZE_UNITS) - 1:
        scaled, unit = scaled / 1000, unit + 1
    sign = "-" if number < 0 else ""
    digits = str(abs(number)) if unit == 0 else significant(scaled)
    return f"{sign}{digits} {_SIZE_UNITS[unit]}"


def rate(per_second: float) -> str:
    """A rate: ``12.3/s``; ``3.2/min`` where it is slow."""
    if 0 < per_second < 0.1:
        return f"{significant(per_second * 60, 2)}/min"
    return f"{significant(per_second)}/s"


def rps(per_second: float) -> str:
    """A rate as people ask for one: ``50 rps``, ``12.5 rps``."""
    return f"{trimmed(significant(per_second))} rps"


def trimmed(number: str) -> str:
    """A number without zeros behind its last decimal that says something: ``30.0`` is ``30``."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def plural(number: int, noun: str, many: str | None = None) -> str:
    """A count with its noun: ``1 request``, ``10 requests``."""
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"
