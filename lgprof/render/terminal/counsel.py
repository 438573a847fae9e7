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
    nothing: list[str] = field(default_factory=list)
    """Where nothing is to be gained: why."""


def counsel_blocks(page: Page, notes: AdviceNotes) -> list[Block]:
    """All blocks, those with nothing to show left out."""
    asked = [one for one in page.profile.advice if one.kind == WHAT_IF]
    found = [one for one in page.profile.advice if one.kind != WHAT_IF]
    good = recommended(found)
    blocks = [_asked(page, asked)] if asked else []
    blocks.append(_found(page, good, notes) if good else _nothing(page, notes, bool(asked)))
    if refused := [one for one in found if one.status == "unsafe"]:
        blocks.append(_refused(page, refused))
    return blocks


def _asked(page: Page, advice: list[Advice]) -> Block:
    lines: list[Text] = []
    for one in advice:
        lines += [*details(page, "", one), Text()]
    return Block("What if", lines[:-1], "each by itself")


def _found(page: Page, advice: list[Advice], notes: AdviceNotes) -> Block:
    lines = ranking(page, advice) if len(advice) > 1 else []
    for number, one in enumerate(advice, 1):
        if lines:
            lines.append(Text())
        lines += details(page, str(number), one)
    lines += _left_out(page, notes)
    number_of = plural(len(advice), "change")
    return Block("Advice", lines, f"{number_of}, the greatest saving first; each by itself")


def _nothing(page: Page, notes: AdviceNotes, asked: bool) -> Block:
    lines: list[Text] = []
    for reason in notes.nothing:
        parts = text.fold(page.clean(reason), page.width - INDENT)
        lines += [Text(" " * INDENT + part) for part in parts]
    lines += _left_out(page, notes)
    return Block("Advice", lines, "nothing to gain that is worth a change")


def _left_out(page: Page, notes: AdviceNotes) -> list[Text]:
    facts = []
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
