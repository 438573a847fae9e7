"""The verdict of a gate on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.style import Style
from rich.text import Text

from lgprof import readable
from lgprof.model import Check, Verdict
from lgprof.render.check_words import (
    base_value,
    basis,
    decision,
    headline,
    is_count,
    is_loud,
    name,
    new_value,
    short_metric,
)
from lgprof.render.quantity import bound, change, interval
from lgprof.render.terminal import palette, text
from lgprof.render.terminal.notices import marked_lines
from lgprof.render.terminal.page import INDENT, Block, Paper, print_blocks
from lgprof.render.terminal.table import Column, table_lines

_BADGES = {"pass": palette.GOOD, "fail": palette.POOR, "inconclusive": palette.UNSURE}
_STYLES = {"pass": palette.PLAIN, "fail": palette.ERROR, "inconclusive": palette.WARNING}
_MOST_NODES = 12
_WORTH_SAYING_S = 0.05


def render_verdict(
    verdict: Verdict, console: Console, *, verbosity: int = 0, only_failed: bool = False
) -> None:
    """Print a verdict.

    Args:
        verdict: What to print.
        console: Where. Its width, colours and encoding are respected.
        verbosity: From 1 on, every node has its row.
        only_failed: Leave out checks that passed, and those that decide nothing.
    """
    paper = Paper.of(console)
    blocks = [Block("Gate", list(_headline(paper, verdict)), _basis(paper, verdict))]
    checks = _shown(verdict, verbosity, only_failed=only_failed)
    if checks:
        note = "counts and cost per request" if any(map(is_count, checks)) else ""
        blocks.append(Block("Checks", _check_lines(paper, checks, verdict), note))
    if verdict.warnings:
        lines = [
            line
            for warning in verdict.warnings
            for line in marked_lines(paper, "!", palette.WARNING, warning)
        ]
        blocks.append(Block("Warnings", lines))
    print_blocks(paper, console, blocks)


def _basis(paper: Paper, verdict: Verdict) -> str:
    facts = [paper.clean(fact) for fact in basis(verdict)]
    if verdict.elapsed_s >= _WORTH_SAYING_S:
        facts.append(paper.time(verdict.elapsed_s))
    return paper.joined(facts)


def _headline(paper: Paper, verdict: Verdict) -> Iterator[Text]:
    """The badge, and beside it why."""
    badge = verdict.verdict.upper()
    shown = f" {badge} " if paper.colour else f"[{badge}]"
    margin = INDENT + len(shown) + 2
    first = True
    for reason in headline(verdict):
        for part in text.fold(paper.clean(reason), max(paper.width - margin, 20)):
            line = Text(" " * INDENT)
            if first:
                line.append(shown, style=_BADGES[verdict.verdict])
            else:
                line.append(" " * len(shown))
            first = False
            yield line.append(f"  {part}")


def _shown(verdict: Verdict, verbosity: int, *, only_failed: bool) -> list[Check]:
    """Checks of the whole first; of the nodes, where there are many, those that changed most."""
    checks = [check for check in verdict.checks if not only_failed or is_loud(check)]
    nodes = [check for check in checks if check.node is not None and check.verdict == "pass"]
    if verbosity or len(nodes) <= _MOST_NODES:
        return checks
    nodes.sort(key=lambda check: -abs(check.change or 0.0))
    left_out = {id(check) for check in nodes[_MOST_NODES:]}
    return [check for check in checks if id(check) not in left_out]


def _check_lines(paper: Paper, checks: list[Check], verdict: Verdict) -> list[Text]:
    lines = table_lines(paper, _columns(paper, checks))
    left_out = len(verdict.checks) - len(checks)
    if left_out:
        more = f"  {readable.plural(left_out, 'more check')} (-v)"
        lines.append(Text(more, style=palette.QUIET))
    for check in checks:
        if check.note and check.verdict == "pass":
            note = f"{name(check)}: {check.note}"
            lines += marked_lines(paper, "", palette.QUIET, note)
    return lines


def _columns(paper: Paper, checks: list[Check]) -> list[Column]:
    ascii_only = paper.glyphs.ascii_only
    has_base = any(check.base is not None for check in checks)
    values = [Text(new_value(c, ascii_only=ascii_only)) for c in checks]
    columns = [
        Column("metric", [Text(paper.clean(short_metric(c))) for c in checks], 100, True, 12),
        Column("base", [Text(base_value(c, ascii_only=ascii_only)) for c in checks], 80),
        Column("new" if has_base else "value", values, 90),
        Column("change", [Text(change(c.change, exact=c.exact)) for c in checks], 85),
        Column("95 % interval", [Text(interval(c.ci)) for c in checks], 60, left=True),
        Column("allowed", [_bound(paper, c) for c in checks], 70, left=True),
        Column("would see", [_detectable(c) for c in checks], 40),
        Column("", [_verdict(c) for c in checks], 95, left=True),
    ]
    if any(check.node for check in checks):
        nodes = [Text(paper.clean(check.node or "")) for check in checks]
        columns.insert(1, Column("node", nodes, 92, True, 8))
    return [column for column in columns if any(cell.plain for cell in column.cells)]


def _bound(paper: Paper, check: Check) -> Text:
    return Text(bound(check, ascii_only=paper.glyphs.ascii_only), style=palette.QUIET)


def _detectable(check: Check) -> Text:
    """Of what holds a PASS back; of others it would be a riddle."""
    return Text(change(check.detectable) if check.needed else "")


def _verdict(check: Check) -> Text:
    is_quiet = check.verdict == "inconclusive" and not is_loud(check)
    style: Style = palette.QUIET if is_quiet else _STYLES[check.verdict]
    return Text(decision(check), style=style)
