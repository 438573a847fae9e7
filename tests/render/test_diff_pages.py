"""The graph and the page of two Profiles: what is marked how, and that names stay text."""

from __future__ import annotations

import io
import json
import re
from importlib import resources
from xml.etree import ElementTree

import pytest
from rich.console import Console

from lgprof.analysis.course_diff import joined_courses
from lgprof.render.flame_diff_text import diff_colour
from lgprof.render.graph_marks import graph_marks, mark_text
from lgprof.render.graph_svg import graph_svg
from lgprof.render.html.diff import diff_content, html_diff
from lgprof.render.terminal.graph_diff import graph_diff_blocks
from lgprof.render.terminal.page import Paper
from tests.render import diffs

SVG = "{http://www.w3.org/2000/svg}"


def test_both_graphs_as_one() -> None:
    base, new, _ = diffs.changed()
    joined, edges = joined_courses(base, new)
    assert list(joined[""].nodes) == ["plan", "draft", "same", "review", "judge"]
    assert edges == {
        ("same", "judge"): "added",
        ("judge", "__end__"): "added",
        ("same", "review"): "removed",
        ("review", "__end__"): "removed",
    }
    counts = {pair: each.count for pair, each in joined[""].transitions.items()}
    assert counts["same", "judge"] == 4
    assert counts["same", "review"] == 0


def test_the_page_carries_no_chart_library_that_it_does_not_use() -> None:
    assert "uPlot" not in html_diff(diffs.changed()).decode()


def test_marks_of_nodes() -> None:
    marks = graph_marks(diffs.changed()).nodes
    assert {name: (mark.presence, mark.steps, mark_text(mark)) for name, mark in marks.items()} == {
        "plan": ("both", 3, "+100% · 2.00 s"),
        "draft": ("both", -3, "-33% · 2.00 s"),
        "same": ("both", 0, "0% · 1.00 s"),
        "review": ("removed", -3, "gone · was 1.00 s"),
        "judge": ("added", 2, "new · 500 ms"),
    }
    assert marks["plan"].told == "calls per request 1, 1.00 s → 2.00 s each"


def test_the_picture_of_the_graph() -> None:
    compared = diffs.changed()
    svg = graph_svg(compared.new, graph_marks(compared))
    root = ElementTree.fromstring(svg)
    texts = [each.text for each in root.iter(f"{SVG}text")]
    for text in ("+ judge", "- review", "plan", "+100% · 2.00 s", "gone · was 1.00 s"):
        assert text in texts
    classes = [each.get("class") for each in root.iter(f"{SVG}path")]
    assert (classes.count("edge added"), classes.count("edge removed")) == (2, 2)


def test_a_name_in_the_graph_stays_text() -> None:
    compared = diffs.hostile()
    svg = graph_svg(compared.new, graph_marks(compared))
    assert "<img" not in svg
    assert ElementTree.fromstring(svg) is not None


def test_the_graph_on_the_terminal() -> None:
    compared = diffs.changed()
    paper = Paper.of(Console(file=io.StringIO(), width=80))
    [block] = graph_diff_blocks(paper, "app", graph_marks(compared))
    rows = [line.plain for line in block.lines]
    assert [row.split() for row in rows[1:-1]] == [
        ["start", "plan"],
        ["1", "plan", "+100%", "·", "2.00", "s", "draft"],
        ["2", "draft", "-33%", "·", "2.00", "s", "same"],
        ["3", "same", "0%", "·", "1.00", "s", "+judge", "·", "-review"],
        ["4", "-", "review", "gone", "·", "was", "1.00", "s", "-end"],
        ["4", "+", "judge", "new", "·", "500", "ms", "+end"],
    ]


def test_a_node_that_is_wired_and_never_ran_is_marked_too() -> None:
    base, new, _ = diffs.changed()
    new.target.nodes.append("spare")
    mark = graph_marks(diffs.compared(base, new)).nodes["spare"]
    assert (mark.presence, mark_text(mark)) == ("added", "new")


def test_the_page_has_tables_pictures_and_what_differs() -> None:
    compared = diffs.changed()
    compared.base.environment.python = "3.10.1"
    content = diff_content(diffs.compared(compared.base, compared.new))
    assert content["caveats"] == ["Python 3.10.1, now 3.11.7"]
    assert ["+", "node judge"] in content["structure"]
    tables = {table["id"]: table for table in content["tables"]}
    assert next(iter(tables)) == "graph-metrics"
    plan = next(row for row in tables["nodes"]["rows"] if row[0][1] == "plan")
    columns = tables["nodes"]["columns"]
    assert plan[columns.index("change")] == [1, "+100.0%", True]
    assert [each["latency"] > 4 for each in content["timelines"]] == [True, True]
    assert content["graph"]["nodes"][0]["diff"]["text"] == "+100% · 2.00 s"


def test_the_flame_graph_tells_what_was() -> None:
    flames = diff_content(diffs.changed())["flames"]
    texts, graphs = flames["texts"], flames["graphs"]
    assert next(iter(graphs)) == "time"
    found = {texts[each[1]]: each for each in graphs["time"]["tree"][6]}
    assert (found["plan"][2], found["plan"][7]) == (2, [1, "+100.0%", 3])
    assert (found["draft"][2], found["draft"][7]) == (2, [3, "-33.3%", -3])
    assert (found["judge"][2], found["judge"][7]) == (0.5, [0, "new", 2])
    assert "review" not in found, "it has no width"
    assert "gone: review 1.00 s" in graphs["time"]["note"]


def test_the_data_cannot_leave_its_element() -> None:
    page = html_diff(diffs.hostile()).decode()
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert data is not None
    assert "<" not in data[1]
    assert diffs.ATTACK in json.loads(data[1])["target"]["name"]
    assert "<img" not in page
    assert len(page) < 600_000


def test_colours_are_the_same_everywhere() -> None:
    styles = resources.files("lgprof.render.html").joinpath("styles", "diff.css").read_text("utf-8")
    for steps in range(-3, 4):
        assert f'[data-tone="{steps}"] {{ --tone: {diff_colour(steps)}; }}' in styles


def test_frames_too_narrow_share_one_and_none_is_lost() -> None:
    many = [(f"n{at}", 0.0001) for at in range(30)]
    compared = diffs.compared(diffs.chain(("gone", 9.0), *many), diffs.chain(("big", 9.0), *many))
    flames = diff_content(compared)["flames"]
    tree = flames["graphs"]["time"]["tree"]
    names = {flames["texts"][each[1]]: each for each in tree[6]}
    assert set(names) == {"big", "30 more"}
    assert sum(each[2] for each in names.values()) == pytest.approx(tree[2], rel=1e-5)
