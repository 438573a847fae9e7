"""``.folded``: one line per stack and what is in no frame below, for flamegraph.pl and its kin.

Weights are whole numbers: microseconds, millionths of a USD, or tokens.
"""

from __future__ import annotations

from collections import Counter

from lgprof.analysis.flame import NODE_SECONDS, FlameOptions
from lgprof.analysis.flame_tree import Flame
from lgprof.model import Profile
from lgprof.render.flame_text import drawn_flame, flame_name, flame_place
from lgprof.render.terminal.text import clean


def folded(profile: Profile, options: FlameOptions = NODE_SECONDS) -> str:
    """The flame graph as folded stacks.

    Raises:
        UsageError: There is nothing to draw.
    """
    scale = 1 if options.by == "tokens" else 1e6
    weights: Counter[str] = Counter()
    for _, *way in drawn_flame(profile, options).walk():
        weight = round(way[-1].self_value * scale) if way else 0
        if weight > 0:
            weights[";".join(map(_frame, way))] += weight
    return "".join(f"{stack} {weight}\n" for stack, weight in weights.items())


def _frame(flame: Flame) -> str:
    """A name without what separates frames and lines."""
    place = flame_place(flame)
    name = clean(flame_name(flame)).replace(";", ":").strip() or "(unnamed)"
    return f"{name} ({clean(place).replace(';', ':')})" if place else name
