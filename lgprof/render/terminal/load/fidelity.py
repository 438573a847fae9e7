"""Two questions before any figure: can the numbers be trusted, and can the graph keep up?"""

from __future__ import annotations

from typing import Literal, NamedTuple

from rich.style import Style
from rich.text import Text

from lgprof.model import Load, Saturation
from lgprof.readable import plural, rate
from lgprof.render.terminal import palette, text
from lgprof.render.terminal.page import INDENT, Block, Page

Tone = Literal["good", "fair", "poor", "unsure"]

_TONES: dict[str, Tone] = {"ok": "good", "degraded": "fair", "invalid": "poor"}
_STYLES: dict[Tone, Style] = {
    "good": palette.GOOD,
    "fair": palette.FAIR,
    "poor": palette.POOR,
    "unsure": palette.UNSURE,
}
_CAUSES = {
    "loop_blocked": "the event loop is blocked",
    "loop_cpu": "the event loop's CPU core is busy",
    "executor": "calls wait for a free thread",
    "max_concurrent": "requests wait for their turn",
    "rate_limit": "calls wait at a rate limit",
    "unknown": "",
}


class Answer(NamedTuple):
    """To one of the two questions."""

    about: str
    badge: str
    tone: Tone
    reasons: list[str]


def fidelity_blocks(page: Page) -> list[Block]:
    """The verdict on the numbers, and the finding about the graph."""
    both = answers(page)
    badge_width = max(len(answer.badge) for answer in both) + 2
    lines: list[Text] = []
    for about, badge, tone, reasons in both:
        lines += _answer(page, about, badge.center(badge_width), _STYLES[tone], reasons)
    return [Block("Verdict", lines, "can the numbers be trusted, can the graph keep up?")]


def answers(page: Page) -> list[Answer]:
    """Whether the numbers can be trusted, and whether the graph keeps up."""
    load = page.load
    verdict = load.fidelity.verdict
    return [
        Answer("the numbers", verdict.upper(), _TONES[verdict], _reasons(page, load)),
        Answer("the graph", *_keeps_up(page, load)),
    ]


def _answer(page: Page, question: str, badge: str, style: Style, reasons: list[str]) -> list[Text]:
    margin = INDENT + 13 + len(badge) + 2
    lines: list[Text] = []
    for reason in reasons:
        for part in text.fold(reason, max(page.width - margin, 20)):
            line = Text(" " * INDENT)
            line.append(("" if lines else question).ljust(13))
            if lines:
                line.append(" " * len(badge))
            else:
                line.append(badge if page.colour else _bracketed(badge), style=style)
            line.append(f"  {part}")
            lines.append(line)
    return lines


def _bracketed(badge: str) -> str:
    """The badge with edges, where no colour makes it one."""
    return f"[{badge[1:-1]}]"


def _reasons(page: Page, load: Load) -> list[str]:
    if load.fidelity.reasons:
        return [page.clean(reason) for reason in load.fidelity.reasons]
    if load.fidelity.verdict != "ok":
        return ["no reason is given"]
    facts = []
    if load.schedule_lag_s is not None and load.arrivals != "closed":
        facts.append(f"99% of the arrivals started within {page.time(load.schedule_lag_s.p99)}")
    facts.append("none dropped or unsent" if not load.dropped + load.unsent else "")
    facts.append("no worker lost" if not any(worker.lost for worker in load.workers) else "")
    return [", ".join(fact for fact in facts if fact) or "nothing stood in the way"]


def _keeps_up(page: Page, load: Load) -> tuple[str, Tone, list[str]]:
    found = load.saturation
    if found is not None:
        badge = "SATURATED" if found.saturated else "NEAR LIMIT"
        tone: Tone = "poor" if found.saturated else "fair"
        return badge, tone, _finding(page, found, len(load.workers))
    if not load.completed:
        return "UNKNOWN", "unsure", ["no request succeeded"]
    if load.fidelity.verdict == "invalid":
        reason = "no limit was seen, but the numbers are invalid"
        return "UNKNOWN", "unsure", [reason]
    return "KEEPS UP", "good", ["nothing is near its limit"]


def _finding(page: Page, found: Saturation, workers: int) -> list[str]:
    facts = []
    if found.node is not None:
        facts.append(f"node {page.name(found.node)}")
    if cause_words(found):
        facts.append(cause_words(found))
    if found.max_rps is not None:
        facts.append(f"{rate(found.max_rps)} is the most that {plural(workers, 'worker')} served")
    message = page.clean(found.message)
    return [part for part in (message, page.joined(facts)) if part] or ["no cause is known"]


def cause_words(found: Saturation) -> str:
    """What the node runs out of; empty where that is not known."""
    return _CAUSES[found.cause]
