"""The differential flame graph as one SVG that needs no other file."""

from __future__ import annotations

from lgprof.analysis.flame import NODE_SECONDS, FlameOptions
from lgprof.analysis.flame_diff import FlameDiff, flame_diff
from lgprof.model import Profile
from lgprof.render.flame_diff_text import (
    diff_change,
    diff_colour,
    diff_key,
    diff_name,
    diff_note,
    drawn_diff,
    gone_words,
    sampled_alike,
    sign,
    strength,
)
from lgprof.render.flame_picture import Box, Look, flame_picture, shown
from lgprof.render.flame_text import flame_amount


def flame_diff_svg(base: Profile, new: Profile, options: FlameOptions = NODE_SECONDS) -> str:
    """What became slower in red, what became faster in blue; as wide as in ``new``.

    Raises:
        UsageError: There is nothing to draw.
    """
    whole = drawn_diff(flame_diff(base, new, options), options)
    more, less, width = diff_key(options)
    key = f"{more} (red) · {less} (blue) · {width}"
    told = [key, sampled_alike(base, new), gone_words(whole, options, shown)]

    def look(box: Box[FlameDiff]) -> Look:
        steps = strength(box.frame, whole)
        text = _told(box.frame, options)
        return Look(
            told=text,
            label=f"{sign(steps)} {text}".lstrip(),
            colour=diff_colour(steps, alternate=box.alternate),
        )

    notes = [diff_note(whole, options), " · ".join(filter(None, told))]
    title = f"{shown(new.target.name)}: differential flame graph"
    return flame_picture(whole, title, notes, look)


def _told(frame: FlameDiff, options: FlameOptions) -> str:
    before, now = (flame_amount(value, options.by) for value in (frame.base, frame.value))
    was = f", was {before}" if frame.base > 0 else ""
    return f"{diff_name(frame, shown)} {diff_change(frame)}  {now}{was}"
