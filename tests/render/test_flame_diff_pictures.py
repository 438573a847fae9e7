"""How a differential flame graph looks: widths, signs and colours; names cannot break it."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
from rich.console import Console

from lgprof.analysis.flame import NODE_SECONDS
from lgprof.errors import UsageError
from lgprof.model import Profile
from lgprof.render.flame_diff_svg import flame_diff_svg
from lgprof.render.terminal.flame_diff import flame_diff_blocks
from lgprof.render.terminal.page import Paper
from tests.render.sample_profiles import Recording, hostile, profile_of

SVG = "{http://www.w3.org/2000/svg}"


def profile(**seconds: float) -> Profile:
    recording = Recording()
    for name, lasted in seconds.items():
        recording.run(name, lasted)
    return profile_of([recording.done()])


BASE = profile(a=4.0, b=5.0, gone=2.0)
NEW = profile(a=5.0, b=4.0, c=1.0)


def lines(base: Profile, new: Profile, width: int = 104, **console: object) -> list[str]:
    paper = Paper.of(Console(file=io.StringIO(), width=width, **console))
    [block] = flame_diff_blocks(paper, base, new, NODE_SECONDS)
    assert all(line.cell_len <= width for line in block.lines)
    return [block.note, *(line.plain for line in block.lines)]


def test_widths_of_the_new_and_signs_without_colour() -> None:
    note, row, key, gone = lines(BASE, NEW)
    assert note == "node-seconds per request, 10.0 s, was 11.0 s, -9.1%"
    assert [len(part) for part in row.strip().split("▏▕")] == [49, 38, 9]
    assert "a 4.00 s → 5.00 s +25.0%" in row
    assert "b 5.00 s → 4.00 s -20.0%" in row
    assert "c new" in row
    assert key.split("   ")[0].strip() == "+ slower"
    assert gone.strip() == "gone: gone 2.00 s"


def test_red_is_slower_and_blue_is_faster() -> None:
    paper = Paper.of(
        Console(file=io.StringIO(), width=104, color_system="truecolor", force_terminal=True)
    )
    [block] = flame_diff_blocks(paper, BASE, NEW, NODE_SECONDS)
    colours = [span.style.bgcolor.triplet for span in block.lines[0].spans if span.style.bgcolor]
    assert [each.red > each.blue for each in colours] == [True, False, True]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_narrow_and_ascii(width: int) -> None:
    shown = "\n".join(lines(hostile(), hostile(), width, legacy_windows=True))
    assert shown.isascii()


def test_the_picture() -> None:
    root = ElementTree.fromstring(flame_diff_svg(BASE, NEW))
    frames = [each for each in root.iter(f"{SVG}g") if each.get("class") == "frame"]
    found = {each.get("data-n").split(" ")[1]: each for each in frames}
    assert float(found["a"].get("data-w")) == pytest.approx(0.5)
    assert found["a"].get("data-n") == "+ a +25.0%  5.00 s, was 4.00 s"
    assert found["b"].get("data-n") == "- b -20.0%  4.00 s, was 5.00 s"
    fills = {name: each.find(f"{SVG}rect").get("fill") for name, each in found.items()}
    assert int(fills["a"][1:3], 16) > int(fills["a"][5:7], 16), "red"
    assert int(fills["b"][1:3], 16) < int(fills["b"][5:7], 16), "blue"


def test_names_stay_text() -> None:
    evil = "<img src=x onerror=alert(1)>\"&'\x1b[31m]]>"
    base, new = profile(**{evil: 1.0, "<b>old": 1.0}), profile(**{evil: 2.0})
    svg = flame_diff_svg(base, new)
    root = ElementTree.fromstring(svg)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == {
        *("svg", "style", "rect", "text", "g", "title", "script")
    }
    assert "<img" not in svg
    assert "<b>" not in svg
    assert "\x1b" not in svg


def test_nothing_to_draw() -> None:
    with pytest.raises(UsageError, match="no node was recorded"):
        flame_diff_svg(BASE, profile_of([Recording().done()]))
