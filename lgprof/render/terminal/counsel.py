"""The report of ``lgprof advise``: the ranking, each change with its code, what was refused."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.text import Text

from lgprof.model import WHAT_IF, Advice
from lgprof.readable import plural
from lgprof.render.terminal import palette, text
from lgprof.render.terminal.advice import details, ranking, recommended
from lgprof.render.terminal.page import INDENT, Block, Page


@dataclass(frozen=True, slots=True)
class AdviceNotes:
    """What is said besides the advice itself."""

    minor: int = 0
    """Changes that save too little to be shown."""
    refused: int = 0
    """Changes that were considered and would not be safe."""
    untried: int = 0
    """Changes that were to be proven when that was stopped."""
    nothing: list[str] = field(default_factory=list)
    """Where nothing is to be gained: why."""


def counsel_blocks(page: Page, notes: AdviceNotes) -> list[Block]:
    """All blocks, those with nothing to show left out."""
    asked = [one for one in page.profile.advice if one.kind == WHAT_IF]
    found = [one for one in page.profile.advice if one.kind != WHAT_IF]
    good = recommended(found)
    gains = [one for one in good if one.saving is not None and one.saving.is_gain]
    others = [one for one in good if one not in gains]
    blocks = [_asked(page, asked)] if asked else []
    blocks.append(_gains(page, gains) if gains else _nothing(page, notes))
    if others:
        blocks.append(_others(page, others, first=len(gains) + 1))
    blocks[-1].lines.extend(_left_out(page, notes))
    if refused := [one for one in found if one.status == "unsafe"]:
        blocks.append(_refused(page, refused))
    return blocks


def _asked(page: Page, advice: list[Advice]) -> Block:
    lines: list[Text] = []
    for one in advice:
        lines += [*details(page, "", one), Text()]
    return Block("What if", lines[:-1], "each by itself")


def _gains(page: Page, advice: list[Advice]) -> Block:
    lines = [*ranking(page, advice), Text()] if len(advice) > 1 else []
    lines += _numbered(page, advice, 1)
    number_of = plural(len(advice), "change")
    return Block("Advice", lines, f"{number_of}, the greatest saving first; each by itself")


def _others(page: Page, advice: list[Advice], first: int) -> Block:
    what = "1 change that takes" if len(advice) == 1 else f"{len(advice)} changes that take"
    note = f"{what} neither time nor money off a single request"
    return Block("No saving", _numbered(page, advice, first), note)


def _numbered(page: Page, advice: list[Advice], first: int) -> list[Text]:
    lines: list[Text] = []
    for number, one in enumerate(advice, first):
        lines += [*details(page, str(number), one), Text()]
    return lines[:-1]


def _nothing(page: Page, notes: AdviceNotes) -> Block:
    lines: list[Text] = []
    for reason in notes.nothing:
        parts = text.fold(page.clean(reason), page.width - INDENT)
        lines += [Text(" " * INDENT + part) for part in parts]
    return Block("Advice", lines, "nothing to gain that is worth a change")


def _left_out(page: Page, notes: AdviceNotes) -> list[Text]:
    facts = []
    if notes.untried:
        facts.append(f"stopped: {plural(notes.untried, 'change')} not tried")
    if notes.minor:
        facts.append(f"{plural(notes.minor, 'change')} would save less than 2%: --all")
    if notes.refused:
        facts.append(f"{plural(notes.refused, 'change')} considered and refused: --why-not")
    return [
        *([Text()] if facts else []),
        *(
            Text(" " * INDENT + page.fit(fact, page.width - INDENT), palette.QUIET)
            for fact in facts
        ),
    ]


def _refused(page: Page, advice: list[Advice]) -> Block:
    lines: list[Text] = []
    for one in advice:
        head = Text(" " * INDENT)
        head.append(page.fit(page.clean(one.title), page.width - INDENT))
        lines.append(head)
        why = one.reasons[0] if one.reasons else one.why
        parts = text.fold(page.clean(why), page.width - INDENT - 2)
        lines += [Text(" " * (INDENT + 2) + part, style=palette.QUIET) for part in parts]
    return Block("Refused", lines, "considered, and not safe")
