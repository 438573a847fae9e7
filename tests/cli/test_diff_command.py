"""``lgprof diff``, and ``lgprof gate --baseline``, as a user types them."""

from __future__ import annotations

import copy
import json

import pytest

from lgprof.model import write_profile
from tests.cli.harness import ProjectHere
from tests.render import sample_profiles


@pytest.fixture
def two(project: ProjectHere) -> ProjectHere:
    """A project with base.json and new.json: a node is gone, and a prompt is longer."""
    base = sample_profiles.agent(10)
    new = copy.deepcopy(base)
    gone = new.nodes.pop()
    new.target.nodes = [name for name in new.target.nodes if name != gone.path]
    for request in new.requests:
        for span in request.spans:
            if span.model and span.model.tokens and span.model.tokens.input:
                span.model.tokens.input += 7
    new.summary.tokens.input = sum(
        span.model.tokens.input or 0
        for request in new.requests
        for span in request.spans
        if span.model and span.model.tokens
    )
    write_profile(base, project.folder / "base.json")
    write_profile(new, project.folder / "new.json")
    return project


def test_structure_first_then_metrics_then_nodes(two: ProjectHere) -> None:
    done = two.call("diff", "base.json", "new.json")
    assert done.code == 0
    order = [done.out.index(title) for title in ("Diff ", "Structure ", "Graph ", "Nodes ")]
    assert order == sorted(order)
    assert "- node " in done.out
    line = next(line for line in done.out.splitlines() if "tokens.input.per_request" in line)
    assert line.endswith("exact")
    assert all(len(line) <= 100 for line in done.out.splitlines())


@pytest.mark.parametrize("width", [60, 80, 160])
def test_every_width(two: ProjectHere, width: int) -> None:
    out = two.call("diff", "base.json", "new.json", env={"COLUMNS": str(width)}).out
    assert max(map(len, out.splitlines())) <= width
    assert "tokens.input.per_request" in out


def test_ascii(two: ProjectHere) -> None:
    done = two.run("diff", "base.json", "new.json", env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0
    assert done.out.isascii()


def test_files_and_json(two: ProjectHere) -> None:
    done = two.call("diff", "base.json", "new.json", "-o", "d.md", "-o", "d.json")
    assert done.out == "written: d.md\nwritten: d.json\n"
    assert "| `tokens.input.per_request` | " in two.read("d.md")
    diff = json.loads(two.read("d.json"))
    assert len(diff["structure"]["nodes_removed"]) == 1
    printed = two.call("diff", "base.json", "new.json", "--json", "-")
    assert json.loads(printed.out) == diff


def test_the_flame_graph(two: ProjectHere) -> None:
    out = two.call("diff", "base.json", "new.json", "--by", "tokens").out
    assert "Flame graph  tokens per request" in out
    assert "+ more tokens" in out
    done = two.call("diff", "base.json", "new.json", "-o", "d.svg", "--view", "elapsed")
    assert done.out == "written: d.svg\n"
    assert "elapsed time, on the critical path alone per request" in two.read("d.svg")


def test_the_page_and_the_graph(two: ProjectHere) -> None:
    done = two.call("diff", "base.json", "new.json", "-o", "d.html", "-o", "d.graph.svg")
    assert done.out == "written: d.html\nwritten: d.graph.svg\n"
    assert two.read("d.html").startswith("<!doctype html>")
    assert "time per request: red more" in two.read("d.graph.svg")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["base.json", "none.json"], "no such file: none.json"),
        (["base.json", "apps.py"], "not an lgprof Profile"),
        (["base.json", "new.json", "-o", "d.xml"], "unknown suffix"),
        (["base.json", "new.json", "-o", "base.json"], "exists already"),
        (["base.json", "new.json", "--json", "x"], "only -"),
        (["base.json", "new.json", "--by", "x"], "--by 'x' is not known"),
    ],
)
def test_what_is_wrong(two: ProjectHere, arguments: list[str], error: str) -> None:
    done = two.call("diff", *arguments)
    assert done.code == 2
    assert error in done.error


def test_a_baseline(two: ProjectHere) -> None:
    assert two.call("gate", "base.json", "--baseline", "base.json").code == 0
    done = two.call("gate", "new.json", "--baseline", "base.json", "-b", "p95<1h")
    assert done.code == 1
    assert "tokens.input.per_request" in done.out
    assert "no more" in done.out


def test_a_baseline_of_a_run_made_now(project: ProjectHere) -> None:
    project.call("run", "apps:quick", "-n", "4", "-q", "--no-sample", "-o", "base.json")
    done = project.call("gate", "apps:quick", "--baseline", "base.json")
    assert done.code == 0, done.out + done.err
    assert project.profile()["summary"]["requests"] == 4, "as many as the baseline has"
    loops = project.call("gate", "apps:loops", "--baseline", "base.json", "-i", '{"i": 0}')
    assert (loops.code, "other inputs" in loops.error) == (2, True)
    fewer = project.call("gate", "apps:quick", "--baseline", "base.json", "-n", "3")
    assert (fewer.code, fewer.hint.split(",")[0]) == (2, "add -n 4")
