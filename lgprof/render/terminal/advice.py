"""What to change: ranked, with what each change is predicted to bring and what it did bring."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from lgprof.model import WHAT_IF, Advice, AdviceStatus, MeasuredSaving, Saving
from lgprof.readable import percent, plural, usd
from lgprof.render.terminal import palette, text
from lgprof.render.terminal.facts import fact_lines
from lgprof.render.terminal.page import INDENT, Block, Page
from lgprof.render.terminal.table import Column, table_lines

SHOWN_IN_REPORTS = 3
_STYLES: dict[AdviceStatus, Style] = {
    "proven": palette.GOOD,
    "predicted": palette.FAIR,
    "unproven": palette.UNSURE,
    "unsafe": palette.POOR,
}
_LABEL = 11
"""Width of what stands before predicted and measured savings."""


def advice_blocks(page: Page) -> list[Block]:
    """The changes that save most; empty where nothing is worth a change."""
    advice = recommended([one for one in page.profile.advice if one.kind != WHAT_IF])
    if not advice:
        return []
    shown = advice[:SHOWN_IN_REPORTS]
    lines = ranking(page, shown)
    file = (page.saved_to or "").partition(", ")[0]
    if file.endswith((".json", ".json.gz")):
        what = "how" if len(advice) == len(shown) else f"all {len(advice)}, and how"
        lines += [Text(), *fact_lines(page, [(what, f"lgprof advise {shlex.quote(file)}")])]
    note = "predicted saving" if not any(a.measured for a in shown) else "predicted and measured"
    return [Block("Advice", lines, f"{note} of a request's mean latency")]


def recommended(advice: Sequence[Advice]) -> list[Advice]:
    """Without what would not be safe."""
    return [one for one in advice if one.status != "unsafe"]


def ranking(page: Page, advice: Sequence[Advice]) -> list[Text]:
    """One line per change."""
    savings = [one.saving for one in advice]
    columns = [
        Column("", [Text(str(n)) for n in range(1, len(advice) + 1)], keep=9),
        Column(
            "change",
            [Text(page.clean(one.title)) for one in advice],
            keep=10,
            left=True,
            shrink_to=26,
        ),
        Column("saves", [_saved(page, one) for one in savings], keep=8),
        Column("of mean", [_share(one) for one in savings], keep=7),
    ]
    if any(one.measured for one in advice):
        columns.append(Column("measured", [_measured(page, one) for one in advice], keep=6))
    if any(one and one.usd_per_1k_requests for one in savings):
        columns.append(Column("USD/1k", [_usd(one) for one in savings], keep=4))
    columns.append(Column("status", [_status(one) for one in advice], keep=5, left=True))
    return table_lines(page, columns)


def details(page: Page, number: str, advice: Advice) -> list[Text]:
    """Everything of one change."""
    lines = _heading(page, number, advice)
    margin = INDENT + 3
    if advice.saving is not None:
        lines += _labelled(page, "predicted", _predicted_words(page, advice.saving), margin)
    if advice.measured is not None:
        lines += _labelled(page, "measured", _measured_words(page, advice.measured), margin)
    if advice.why:
        lines += [Text(), *_prose(page, advice.why, margin)]
    if advice.change:
        lines.append(Text())
        lines += _code(page, advice.change, margin + 2)
    if advice.reasons:
        lines += [Text(), *_reasons(page, advice, margin)]
    if advice.evidence:
        shown = page.joined([f"#{one.replace('/', ' span ')}" for one in advice.evidence[:3]])
        lines += _labelled(page, "seen in", f"request {shown}", margin)
    return lines


def _heading(page: Page, number: str, advice: Advice) -> list[Text]:
    badge = f" {advice.status} "
    room = page.width - INDENT - 3 - len(badge) - 1
    lines = []
    for index, part in enumerate(text.fold(page.clean(advice.title), room)):
        line = Text(" " * INDENT)
        line.append((number if index == 0 else "").ljust(3), style=palette.QUIET)
        line.append(part, style=palette.STRONG)
        if index == 0:
            gap = page.width - line.cell_len - len(badge)
            shown = badge if page.colour else f"[{advice.status}]"
            line.append(" " * max(gap, 1)).append(shown, style=_STYLES[advice.status])
        lines.append(line)
    return lines


def _predicted_words(page: Page, saving: Saving) -> str:
    low, high = saving.mean_ci_s
    if saving.usd_per_1k_requests and not (low or saving.mean_s or high):
        return f"{usd(saving.usd_per_1k_requests)} per 1,000 requests, and no time"
    nothing = "" if saving.is_gain else "no saving: "
    facts = [
        f"{nothing}{page.time(saving.mean_s)} of the mean, {percent(saving.share)} "
        f"({page.time(low)} to {page.time(high)})",
        f"p50 {page.time(saving.p50_s)}",
        "p95 needs 200 requests" if saving.p95_s is None else f"p95 {page.time(saving.p95_s)}",
    ]
    if saving.usd_per_1k_requests is None:
        facts.append("cost unknown")
    elif saving.usd_per_1k_requests:
        facts.append(f"{usd(saving.usd_per_1k_requests)} per 1,000 requests")
    return page.joined(facts)


def _measured_words(page: Page, measured: MeasuredSaving) -> str:
    low, high = measured.mean_ci_s
    equal = {
        True: "outputs equal",
        False: "outputs differ",
        None: "outputs vary without the change too",
    }[measured.outputs_equal]
    facts = [
        f"{page.time(measured.mean_s)} ({page.time(low)} to {page.time(high)})",
        f"prediction off by {percent(abs(measured.prediction_error))} of the latency, "
        f"control {percent(abs(measured.control_error))}",
        f"{equal} on {plural(measured.inputs, 'input')}",
    ]
    return page.joined(facts)


def _labelled(page: Page, label: str, words: str, margin: int) -> list[Text]:
    lines: list[Text] = []
    for part in text.fold(page.clean(words), page.width - margin - _LABEL):
        line = Text(" " * margin)
        line.append(("" if lines else label).ljust(_LABEL), style=palette.QUIET)
        lines.append(line.append(part))
    return lines


def _prose(page: Page, words: str, margin: int) -> list[Text]:
    folded = text.fold(page.clean(words), page.width - margin)
    return [Text(" " * margin + part) for part in folded]


def _code(page: Page, code: str, margin: int) -> list[Text]:
    """Comments are folded; code never is, as it is there to be copied: it may run over the edge."""
    lines = []
    for row in code.splitlines():
        words = page.clean(row.lstrip())
        indent = " " * (margin + len(row) - len(row.lstrip()))
        if words.startswith("# ") and not words.startswith("#   "):
            parts = text.fold(words[2:], page.width - len(indent) - 2)
            lines += [Text(f"{indent}# {part}", style=palette.QUIET) for part in parts]
            continue
        style = palette.QUIET if words.startswith("#") else palette.CODE
        line = Text(indent + words, style=style, overflow="ignore")
        line.rstrip()
        lines.append(line)
    return lines


def _reasons(page: Page, advice: Advice, margin: int) -> list[Text]:
    lines = []
    for reason in advice.reasons:
        for index, part in enumerate(text.fold(page.clean(reason), page.width - margin - 2)):
            line = Text(" " * margin)
            line.append("- " if index == 0 else "  ", style=palette.QUIET)
            lines.append(line.append(part))
    return lines


def _saved(page: Page, saving: Saving | None) -> Text:
    if saving is None or not saving.is_gain:
        return Text("-", style=palette.QUIET)
    return page.time_cell(saving.mean_s)


def _share(saving: Saving | None) -> Text:
    return Text("" if saving is None or not saving.is_gain else percent(saving.share))


def _measured(page: Page, advice: Advice) -> Text:
    if advice.measured is None:
        return Text("-", style=palette.QUIET)
    return page.time_cell(advice.measured.mean_s)


def _usd(saving: Saving | None) -> Text:
    if saving is None or saving.usd_per_1k_requests is None:
        return Text("?", style=palette.QUIET)
    amount = saving.usd_per_1k_requests
    return Text(usd(amount) if amount else "-", style=palette.PLAIN if amount else palette.QUIET)


def _status(advice: Advice) -> Text:
    return Text(
        advice.status, style=palette.QUIET if advice.status == "unproven" else palette.PLAIN
    )
