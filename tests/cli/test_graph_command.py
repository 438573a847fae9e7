"""``lgprof graph``: nodes and edges, of a target or of a Profile."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lgprof.model import write_profile
from tests.cli.harness import ProjectHere
from tests.render import sample_profiles

APP = """
from typing import TypedDict
from langgraph.graph import END, START, StateGraph

class State(TypedDict, total=False):
    value: int

def never(state):
    raise AssertionError("the graph ran")

graph = StateGraph(State)
graph.add_node("plan", never)
graph.add_node("write", never)
graph.add_edge(START, "plan")
graph.add_conditional_edges("plan", lambda state: "write", ["write", END])
graph.add_edge("write", "plan")
app = graph.compile()
"""


@pytest.fixture
def drawn(project: ProjectHere) -> ProjectHere:
    project.write("drawn.py", APP)
    return project


@pytest.fixture
def saved(project: ProjectHere) -> Path:
    file = project.folder / "run.json"
    write_profile(sample_profiles.loop(), file)
    return file


def test_of_a_target_nothing_runs(drawn: ProjectHere) -> None:
    done = drawn.call("graph", "drawn.py:app")
    assert done.code == 0, done.err
    rows = [re.split(r"\s{2,}", line.strip()) for line in done.out.splitlines()[1:]]
    assert ["start", "plan"] in rows
    assert ["write", "plan"] in rows
    (plan,) = [row for row in rows if row[0] == "plan"]
    assert set(plan[1].split(" · ")) == {"write?", "end?"}
    assert not drawn.saved


def test_a_name_with_slashes_is_shown_whole(project: ProjectHere) -> None:
    project.write("drawn.py", APP.replace('"plan"', '"a/plan"'))
    done = project.call("graph", "drawn.py:app")
    rows = [re.split(r"\s{2,}", line.strip()) for line in done.out.splitlines()[1:]]
    assert ["start", "a/plan"] in rows
    assert '["a/plan"]' in project.call("graph", "drawn.py:app", "--mermaid").out


def test_a_factory_gets_the_config(project: ProjectHere) -> None:
    factory = (
        "\n\ndef make(config):\n"
        "    twin = StateGraph(State)\n"
        "    twin.add_node(config['configurable']['only'], never)\n"
        "    twin.add_edge(START, config['configurable']['only'])\n"
        "    return twin.compile()\n"
    )
    project.write("drawn.py", APP + factory)
    config = '{"configurable": {"only": "alone"}}'
    done = project.call("graph", "drawn.py:make", "--config", config)
    assert done.code == 0, done.err
    assert "alone" in done.out
    project.write("lgprof.toml", 'config = { configurable = { only = "of_settings" } }')
    assert "of_settings" in project.call("graph", "drawn.py:make").out


def test_a_profile_takes_no_config(project: ProjectHere, saved: Path) -> None:
    done = project.call("graph", str(saved), "--config", "{}")
    assert done.code == 2
    assert "--config is for what builds a graph" in done.error


def test_of_a_profile_with_heat_and_counts(project: ProjectHere, saved: Path) -> None:
    done = project.call("graph", str(saved))
    assert done.code == 0, done.err
    assert "critical path" in done.out
    assert re.search(r"\u00d7\d", done.out)


def test_for_mermaid(drawn: ProjectHere) -> None:
    done = drawn.call("graph", "drawn.py:app", "--mermaid")
    assert done.code == 0, done.err
    first, *lines = done.out.splitlines()
    assert first == "flowchart TD"
    ids = {name: number for number, name in re.findall(r'(n\d+)\["(\w+)"\]', done.out)}
    assert f"    {ids['plan']} -.-> {ids['write']}" in lines
    assert f"    {ids['write']} --> {ids['plan']}" in lines


def test_names_are_text_for_mermaid_and_in_the_picture(project: ProjectHere) -> None:
    file = project.folder / "run.json"
    write_profile(sample_profiles.hostile(), file)
    done = project.call("graph", str(file), "--mermaid")
    assert done.code == 0, done.err
    for label in re.findall(r'\["(.*)"\]', done.out):
        assert not set(label.replace("<br/>", "")) & set("<>\"'[](){}|`")
    assert project.call("graph", str(file), "-o", "graph.svg").code == 0
    ElementTree.fromstring(project.read("graph.svg"))


def test_the_picture_has_every_node_and_no_other_file(project: ProjectHere, saved: Path) -> None:
    done = project.call("graph", str(saved), "-o", "graph.svg", "-o", "graph.mmd")
    assert done.out.splitlines() == ["written: graph.svg", "written: graph.mmd"]
    text = project.read("graph.svg")
    root = ElementTree.fromstring(text)
    titles = {title.text for title in root.iter("{http://www.w3.org/2000/svg}title")}
    assert titles >= {node.path for node in sample_profiles.loop().nodes}
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_what_cannot_be_written(drawn: ProjectHere) -> None:
    done = drawn.call("graph", "drawn.py:app", "-o", "graph.png")
    assert (done.code, done.hint) == (2, "use .svg or .mmd")
    drawn.write("graph.svg", "mine")
    assert drawn.call("graph", "drawn.py:app", "-o", "graph.svg").code == 2
    assert drawn.read("graph.svg") == "mine"
