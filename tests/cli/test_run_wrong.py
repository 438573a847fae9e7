"""Wrong inputs, options and targets: exit 2, one clear line, and what to type instead."""

from __future__ import annotations

import json

import pytest

from tests.cli.harness import ProjectHere

INPUTS = {
    "broken JSON": (["-i", '{"i": }'], "", "-i: broken JSON: Expecting value", "write JSON"),
    "broken JSON in a file": (["-i", "@bad.json"], "", "bad.json: broken JSON", "write JSON"),
    "bad line": (["-i", "@bad.jsonl"], "", "bad.jsonl, line 3: broken JSON", "write JSON"),
    "missing file": (["-i", "@inptus.json"], "", "no file 'inptus.json'", "@inputs.json"),
    "empty file": (["-i", "@empty.jsonl"], "", "empty.jsonl holds no input", "one JSON value"),
    "empty stdin": (["-i", "-"], "", "standard input is empty", "pipe JSON"),
    "bad stdin": (["-i", "-"], "{oops", "standard input: broken JSON", "write JSON"),
    "context": (["--context", "{"], "", "--context: broken JSON", "write JSON"),
    "config": (["--config", "[1]"], "", "--config: [1] is no JSON object", "{"),
    "resume": (["--resume", "@gone.json"], "", "--resume: there is no file 'gone.json'", ""),
    "timeout": (["--timeout", "soon"], "", "--timeout: 'soon' is no duration", "30s"),
    "no time": (["--timeout", "0s"], "", "--timeout: '0s'", "30s"),
    "mode": (["--mode", "fast"], "", "--mode: 'fast' is no mode", "async"),
    "predicate": (["--failed-when", "import os"], "", "import", ""),
    "checkpointer": (["--checkpointer", "redis"], "", "--checkpointer 'redis'", "sqlite:FILE"),
    "sqlite": (["--checkpointer", "sqlite:no/db"], "", "no such folder: ", ""),
    "not sqlite": (["--checkpointer", "sqlite:bad.json"], "", "bad.json", ""),
    "store": (["--store", "redis"], "", "--store 'redis'", "memory"),
    "part": (["--show", "nodes,tree"], "", "--show 'nodes,tree': no such part", "timeline"),
    "json": (["--json", "out.json"], "", "--json 'out.json'", "--output FILE.json"),
    "suffix": (["-o", "out.txt"], "", "--output out.txt: unknown suffix", ".json"),
}


@pytest.mark.parametrize("case", INPUTS)
def test_wrong_option(project: ProjectHere, case: str) -> None:
    options, stdin, said, hint = INPUTS[case]
    project.write("bad.json", "{oops}")
    project.write("bad.jsonl", '{"i": 1}\n\n{"i": \n')
    project.write("inputs.json", "{}")
    project.write("empty.jsonl", "\n")
    done = project.call("run", "apps:quick", *options, stdin=stdin)
    assert done.code == 2, done.err
    assert said in done.error
    assert hint in (done.hint if hint else "")
    assert len(done.err.splitlines()) <= 2, done.err
    assert done.out == ""
    assert not project.saved


@pytest.mark.parametrize(
    "options",
    [["--bogus"], ["-n", "0"], ["-n", "many"], ["--concurrency", "-1"], ["apps:quick", "too"]],
)
def test_wrong_use(project: ProjectHere, options: list[str]) -> None:
    done = project.call("run", *options)
    assert done.code == 2
    assert "Error: " in done.err
    assert "--help" in done.err or "-h" in done.err
    assert "Traceback" not in done.err


TARGETS = {
    "no module": ("aps:quick", "no module named 'aps'", "apps:quick"),
    "no file": ("aps.py:quick", "there is no file 'aps.py'", "apps.py:quick"),
    "no attribute": ("apps:quik", "apps has no attribute 'quik'", "apps:quick"),
    "no attribute in a file": ("apps.py:quik", "apps.py has no attribute 'quik'", "apps.py:quick"),
    "not a graph": ("apps:not_a_graph", "apps:not_a_graph", ""),
    "class": ("apps:State", "apps:State", ""),
    "factory of nothing": ("apps:clean_nothing", "apps has no attribute", "did you mean apps:"),
    "many graphs": ("apps", "graphs: which one?", "name one: apps:quick"),
    "nonsense": ("a b", "'a b' is not the name of a module", "module:attribute"),
    "no place": (":graph", "names no module or file", "module:attribute"),
}


