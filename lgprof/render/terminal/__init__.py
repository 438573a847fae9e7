"""The report on the terminal, from 60 to 200 columns, with and without colour, and in ASCII."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from rich.console import Console
from rich.text import Text

from lgprof.analysis.flame import NODE_SECONDS, FlameOptions
from lgprof.model import Failure, Profile
from lgprof.render.terminal import palette
from lgprof.render.terminal.advice import advice_blocks
from lgprof.render.terminal.attribution_bar import attribution_blocks
from lgprof.render.terminal.call_tables import model_blocks, tool_blocks
from lgprof.render.terminal.cost import cost_blocks
from lgprof.render.terminal.counsel import AdviceNotes, counsel_blocks
from lgprof.render.terminal.critical import critical_spans
from lgprof.render.terminal.errors import error_blocks
from lgprof.render.terminal.flame import flame_blocks
from lgprof.render.terminal.graph import graph_blocks
from lgprof.render.terminal.histogram import SMALLEST_SAMPLE, histogram_blocks
from lgprof.render.terminal.latency import latency_blocks
from lgprof.render.terminal.load.arrivals import arrival_blocks
from lgprof.render.terminal.load.distribution import SMALLEST_SAMPLE as SMALLEST_DISTRIBUTION
from lgprof.render.terminal.load.distribution import distribution_blocks
from lgprof.render.terminal.load.fidelity import fidelity_blocks
from lgprof.render.terminal.load.latency import load_latency_blocks
from lgprof.render.terminal.load.nodes import load_node_blocks
from lgprof.render.terminal.load.over_time import over_time_blocks
from lgprof.render.terminal.load.target import load_target_blocks
from lgprof.render.terminal.load.workers import worker_blocks
from lgprof.render.terminal.memory import memory_blocks
from lgprof.render.terminal.node_table import node_blocks
from lgprof.render.terminal.notices import saved_blocks, warning_blocks
from lgprof.render.terminal.page import (
    Block,
    Page,
    paper_of,
    print_blocks,
    print_lines,
    title_line,
)
from lgprof.render.terminal.prompts import prompt_blocks
from lgprof.render.terminal.target import target_blocks
from lgprof.render.terminal.timeline import timeline_blocks

__all__ = ["SECTIONS", "AdviceNotes", "render_counsel", "render_page", "render_report"]


class _Section(NamedTuple):
    """A part of the report that can be asked for by its name."""

    name: str
    blocks: Callable[[Page], list[Block]]
    nothing: str = ""
    """What to say where it was asked for and has nothing to show."""
    kind: Literal["run", "load"] | None = None
    """The kind of Profile that it belongs to; None for both."""
    asked_for: bool = False
    """Not part of the report unless it is asked for by its name."""


_ATTRIBUTION = ("attribution", attribution_blocks, "nothing to attribute: no request succeeded")
_TIMELINE = ("timeline", timeline_blocks, "no timeline: no request was recorded")
_NODES = "no node ran"

_SECTIONS = (
    _Section("target", target_blocks, kind="run"),
    _Section("target", load_target_blocks, kind="load"),
    _Section("fidelity", fidelity_blocks, kind="load"),
    _Section("arrivals", arrival_blocks, kind="load"),
    _Section("latency", latency_blocks, kind="run"),
    _Section("latency", load_latency_blocks, kind="load"),
    _Section(
        "distribution",
        distribution_blocks,
        f"no distribution below {SMALLEST_DISTRIBUTION} successful requests",
        kind="load",
    ),
    _Section("over-time", over_time_blocks, "nothing over time: no interval was seen", kind="load"),
    _Section(*_ATTRIBUTION, kind="run"),
    _Section(*_TIMELINE, kind="run"),
    _Section("nodes", node_blocks, _NODES, kind="run"),
    _Section("nodes", load_node_blocks, _NODES, kind="load"),
    _Section("models", model_blocks, "no model calls"),
    _Section("cost", cost_blocks, "no model calls: nothing to bill"),
    _Section("prompts", prompt_blocks, "prompts have nothing in common"),
    _Section("tools", tool_blocks, "no tool or retriever calls"),
    _Section(*_ATTRIBUTION, kind="load"),
    _Section(*_TIMELINE, kind="load"),
    _Section("flame", flame_blocks, "no flame graph: no node was recorded", kind="run"),
    _Section("graph", graph_blocks, "no graph: no node is known", asked_for=True),
    _Section("memory", memory_blocks, "memory was not tracked: --memory does", kind="run"),
    _Section(
        "histogram", histogram_blocks, f"no histogram below {SMALLEST_SAMPLE} requests", kind="run"
    ),
    _Section("advice", advice_blocks, "no advice: see why with lgprof advise"),
    _Section("errors", error_blocks, "no errors"),
    _Section("workers", worker_blocks, "no worker came", kind="load"),
    _Section("warnings", warning_blocks, "no warnings"),
    _Section("saved", saved_blocks, "the Profile was not saved"),
)
"""In their order on the terminal. In a load test, what is of sampled requests comes last."""

SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(section.name for section in _SECTIONS))
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
    flame: FlameOptions = NODE_SECONDS,
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
        flame: Which flame graph to draw.

    Raises:
        ValueError: A section that does not exist.
    """
    page = _page(
        profile,
        console,
        failures=failures,
        verbosity=verbosity,
        saved_to=saved_to,
        next_steps=next_steps,
        flame=flame,
    )
    render_page(page, console, sections)


def render_counsel(
    profile: Profile,
    console: Console,
    notes: AdviceNotes,
    *,
    saved_to: str | None = None,
    quiet: bool = False,
) -> None:
    """Print the advice of a Profile.

    Args:
        profile: Whose advice it is.
        console: Where. Its width, colours and encoding are respected.
        notes: What is said besides.
        saved_to: Where the Profile was saved.
        quiet: The advice alone.
    """
    page = _page(profile, console, saved_to=saved_to)
    blocks = counsel_blocks(page, notes)
    if not quiet:
        head = load_target_blocks if profile.load else target_blocks
        blocks = [*head(page), *blocks, *warning_blocks(page), *saved_blocks(page)]
    print_blocks(page, console, blocks)


def _page(profile: Profile, console: Console, **more: Any) -> Page:
    return Page(
        profile=profile,
        **paper_of(console),
        critical_spans=critical_spans,
        **more,
    )


def render_page(page: Page, console: Console, sections: Sequence[str] | None = None) -> None:
    """Print the sections of a page, in their order."""
    unknown = [name for name in sections or () if name not in SECTIONS]
    if unknown:
        raise ValueError(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    kind = "run" if page.profile.load is None else "load"
    here = [section for section in _SECTIONS if section.kind in (None, kind)]
    lines: list[Text] = []
    for section in here:
        if section.name not in sections if sections is not None else section.asked_for:
            continue
        blocks = section.blocks(page)
        lines += _lines(page, blocks)
        if not blocks and sections is not None:
            lines += [Text(section.nothing, style=palette.QUIET), Text()]
    for name in sections or ():
        if name not in {section.name for section in here}:
            other = "a load test's" if kind == "run" else "a run's"
            lines += [Text(f"no {name}: part of {other} report", style=palette.QUIET), Text()]
    print_lines(console, lines[:-1])


def _lines(page: Page, blocks: Sequence[Block]) -> list[Text]:
    return [line for block in blocks for line in (title_line(page, block), *block.lines, Text())]
