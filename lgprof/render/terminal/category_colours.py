"""A colour for each category of the attribution: those seen together can be told apart."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from rich.color import Color
from rich.style import Style

_COLOURS: dict[str, tuple[str, str]] = {
    "failed_attempts": ("#d2493f", "red"),
    "backoff": ("#e8895a", "bright_red"),
    "executor_queue": ("#a9a23a", "bright_yellow"),
    "rate_limit": ("#6f7a2c", "bright_yellow"),
    "model": ("#dfa63a", "yellow"),
    "tool": ("#54b071", "green"),
    "retriever": ("#2fa8b5", "cyan"),
    "checkpoint": ("#a986d8", "magenta"),
    "store": ("#7a55b8", "magenta"),
    "cache": ("#c76fd0", "magenta"),
    "blocked_loop": ("#d6608f", "bright_magenta"),
    "node_cpu": ("#3f6fd0", "blue"),
    "node_wait": ("#74b3ee", "bright_blue"),
    "loop_wait": ("#b9b9b9", "bright_cyan"),
    "routing": ("#b59272", "bright_green"),
    "framework": ("#75869b", "white"),
    "other": ("#4f4f4f", "bright_black"),
    "unattributed": ("#7d6a52", "bright_white"),
}
"""In true colour, and of the sixteen that every terminal has."""

_SIXTEEN = tuple(dict.fromkeys(ansi for _, ansi in _COLOURS.values()))
_DARK_INK, _LIGHT_INK = "#101010", "#ffffff"
_DARK = frozenset({"red", "blue", "magenta", "bright_black"})
_DARK_BELOW = 0.21
"""Relative luminance below which white is read better than black."""


def category_colours(names: Iterable[str], *, sixteen: bool) -> dict[str, str]:
    """A colour for each of the categories that are shown together.

    Args:
        names: Categories, the most important first.
        sixteen: The terminal has 16 colours: a category whose own is taken gets a free one.
    """
    if not sixteen:
        return {name: _COLOURS[name][0] for name in names}
    chosen: dict[str, str] = {}
    for name in names:
        free = [colour for colour in _SIXTEEN if colour not in chosen.values()]
        own = _COLOURS[name][1]
        chosen[name] = own if own in free or not free else free[-1]
    return chosen


@cache
def field_style(colour: str) -> Style:
    """A coloured field with a label on it."""
    if colour.startswith("#"):
        return Style(color=_LIGHT_INK if is_dark(colour) else _DARK_INK, bgcolor=colour)
    return Style(color="bright_white" if colour in _DARK else "black", bgcolor=colour)


def is_dark(colour: str) -> bool:
    """Whether white is read better on it than black."""
    return _luminance(colour) < _DARK_BELOW


def _luminance(colour: str) -> float:
    parts = [part / 255 for part in Color.parse(colour).get_truecolor()]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
