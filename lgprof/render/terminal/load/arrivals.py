"""What became of the arrivals: every one of them is in exactly one row."""

from __future__ import annotations

from rich.text import Text

from lgprof.model import Load
from lgprof.readable import count, percent, plural, rate
from lgprof.render.terminal import palette
from lgprof.render.terminal.facts import fact_grid
from lgprof.render.terminal.node_table import small_bar
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.palette import Role
from lgprof.render.terminal.table import Column, table_lines

_ROWS = ("offered", "started", "completed", "failed", "timed_out", "cancelled", "dropped", "unsent")
_INSIDE_STARTED = ("completed", "failed", "timed_out", "cancelled")
_BAD = frozenset({"failed", "timed_out", "dropped", "unsent"})


def arrival_blocks(page: Page) -> list[Block]:
    """The tree of counts, with shares and rates."""
    load = page.load
    counts = {name: int(getattr(load, name)) for name in _ROWS}
    rates = {name: arrival_rate(page, load, name) for name in _ROWS}
    columns = [
        Column("", [_name(page, name) for name in _ROWS], 100, left=True),
        Column("requests", [_number(name, number) for name, number in counts.items()], 99),
        Column("of offered", [_share(number, load.offered) for number in counts.values()], 90),
        Column("", [_bar(page, number, load.offered) for number in counts.values()], 70, True),
        Column("rate", [Text(each) for each, _ in rates.values()], 95),
        Column("", [Text(words, palette.QUIET) for _, words in rates.values()], 92, True, 12),
    ]
    lines = [*table_lines(page, columns), Text(), *fact_grid(page, peak_facts(page, load))]
    return [Block("Arrivals", lines, "offered = started + dropped + unsent")]


def _name(page: Page, name: str) -> Text:
    tee, last, pipe = page.glyphs.tee, page.glyphs.last, page.glyphs.pipe
    branch = {"offered": "", "unsent": last}.get(name, tee)
    if name in _INSIDE_STARTED:
        branch = pipe + (last if name == "cancelled" else tee)
    return Text().append(branch, style=palette.QUIET).append(name.replace("_", " "))


def _number(name: str, number: int) -> Text:
    if not number:
        return Text("0", style=palette.QUIET)
    return Text(f"!{count(number)}", palette.ERROR) if name in _BAD else Text(count(number))


def _share(number: int, offered: int) -> Text:
    style = palette.PLAIN if number else palette.QUIET
    return Text(percent(number / offered if offered else 0.0), style=style)


def _bar(page: Page, number: int, offered: int) -> Text:
    share = number / offered if offered else 0.0
    return Text(small_bar(page, share), style=palette.bar_style(Role.NODE))


def arrival_rate(page: Page, load: Load, name: str) -> tuple[str, str]:
    """A row's rate, and what it says."""
    if name == "offered":
        if load.target_rps is None:
            return "", "users set the pace"
        offered = rate(load.offered / load.duration_s) if load.duration_s else ""
        return offered, f"target {rate(load.target_rps)}"
    if name == "started":
        return rate(load.achieved_rps), "achieved"
    if name == "completed":
        return rate(page.profile.summary.throughput_rps), "throughput"
    words = {
        "dropped": "over the limit",
        "unsent": "never started",
    }
    return "", words.get(name, "") if getattr(load, name) else ""


def peak_facts(page: Page, load: Load) -> list[tuple[str, str]]:
    """The most that was in flight and queued, and when the last answer came."""
    facts = [
        ("most in flight", count(load.peak_in_flight)),
        ("most queued", count(load.peak_queued)),
        ("last answer", f"{page.time(load.elapsed_s)} after the first arrival"),
    ]
    if load.over_range:
        facts.append(
            ("above 1 h", f"{plural(load.over_range, 'latency', 'latencies')}, counted as 1 h")
        )
    return facts
