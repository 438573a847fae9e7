"""The graph and the page of two Profiles: what is marked how, and that names stay text."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

from lgprof.analysis.course_diff import joined_courses
from lgprof.render.graph_marks import graph_marks
from lgprof.render.graph_svg import graph_svg
from lgprof.render.html.diff import diff_content, html_diff
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


def test_marks_of_nodes() -> None:
    marks = graph_marks(diffs.changed()).nodes
    assert {name: (mark.presence, mark.steps, mark.text) for name, mark in marks.items()} == {
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
