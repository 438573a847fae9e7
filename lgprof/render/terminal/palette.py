"""Colours by meaning, the same in every chart, readable on light and on dark backgrounds.

All hues have a middle luminance: as text or bars they stand out from white and from black, and
carry near-black labels as a background.
"""

from __future__ import annotations

from enum import Enum
from functools import cache

from rich.style import Style


class Role(Enum):
    """What a stretch of time was spent on."""

    NODE = "node"
    MODEL = "model"
    TOOL = "tool"
    RETRIEVER = "retriever"
    CHECKPOINT = "checkpoint"
    WAITING = "waiting"
    BLOCKED = "blocked"
    FRAMEWORK = "framework"
    FAILED = "failed"
    UNKNOWN = "unattributed"
    PYTHON = "python"
    LIBRARY = "library"


_COLOURS: dict[Role, tuple[str, str]] = {
    Role.NODE: ("#5f9be8", "#4a84d0"),
    Role.MODEL: ("#dfa63a", "#c98f25"),
    Role.TOOL: ("#54b071", "#43995f"),
    Role.RETRIEVER: ("#3fb0ac", "#2f9793"),
    Role.CHECKPOINT: ("#a986d8", "#9371c4"),
    Role.WAITING: ("#9a9a9a", "#858585"),
    Role.BLOCKED: ("#d67fb0", "#c0699a"),
    Role.FRAMEWORK: ("#8497ad", "#708399"),
    Role.FAILED: ("#d2493f", "#bb3a31"),
    Role.UNKNOWN: ("#7d7468", "#6b6358"),
    Role.PYTHON: ("#e59a78", "#d58763"),
    Role.LIBRARY: ("#c9a899", "#b89586"),
}
_LIGHTER: dict[Role, str] = {Role.MODEL: "#f0d59b"}
DARK_INK = "#101010"
_LIGHT_INK = "#ffffff"

ROLE_OF_KIND: dict[str, Role] = {
    "node": Role.NODE,
    "model": Role.MODEL,
    "tool": Role.TOOL,
    "retriever": Role.RETRIEVER,
    "checkpoint": Role.CHECKPOINT,
    "store": Role.CHECKPOINT,
    "cache": Role.CHECKPOINT,
    "router": Role.FRAMEWORK,
    "graph": Role.FRAMEWORK,
}
"""By the kind of a span."""

_ROLE_OF_FRAME: dict[str, Role] = {
    "python": Role.PYTHON,
    "library": Role.LIBRARY,
    "builtin": Role.LIBRARY,
    "input": Role.PYTHON,
    "output": Role.LIBRARY,
    "failed_attempts": Role.FAILED,
    "blocked_loop": Role.BLOCKED,
    "routing": Role.FRAMEWORK,
    "framework": Role.FRAMEWORK,
    "unattributed": Role.UNKNOWN,
}
"""By the kind of a frame of the flame graph, where it is no span."""


def role_of_flame(kind: str) -> Role:
    """What a frame of the flame graph is spent on; waiting where nothing else is known."""
    return _ROLE_OF_FRAME.get(kind) or ROLE_OF_KIND.get(kind) or Role.WAITING


def hex_colour(role: Role, *, alternate: bool = False) -> str:
    """The colour of a role, as in ``#5f9be8``; near-black labels can be read on it."""
    return _COLOURS[role][alternate]


TITLE = Style(bold=True)
STRONG = Style(bold=True)
QUIET = Style(dim=True)
NOTE = Style(bold=False, dim=True)
PLAIN = Style()
CODE = Style(color="#4a84d0")
ERROR = Style(color="#d2493f", bold=True)
WARNING = Style(color="#c98f25", bold=True)
CRITICAL = Style(color="#d2691e", bold=True)
GOOD = Style(color=DARK_INK, bgcolor="#54b071", bold=True)
FAIR = Style(color=DARK_INK, bgcolor="#dfa63a", bold=True)
POOR = Style(color=_LIGHT_INK, bgcolor="#d2493f", bold=True)
UNSURE = Style(color=DARK_INK, bgcolor="#9a9a9a", bold=True)
"""Verdicts, as badges."""
BANDS = (Style(color="#4a84d0"), Style(color="#8fbaf0"), Style(color="#dfa63a"))
"""Stacked percentiles: p50, p95, p99."""


@cache
def bar_style(role: Role, *, alternate: bool = False, lighter: bool = False) -> Style:
    """A bar drawn with block glyphs. ``alternate`` sets neighbours of one kind apart."""
    if lighter and role in _LIGHTER:
        return Style(color=_LIGHTER[role])
    return Style(color=_COLOURS[role][alternate])


@cache
def cell_style(role: Role, *, alternate: bool = False) -> Style:
    """A coloured cell with a label on it."""
    ink = _LIGHT_INK if role in (Role.FAILED, Role.UNKNOWN) else DARK_INK
    return Style(color=ink, bgcolor=_COLOURS[role][alternate])


@cache
def two_tone(left: Style, right: Style) -> Style:
    """For a half block: the left half in one bar's colour, the right half in another's."""
    return Style(color=left.color, bgcolor=right.color)
