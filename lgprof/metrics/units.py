"""What a metric is measured in, and how a quantity of it is written."""

from __future__ import annotations

import re
from enum import Enum

from lgprof.errors import UsageError

_QUANTITY = re.compile(r"(\$?)\s*(\d+(?:\.\d+)?|\.\d+)\s*(%|[A-Za-zµμ/$]*)")


class Unit(Enum):
    """The value is the unit's name in listings and files."""

    SECONDS = "s"
    USD = "USD"
    BYTES = "bytes"
    SHARE = "share"
    """Of 1."""
    PER_SECOND = "per second"
    COUNT = "count"
    TOKENS = "tokens"


_TIMES = {"": 1.0, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600}
_SIZES = {
    "": 1.0,
    "B": 1.0,
    **{f"{prefix}B": 1000.0**power for power, prefix in enumerate("kMGT", start=1)},
    **{f"{prefix}iB": 1024.0**power for power, prefix in enumerate("KMGT", start=1)},
}
_COUNTS = {"": 1.0, "k": 1e3, "M": 1e6}
_FACTORS: dict[Unit, dict[str, float]] = {
    Unit.SECONDS: _TIMES,
    Unit.USD: {"": 1.0, "$": 1.0, "USD": 1.0, "usd": 1.0},
    Unit.BYTES: _SIZES,
    Unit.SHARE: {"": 1.0, "%": 0.01},
    Unit.PER_SECOND: {"": 1.0, "rps": 1.0, "/s": 1.0},
    Unit.COUNT: _COUNTS,
    Unit.TOKENS: _COUNTS,
}
_EXAMPLES: dict[Unit, str] = {
    Unit.SECONDS: "300ms or 2s",
    Unit.USD: "0.02 or 0.02usd",
    Unit.BYTES: "200MB or 1GiB",
    Unit.SHARE: "1% or 0.01",
    Unit.PER_SECOND: "50 or 50rps",
    Unit.COUNT: "12 or 10k",
    Unit.TOKENS: "500 or 10k",
}


def parse_quantity(text: str, unit: Unit, what: str) -> float:
    """A number with or without a unit, such as ``300ms`` or ``1%``, in the metric's own unit.

    Args:
        text: As written.
        unit: What it must be a quantity of.
        what: Whose quantity it is, for messages.

    Raises:
        UsageError: It is no number, or its unit is of something else.
    """
    hint = f"write {_EXAMPLES[unit]}"
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{what}: {text.strip()!r} is no quantity", hint=hint)
    sign, number, suffix = match.groups()
    name = (sign or suffix).replace("µ", "u").replace("μ", "u")
    factor = _FACTORS[unit].get(name)
    if factor is None or (sign and suffix):
        raise UsageError(f"{what} is not measured in {suffix or sign}", hint=hint)
    return float(number) * factor
