"""What every section is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, OverflowMethod
from rich.text import Text

from lgprof import readable
from lgprof.analysis.flame import NODE_SECONDS, FlameOptions
from lgprof.model import Failure, Load, Profile, Request
from lgprof.render.terminal import palette, text
from lgprof.render.terminal.charset import Glyphs, glyphs_for

INDENT = 2
_WIDEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What is printed on: how wide it is, and what it can show."""

    width: int
    glyphs: Glyphs
    colour: bool
    sixteen_colours: bool = False
    """The terminal has the 16 standard colours and no others."""

    @classmethod
    def of(cls, console: Console) -> Paper:
        """The paper that a console is."""
        return cls(**paper_of(console))

    def clean(self, user_text: str) -> str:
        """Text of the user's program on one line, safe to print."""
        return text.clean(user_text, ascii_only=self.glyphs.ascii_only)

    def name(self, user_text: str) -> str:
        """A name that the user's program chose; a stand-in where nothing of it can be printed."""
        return self.clean(user_text).strip() or "(unnamed)"

    def fit(self, label: str, width: int) -> str:
        """The label, cut to a width."""
        return text.fit(label, width, self.glyphs.ellipsis)

    def fit_middle(self, label: str, width: int) -> str:
        """The label without its middle, if need be."""
        return text.fit_middle(label, width, self.glyphs.ellipsis)

    def time(self, seconds: float) -> str:
        """A duration."""
        return readable.duration(seconds, ascii_only=self.glyphs.ascii_only)

    def round_time(self, seconds: float) -> str:
        """A duration that somebody chose, such as 30 s or a tick's place."""
        number, _, unit = self.time(seconds).partition(" ")
        return f"{readable.trimmed(number)} {unit}".rstrip()

    def time_cell(self, seconds: float | None, *, quiet: bool = False) -> Text:
        """A duration for a column of them: the units stand below one another."""
        if seconds is None:
            return Text("?   ", style=palette.QUIET)
        number, unit = readable.split_duration(seconds, ascii_only=self.glyphs.ascii_only)
        joint = "" if "m" in number or "h" in number else " "
        style = palette.QUIET if quiet or seconds == 0 else palette.PLAIN
        return Text(f"{number}{joint}{unit}".ljust(len(number) + 3), style=style)

    def joined(self, facts: Sequence[str]) -> str:
        """Facts on one line."""
        return self.glyphs.separator.join(facts)


def paper_of(console: Console) -> dict[str, Any]:
    """The fields of a `Paper` for a console: its width, colours and encoding are respected."""
    return {
        "width": min(console.width, _WIDEST),
        "glyphs": glyphs_for(console),
        "colour": console.color_system is not None and not console.no_color,
        "sixteen_colours": console.color_system in ("standard", "windows"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Paper):
    """A Profile and the paper it is printed on."""

    profile: Profile
    critical_spans: Callable[[Request], set[int]]
    """Ids of the spans on a request's critical path, their ancestors included."""
    failures: Sequence[Failure] = ()
    verbosity: int = 0
    saved_to: str | None = None
    next_steps: Sequence[str] = ()
    flame: FlameOptions = NODE_SECONDS

    @property
    def load(self) -> Load:
        """The load test.

        Raises:
            ValueError: The Profile is of a run.
        """
        if self.profile.load is None:
            raise ValueError("the Profile is of a run, not of a load test")
        return self.profile.load


@dataclass(frozen=True, slots=True)
class Block:
    """A titled part of the report. Its lines fit the width of the page."""

    title: str
    lines: list[Text]
    note: str = ""
    """Beside the title, quietly."""


def print_blocks(paper: Paper, console: Console, blocks: Iterable[Block]) -> None:
    """Print blocks one below the other, an empty line between them."""
    lines: list[Text] = []
    for block in blocks:
        lines += [title_line(paper, block), *block.lines, Text()]
    print_lines(console, lines[:-1])


def print_lines(console: Console, lines: Iterable[Text]) -> None:
    """Print lines as they are."""
    for line in lines:
        whole = line.overflow == "ignore"  # code, which is there to be copied
        overflow: OverflowMethod = "ignore" if whole else "crop"
        console.print(line, no_wrap=True, overflow=overflow, crop=not whole, highlight=False)


def title_line(paper: Paper, block: Block) -> Text:
    """Title and note, and a rule to the edge."""
    title = Text(paper.fit(block.title, paper.width), style=palette.TITLE)
    room = paper.width - title.cell_len - 2
    if block.note and room >= 8:
        title.append(f"  {paper.fit(block.note, room)}", style=palette.NOTE)
    rule = paper.width - title.cell_len - 1
    if rule >= 2:
        title.append(f" {paper.glyphs.rule * rule}", style=palette.QUIET)
    return title
