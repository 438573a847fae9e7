"""Categories that are shown together can be told apart, with however few colours."""

from __future__ import annotations

import io
from itertools import combinations

import pytest
from rich.color import Color, ColorSystem
from rich.console import Console

from lgprof.model import ATTRIBUTION_CATEGORIES, Attribution
from lgprof.render import terminal
from lgprof.render.terminal.category_colours import category_colours

NAMES = [*ATTRIBUTION_CATEGORIES, "other"]


def test_true_colours_differ_clearly() -> None:
    colours = category_colours(NAMES, sixteen=False)
    for (one, a), (other, b) in combinations(colours.items(), 2):
        pairs = zip(Color.parse(a).get_truecolor(), Color.parse(b).get_truecolor(), strict=True)
        assert sum(abs(x - y) for x, y in pairs) > 45, (one, other)


def test_256_colours_are_enough() -> None:
    colours = category_colours(NAMES, sixteen=False).values()
    fewer = {Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT) for colour in colours}
    assert len(fewer) == len(NAMES)


@pytest.mark.parametrize("start", range(8))
def test_sixteen_colours_are_enough_for_what_is_seen_at_once(start: int) -> None:
    names = [*NAMES[start : start + 10], "other", "unattributed"]
    names = list(dict.fromkeys(names))
    chosen = category_colours(names, sixteen=True)
    assert len(set(chosen.values())) == len(names)


def test_the_bar_uses_them(samples) -> None:
    profile = samples.chain()
    profile.attribution_s = Attribution(node_cpu=0.3, node_wait=0.3, loop_wait=0.2, framework=0.2)
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system="standard")
    terminal.render_report(profile, console, sections=["attribution"])
    bar = file.getvalue().splitlines()[1]
    fields = {part.split("m")[0].split(";")[-1] for part in bar.split("\x1b[")[1:]} - {"0"}
    assert len(fields) == 4
