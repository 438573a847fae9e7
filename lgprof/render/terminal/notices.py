"""Warnings, each with what answers it; and where the Profile went."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from lgprof.render.terminal import palette, text
from lgprof.render.terminal.page import INDENT, Block, Page, Paper


def warning_blocks(page: Page) -> list[Block]:
    """Each warning with its fix; empty where there is none."""
    lines: list[Text] = []
    for warning in page.profile.warnings:
        lines += marked_lines(page, "!", palette.WARNING, warning.message)
        if warning.fix:
            lines += marked_lines(page, page.glyphs.arrow, palette.QUIET, warning.fix)
    return [Block("Warnings", lines)] if lines else []


def saved_blocks(page: Page) -> list[Block]:
    """The place of the Profile, and what to type next."""
    lines: list[Text] = []
    if page.saved_to is not None:
        lines += _labelled(page, "profile", page.saved_to)
    for index, step in enumerate(page.next_steps):
        lines += _labelled(page, "next" if index == 0 else "", step)
    return [Block("Saved" if page.saved_to is not None else "Next", lines)] if lines else []


def marked_lines(page: Paper, mark: str, style: Style, message: str) -> list[Text]:
    """Prose behind a mark in the margin."""
    margin = INDENT + len(page.glyphs.arrow) + 1
    lines = []
    for index, part in enumerate(text.fold(page.clean(message), page.width - margin)):
        line = Text(" " * INDENT)
        line.append((mark if index == 0 else "").ljust(margin - INDENT), style=style)
        lines.append(line.append(part))
    return lines


def _labelled(page: Paper, label: str, value: str) -> list[Text]:
    lines = []
    for index, part in enumerate(text.fold(page.clean(value), page.width - INDENT - 10)):
        line = Text(" " * INDENT)
        line.append((label if index == 0 else "").ljust(10), style=palette.QUIET)
        lines.append(line.append(part))
    return lines
