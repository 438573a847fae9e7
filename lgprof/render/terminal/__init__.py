"""The report on the terminal, from 60 to 200 columns, with and without colour, and in ASCII."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from lgprof.model import Failure, Profile
from lgprof.render.terminal import palette
from lgprof.render.terminal.attribution_bar import attribution_blocks
from lgprof.render.terminal.call_tables import model_blocks, tool_blocks
from lgprof.render.terminal.charset import glyphs_for
from lgprof.render.terminal.critical import critical_spans
from lgprof.render.terminal.errors import error_blocks
from lgprof.render.terminal.flame import flame_blocks
from lgprof.render.terminal.histogram import SMALLEST_SAMPLE, histogram_blocks
from lgprof.render.terminal.latency import latency_blocks
from lgprof.render.terminal.node_table import node_blocks
from lgprof.render.terminal.notices import saved_blocks, warning_blocks
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.target import target_blocks
from lgprof.render.terminal.timeline import timeline_blocks

__all__ = ["SECTIONS", "render_page", "render_report"]

_WIDEST = 200

_SECTIONS: dict[str, tuple[Callable[[Page], list[Block]], str]] = {
    "target": (target_blocks, ""),
    "latency": (latency_blocks, ""),
    "attribution": (attribution_blocks, "nothing to attribute: no request succeeded"),
    "timeline": (timeline_blocks, "no timeline: no request was recorded"),
    "nodes": (node_blocks, "no node ran"),
    "models": (model_blocks, "no model calls"),
    "tools": (tool_blocks, "no tool or retriever calls"),
    "flame": (flame_blocks, "no flame graph: no node was recorded"),
    "histogram": (histogram_blocks, f"no histogram below {SMALLEST_SAMPLE} requests"),
    "errors": (error_blocks, "no errors"),
    "warnings": (warning_blocks, "no warnings"),
    "saved": (saved_blocks, "the Profile was not saved"),
}
"""What makes each section, and what to say where one that was asked for has nothing to show."""

SECTIONS: tuple[str, ...] = tuple(_SECTIONS)
"""Names of the sections, in their order on the terminal."""


def render_report(
    profile: Profile,
    console: Console,
    *,
    failures: Sequence[Failure] = (),
    sections: Sequence[str] | None = None,
    verbosity: int = 0,
    saved_to: str | None = None,
    next_steps: Sequence[str] = (),
) -> None:
    """Print a Profile.

    Args:
        profile: What to print.
        console: Where. Its width, colours and encoding are respected.
        failures: Messages and tracebacks of failed requests; they come from memory, because a
            Profile never holds them.
        sections: Names out of `SECTIONS`; None for all that have something to show.
        verbosity: From 1 on, timelines are longer and every traceback is shown.
        saved_to: Where the Profile was saved.
        next_steps: Commands to type next.

    Raises:
        ValueError: A section that does not exist.
    """
    page = Page(
        profile=profile,
        width=min(console.width, _WIDEST),
        glyphs=glyphs_for(console),
        colour=console.color_system is not None and not console.no_color,
        critical_spans=critical_spans,
        failures=failures,
        verbosity=verbosity,
        saved_to=saved_to,
        next_steps=next_steps,
    )
    render_page(page, console, sections)


def render_page(page: Page, console: Console, sections: Sequence[str] | None = None) -> None:
    """Print the sections of a page, in their order."""
    unknown = [name for name in sections or () if name not in _SECTIONS]
    if unknown:
        raise ValueError(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    lines: list[Text] = []
    for name, (make, nothing) in _SECTIONS.items():
        if sections is not None and name not in sections:
            continue
        blocks = make(page)
        for block in blocks:
            lines += [_title(page, block), *block.lines, Text()]
        if not blocks and sections is not None:
            lines += [Text(nothing, style=palette.QUIET), Text()]
    for line in lines[:-1]:
        console.print(line, no_wrap=True, overflow="crop", crop=True, highlight=False)


def _title(page: Page, block: Block) -> Text:
    """Title and note, and a rule to the edge."""
    title = Text(page.fit(block.title, page.width), style=palette.TITLE)
    room = page.width - title.cell_len - 2
    if block.note and room >= 8:
        title.append(f"  {page.fit(block.note, room)}", style=palette.NOTE)
    rule = page.width - title.cell_len - 1
    if rule >= 2:
        title.append(f" {page.glyphs.rule * rule}", style=palette.QUIET)
    return title