@pytest.mark.parametrize("case", TARGETS)
def test_wrong_target(project: ProjectHere, case: str) -> None:
    target, said, hint = TARGETS[case]
    done = project.call("run", target)
    assert done.code == 2, done.err
    assert said in done.error
    assert hint in (done.hint if hint else "")
    assert len(done.err.splitlines()) <= 2, done.err
    assert not project.saved


BROKEN = {
    "import": ("import not_installed_here\n", "No module named 'not_installed_here'", "line 1"),
    "raises": ("def f():\n    1 / 0\n\nf()\n", "ZeroDivisionError", "line 2, in f"),
    "syntax": ("x = (1,\n", "'(' was never closed", "line 1"),
    "exits": ("import sys\nsys.exit(3)\n", "ended the program (exit code 3)", "line 2"),
    "interrupts": ("class Odd(BaseException): pass\nraise Odd('x')\n", "Odd: x", "line 2"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("target", ["broken:graph", "broken.py:graph"])
def test_broken_module_shows_their_traceback_and_nothing_of_ours(
    project: ProjectHere, case: str, target: str
) -> None:
    text, said, place = BROKEN[case]
    project.write("broken.py", text)
    done = project.call("run", target)
    assert done.code == 2, done.err
    assert said in done.error
    assert "importing broken" in done.error
    assert 'broken.py", line' in done.err
    assert place in done.err
    assert "/lgprof/" not in done.err
    assert "importlib" not in done.err


def test_broken_factory_shows_their_traceback(project: ProjectHere) -> None:
    project.write("factory.py", "def make():\n    raise OSError('no database')\n")
    done = project.call("run", "factory:make")
    assert done.code == 2
    assert "OSError: no database" in done.error
    assert 'factory.py", line 2, in make' in done.err
    assert "/lgprof/" not in done.err


def test_factory_without_a_graph(project: ProjectHere) -> None:
    project.write("factory.py", "def make():\n    return 42\n")
    done = project.call("run", "factory:make")
    assert done.code == 2
    assert "factory:make returned an object of type int, not a graph" in done.error
    assert "a factory returns" in done.hint


def test_input_that_fails_validation(project: ProjectHere) -> None:
    project.write(
        "strict.py",
        """
from langgraph.graph import START, StateGraph
from pydantic import BaseModel

class State(BaseModel):
    number: int

graph = StateGraph(State).add_node("n", lambda s: {}).add_edge(START, "n").compile()
""",
    )
    done = project.call("run", "strict:graph", "-i", '{"number": "many"}', "-n", "2")
    assert done.code == 2
    assert "number" in done.error
    assert "-i" in done.hint
    assert len(done.err.splitlines()) == 2
    assert not project.saved


@pytest.mark.parametrize("target", ["quick", "quick_async", "chosen"])
@pytest.mark.parametrize("probes", ["--probes", "--no-probes"])
@pytest.mark.parametrize("text", ["hello", '["a", "b"]', "5"])
def test_input_of_another_shape(project: ProjectHere, target: str, probes: str, text: str) -> None:
    done = project.call("run", f"apps:{target}", "-i", text, probes)
    assert done.code == 2
    assert "the input does not fit the graph: Expected dict, got " in done.error
    assert done.error.endswith(text.replace('"', "'"))
    assert "-i '{...}'" in done.hint
    assert len(done.err.splitlines()) == 2
    assert not project.saved


@pytest.mark.parametrize("probes", ["--probes", "--no-probes"])
def test_a_node_that_returns_another_shape_is_the_graphs_failure(
    project: ProjectHere, probes: str
) -> None:
    project.write("shape.py", "from apps import *\ngraph = one_node(lambda state: 'text')\n")
    done = project.call("run", "shape:graph", "-i", "{}", "-n", "2", probes)
    assert done.code == 3
    assert "InvalidUpdateError" in done.out


def test_hints_can_be_pasted_into_a_shell(project: ProjectHere) -> None:
    graphs = {"my graph": "./apps.py:quick", "other": "./apps.py:quick"}
    project.write("langgraph.json", json.dumps({"dependencies": ["."], "graphs": graphs}))
    project.write("my app.py", project.read("apps.py"))
    project.write("my input.json", "{}")
    assert project.call("run").hint == "name one: 'my graph' or other"
    assert "did you mean 'my app.py:quick'?" in project.call("run", "my ap.py:quick").hint
    assert "did you mean 'my app.py:quick'" in project.call("run", "my app.py:quik").hint
    done = project.call("run", "other", "-i", "@my inptu.json")
    assert done.hint == "did you mean '@my input.json'?"
