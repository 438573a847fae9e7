"""``lgprof run --sample``: a second pass for Python frames."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.harness import ProjectHere

APP = """
import socket
import time
from typing import TypedDict
from langgraph.graph import END, START, StateGraph

class State(TypedDict, total=False):
    value: int

def burn():
    end_s = time.thread_time() + 0.02
    while time.thread_time() < end_s:
        pass

def work(state):
    burn()
    with open("calls.txt", "a") as file:
        print("called", file=file)
    return {"value": 1}

def talk(state):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("192.0.2.1", 9))  # of UDP: nothing is sent
    return work(state)

def app_of(function):
    graph = StateGraph(State)
    graph.add_node("work", function)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    return graph.compile()

app, live = app_of(work), app_of(talk)
"""
SAMPLED = {"LGPROF_SAMPLE": "true"}
RUN = ("run", "sampled.py:app", "-n", "2", "-w", "0")


@pytest.fixture
def sampled(project: ProjectHere) -> ProjectHere:
    project.write("sampled.py", APP)
    return project


def frames(profile: dict[str, Any]) -> list[str]:
    return [function for function, *_ in profile["sampling"]["frames"]]


def test_frames_are_saved_and_shown(sampled: ProjectHere) -> None:
    done = sampled.call(*RUN, "--show", "flame", env=SAMPLED)
    assert done.code == 0, done.err
    profile = sampled.profile()
    assert {"work", "burn"} <= set(frames(profile))
    assert str(sampled.folder) not in sampled.saved[-1].read_text()
    assert profile["sampling"]["slowdown"] > 0
    assert profile["sampling"]["requests"] in (1, 2)
    assert "burn sampled.py:" in done.out
    assert "Python frames: " in done.out


def test_it_is_on_by_default_and_can_be_left_out(sampled: ProjectHere) -> None:
    assert sampled.call(*RUN, "-q", env={"LGPROF_SAMPLE": ""}).code == 0
    assert sampled.profile()["sampling"] is not None
    assert sampled.call(*RUN, "-q", "--no-sample", env=SAMPLED).code == 0
    assert sampled.profile()["sampling"] is None
    sampled.write("lgprof.toml", "[run]\nsample = false\n")
    assert sampled.call(*RUN, "-q", env={"LGPROF_SAMPLE": ""}).code == 0
    assert sampled.profile()["sampling"] is None


def test_a_graph_that_talks_to_other_machines_is_not_run_again_unasked(
    sampled: ProjectHere,
) -> None:
    arguments = ("run", "sampled.py:live", "-n", "2", "-w", "0", "-q")
    assert sampled.call(*arguments, env={"LGPROF_SAMPLE": ""}).code == 0
    profile = sampled.profile()
    assert profile["sampling"] is None
    assert "not_sampled" in [warning["code"] for warning in profile["warnings"]]
    assert len(sampled.read("calls.txt").splitlines()) == 2
    assert sampled.call(*arguments, "--sample").code == 0
    assert sampled.profile()["sampling"] is not None


def test_figures_are_of_the_measured_requests_alone(sampled: ProjectHere) -> None:
    assert sampled.call(*RUN, "-q", "--sample").code == 0
    profile = sampled.profile()
    assert profile["summary"]["requests"] == 2
    assert profile["nodes"][0]["calls"] == 2
    assert len(sampled.read("calls.txt").splitlines()) > 2


def test_the_flame_graph_has_two_views_and_four_widths(sampled: ProjectHere) -> None:
    assert sampled.call(*RUN, "-q", "--sample").code == 0
    file = str(sampled.saved[-1])

    def title(*options: str) -> str:
        done = sampled.call("report", file, "--show", "flame", *options)
        assert done.code == 0, done.err
        return done.out.splitlines()[0]

    assert "node-seconds" in title()
    assert "on the critical path alone" in title("--view", "elapsed")
    assert "CPU time of nodes" in title("--by", "cpu")
    done = sampled.call("report", file, "--show", "flame", "--by", "cost")
    assert "the cost of no model call is known" in done.out


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--by", "bytes"], "--by 'bytes' is not known"),
        (["--view", "wall"], "--view 'wall' is not known"),
        (["--view", "elapsed", "--by", "cpu"], "--view elapsed is of time, not of cpu"),
    ],
)
def test_there_is_no_such_flame_graph(sampled: ProjectHere, options: list[str], error: str) -> None:
    done = sampled.call(*RUN, *options)
    assert done.code == 2
    assert error in done.error
    assert done.hint
    assert not sampled.saved


def test_memory_by_node_is_a_pass_of_its_own(sampled: ProjectHere) -> None:
    pytest.importorskip("memray")
    sampled.write("sampled.py", APP.replace("    burn()", "    kept.append(bytearray(9_000_000))"))
    with (sampled.folder / "sampled.py").open("a") as file:
        file.write("kept = []\n")
    done = sampled.call(*RUN, "--memory", "--show", "memory")
    assert done.code == 0, done.err
    memory = sampled.profile()["memory"]
    assert memory["nodes"][0]["path"] == "work"
    assert memory["nodes"][0]["retained_bytes"] > 8_000_000
    assert "work sampled.py:16" in done.out
    assert "requests tracked" in done.out


def test_memory_without_memray(sampled: ProjectHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = sampled.call(*RUN, "--memory")
    assert done.code == 2
    assert done.error == "error: --memory needs memray, which runs on Linux and macOS"
    assert done.hint == "pip install 'lgprof[memory]'"
