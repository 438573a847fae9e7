"""From a Profile's values to small JSON that a script element can hold."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

_DIGITS = 6


class Names:
    """What the user's program calls things, made printable; each name is cleaned once."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self._known: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name as it is shown."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._clean(name)
        return known


def number(value: float | None) -> float | int | None:
    """A number with the digits that a picture or a table needs."""
    if value is None or not math.isfinite(value):
        return None
    if isinstance(value, int) or value == 0:
        return int(value)
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def script_json(value: Any) -> str:
    """JSON in ASCII that cannot end the element around it, nor open a comment in it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
