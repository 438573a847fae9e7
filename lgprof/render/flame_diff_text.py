"""What the frames of a differential flame graph say, and in which colour, in every format alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lgprof.analysis.flame import By, FlameOptions
from lgprof.analysis.flame_diff import FlameDiff
from lgprof.analysis.flame_tree import Flame
from lgprof.errors import UsageError
from lgprof.model import Profile
from lgprof.render.flame_text import NOTHING, flame_amount, flame_name, flame_widths
from lgprof.render.quantity import change as change_words

_STEPS = (0.005, 0.03, 0.1)
"""Shares of the base's whole that a frame moved by, from which its colour is the next stronger."""
_MORE = ("#f7cfc7", "#f0a294", "#e4705e")
_LESS = ("#cbdff8", "#9cc3f2", "#6ba3ea")
_SAME = "#d6dade"
_ALTERNATE = 0.94
_VERBS: dict[By, tuple[str, str]] = {
    "time": ("slower", "faster"),
    "cpu": ("more CPU time", "less"),
    "cost": ("dearer", "cheaper"),
    "tokens": ("more tokens", "fewer"),
}
_MOST_GONE = 5


def drawn_diff(frame: FlameDiff, options: FlameOptions) -> FlameDiff:
    """The frame, which has a width.

    Raises:
        UsageError: It has none: there is nothing to draw.
    """
    if frame.value <= 0:
        raise UsageError(f"no flame graph: {NOTHING[options.by]}")
    return frame


def strength(frame: FlameDiff, whole: FlameDiff) -> int:
    """From -3 (much less than before) to 3 (much more); 0 where it is about the same."""
    total = whole.base or whole.value
    moved = abs(frame.difference) / total if total else 0.0
    steps = sum(moved >= least for least in _STEPS)
    return steps if frame.difference > 0 else -steps


def diff_colour(steps: int, *, alternate: bool = False) -> str:
    """Red for more, blue for less; near-black text can be read on each."""
    colour = _MORE[steps - 1] if steps > 0 else _LESS[-steps - 1] if steps < 0 else _SAME
    if not alternate:
        return colour
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part * _ALTERNATE):02x}" for part in parts)


def sign(steps: int) -> str:
    """``+``, ``-``, or nothing."""
    return "+" if steps > 0 else "-" if steps < 0 else ""


def diff_change(frame: FlameDiff, *, digits: int = 1) -> str:
    """``+12.3%``; ``new``."""
    return "new" if frame.change is None else change_words(frame.change, digits=digits)


def diff_name(frame: FlameDiff, clean: Callable[[str], str] = str) -> str:
    """What the frame is called, as in any flame graph."""
    return flame_name(Flame(frame.kind, frame.name, frame.value), clean)


def diff_note(whole: FlameDiff, options: FlameOptions, *, ascii_only: bool = False) -> str:
    """What the widths are: ``node-seconds per request, 1.2 s, was 1 s, +20.0%``."""
    now, before = (
        flame_amount(value, options.by, ascii_only=ascii_only)
        for value in (whole.value, whole.base)
    )
    return f"{flame_widths(options)} per request, {now}, was {before}, {diff_change(whole)}"


def diff_key(options: FlameOptions) -> tuple[str, str, str]:
    """What red and blue mean, and what the width is."""
    more, less = _VERBS[options.by]
    return f"+ {more}", f"- {less}", "width: the new one"


def sampled_alike(base: Profile, new: Profile) -> str:
    """Why there are no Python frames, where one side had some; else nothing."""
    if (base.sampling is None) == (new.sampling is None):
        return ""
    return "no Python frames: only one of the two was sampled"


def gone_words(
    whole: FlameDiff,
    options: FlameOptions,
    clean: Callable[[str], str],
    *,
    ascii_only: bool = False,
) -> str:
    """The frames that have no width any more: ``gone: review 1.2 s, llm gpt-4o 0.3 s``."""
    least = _STEPS[0] * whole.base
    gone = [frame for frame in whole.gone() if frame.base >= least]
    if not gone:
        return ""
    words = [
        f"{diff_name(frame, clean)} {flame_amount(frame.base, options.by, ascii_only=ascii_only)}"
        for frame in gone[:_MOST_GONE]
    ]
    more = f", {len(gone) - _MOST_GONE} more" if len(gone) > _MOST_GONE else ""
    return f"gone: {', '.join(words)}{more}"


def rest_of(frames: Sequence[FlameDiff]) -> FlameDiff:
    """One frame for those too narrow to be drawn; those that are gone are told elsewhere."""
    there = [frame for frame in frames if frame.value > 0]
    if len(there) == 1:
        return there[0]
    base, value = sum(frame.base for frame in there), sum(frame.value for frame in there)
    return FlameDiff("rest", f"{len(there)} more", base, value)
