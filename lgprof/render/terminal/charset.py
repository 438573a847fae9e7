"""The two sets of glyphs: Unicode blocks, and ASCII where the console cannot print them."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Every character that the report draws with. One cell each unless said otherwise."""

    ascii_only: bool
    rule: str
    ellipsis: str
    """One or two cells."""
    times: str
    arrow: str
    """One or two cells."""
    separator: str
    """Between facts on one line."""
    note: str
    """Marks a number that has a footnote."""
    pointer: str
    """Points from the end of a bar to its tag."""
    swatch: str
    tee: str
    last: str
    pipe: str
    """Branches of a tree, two cells each."""
    critical: str
    """In the gutter, beside what lies on the critical path."""
    barrier: str
    idle: str
    """Waiting for the others of a superstep."""
    tick: str
    edge_left: str
    edge_right: str
    edge_thin: str
    """Borders of a labelled cell where there is no colour."""
    filler: str
    """Inside a labelled cell."""
    partial: str
    """Parts of a full block, thinnest first; empty where there are none."""
    block: str
    levels: str
    """A cell filled from below, lowest first, the last one full; empty where there are none."""
    ramp: str
    """A cell of a sparkline, least first; none is full, so that rows stay apart."""
    shades: tuple[str, str, str]
    """The fill of stacked parts, darkest first, where they cannot be told apart by colour."""
    progress: tuple[str, str]
    """What is done, and what is to come."""
    tall: tuple[str, str, str]
    """A bar's cell of which the right half is filled, all of it, the left half."""
    low: tuple[str, str, str]
    """The same for what is not on the critical path."""
    waiting: str
    first_token: str
    bodies: dict[str, str]
    """The fill of a bar by kind, where kinds cannot be told apart by colour."""


UNICODE = Glyphs(
    ascii_only=False,
    rule="─",
    ellipsis="…",
    times="×",  # noqa: RUF001
    arrow="→",
    separator=" · ",
    note="†",
    pointer="◂",
    swatch="■",
    tee="├╴",
    last="└╴",
    pipe="│ ",
    critical="┃",
    barrier="┊",
    idle="·",
    tick="╵",
    edge_left="▕",
    edge_right="▏",
    edge_thin="▏",
    filler=" ",
    partial="▏▎▍▌▋▊▉",
    block="█",
    levels="▁▂▃▄▅▆▇█",
    ramp="▁▂▃▄▅▆▇",
    shades=("█", "▓", "░"),
    progress=("━", "─"),
    tall=("▐", "█", "▌"),
    low=("▗", "▄", "▖"),
    waiting="░",
    first_token="▒",
    bodies={},
)

ASCII = Glyphs(
    ascii_only=True,
    rule="-",
    ellipsis="..",
    times="x",
    arrow="->",
    separator=", ",
    note="^",
    pointer="<",
    swatch="#",
    tee="|-",
    last="`-",
    pipe="| ",
    critical="*",
    barrier="|",
    idle=".",
    tick="'",
    edge_left="[",
    edge_right="]",
    edge_thin="|",
    filler=".",
    partial="",
    block="#",
    levels="",
    ramp=":-=+*%#",
    shades=("#", "+", "."),
    progress=("#", "."),
    tall=("=", "=", "="),
    low=("=", "=", "="),
    waiting=":",
    first_token="-",
    bodies={"node": "=", "model": "#", "tool": "+", "retriever": "%", "checkpoint": "~"},
)


def glyphs_for(console: Console) -> Glyphs:
    """The glyphs that a console can print."""
    return ASCII if console.options.ascii_only or console.legacy_windows else UNICODE
