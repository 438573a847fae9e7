"""Small user projects, and a process that is as before after each test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lgprof.target import import_sandbox

Write = Callable[..., Path]

GRAPH = """
from typing_extensions import TypedDict
from langgraph.graph import StateGraph, START

class State(TypedDict, total=False):
    a: int

def node(state):
    return {"a": state.get("a", 0) + 1}

def make():
    return StateGraph(State).add_node("n", node).add_edge(START, "n")

builder = make()
graph = builder.compile()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    path, environment = list(sys.path), dict(os.environ)
    with import_sandbox(folder):
        yield folder
    assert sys.path == path
    assert dict(os.environ) == environment
    left = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
    assert not [file for file in left if str(tmp_path) in file]


@pytest.fixture
def write(project: Path) -> Write:
    """Write a file of the project; ``graph=True`` puts a graph before the text."""

    def write_file(name: str, text: str = "", *, graph: bool = False) -> Path:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((GRAPH if graph else "") + text)
        return path

    return write_file
