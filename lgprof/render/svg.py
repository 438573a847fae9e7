"""``.svg``: the flame graph as one file that needs no other: click to zoom, type to search."""

from __future__ import annotations

from lgprof.analysis.flame import NODE_SECONDS, FlameOptions
from lgprof.analysis.flame_tree import Flame
from lgprof.model import Profile
from lgprof.readable import count, percent
from lgprof.render.flame_picture import Box, Look, flame_picture, shown
from lgprof.render.flame_text import (
    drawn_flame,
    flame_amount,
    flame_name,
    flame_note,
    flame_place,
    sampling_note,
)
from lgprof.render.terminal.charset import UNICODE
from lgprof.render.terminal.palette import Role, hex_colour, role_of_flame
from lgprof.render.terminal.text import clean


def flame_svg(profile: Profile, options: FlameOptions = NODE_SECONDS) -> str:
    """The flame graph of a Profile.

    Raises:
        UsageError: There is nothing to draw.
    """
    flame = drawn_flame(profile, options)
    notes = [
        flame_note(flame, options),
        sampling_note(profile, options, times=UNICODE.times),
    ]

    def look(box: Box[Flame]) -> Look:
        role = role_of_flame(box.frame.kind) if box.depth else Role.FRAMEWORK
        return Look(
            told=_told(box.frame, flame.value, options),
            # In a narrow box the folder would push out the figures.
            label=_told(box.frame, flame.value, options, folder=False),
            colour=hex_colour(role, alternate=box.alternate),
            light=role in (Role.FAILED, Role.UNKNOWN),
        )

    return flame_picture(flame, f"{shown(profile.target.name)}: flame graph", notes, look)


def _told(flame: Flame, total: float, options: FlameOptions, *, folder: bool = True) -> str:
    """All that is known of a frame, the most important first: what does not fit is cut off."""
    name = flame_name(flame, shown)
    if place := clean(flame_place(flame)):
        name += f" {place if folder else place.rpartition('/')[2]}"
    amount = flame_amount(flame.value, options.by)
    calls = f", {count(flame.calls)} calls" if flame.calls > 1 and flame.kind != "all" else ""
    failures = f", {flame.failures} failed" if flame.failures else ""
    return f"{name}  {amount} {percent(flame.value / total)}{calls}{failures}"
