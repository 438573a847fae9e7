"""``lgprof advise`` on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.harness import ProjectHere, check_profile, checked_profile

GRAPH = """
import asyncio
from typing import TypedDict
from langgraph.graph import END, START, StateGraph

class State(TypedDict, total=False):
    topic: str
    news: str
    blogs: str
    text: str

async def news(state):
    await asyncio.sleep(0.02)
    return {"news": state["topic"]}

async def blogs(state):
    await asyncio.sleep(0.02)
    return {"blogs": state["topic"]}

async def write(state):
    return {"text": state["news"] + state["blogs"]}

graph = StateGraph(State).add_sequence([news, blogs, write])
app = graph.add_edge(START, "news").add_edge("write", END).compile()
"""


@pytest.fixture
def readers(project: ProjectHere) -> ProjectHere:
    """Two readers in a row, and 20 inputs."""
    project.write("readers.py", GRAPH)
    lines = [json.dumps({"topic": f"topic {number}"}) for number in range(20)]
    project.write("inputs.jsonl", "\n".join(lines))
    return project


def test_measures_a_target_and_says_what_to_change(readers: ProjectHere):
    done = readers.call("advise", "readers.py:app", "-i", "@inputs.jsonl", "--why-not")
    assert done.code == 0, done.err
    assert "Run news and blogs side by side" in done.out
    assert 'graph.add_edge(["news", "blogs"], "write")' in done.out
    assert "write reads blogs, which blogs writes" in done.out
    profile = readers.profile()
    assert [one["status"] for one in profile["advice"]] == ["predicted", "unsafe"]
    assert profile["advice"][0]["nodes"] == ["news", "blogs"]
    assert profile["summary"]["requests"] == 20


def test_reads_a_saved_profile_and_leaves_it_alone(readers: ProjectHere):
    assert readers.call("run", "readers.py:app", "-i", "@inputs.jsonl", "-n", "20").code == 0
    saved = readers.saved[-1]
    before = saved.read_bytes()
    done = readers.call("advise", str(saved), "--json", "-", "-o", "with_advice.json")
    assert done.code == 0, done.err
    profile = json.loads(done.out)
    check_profile(profile)
    assert profile == checked_profile(readers.folder / "with_advice.json")
    assert [one["kind"] for one in profile["advice"]] == ["parallel"]
    assert saved.read_bytes() == before
    assert readers.saved == [saved]


def test_run_names_the_best_and_the_command_for_the_rest(readers: ProjectHere):
    done = readers.call("run", "readers.py:app", "-i", "@inputs.jsonl", "-n", "20")
    assert "Run news and blogs side by side" in done.out
    assert f"lgprof advise {Path('.lgprof') / readers.saved[-1].name}" in done.out
    assert [one["kind"] for one in readers.profile()["advice"]] == ["parallel"]


def test_says_why_there_is_nothing_to_gain(project: ProjectHere):
    done = project.call("advise", "apps.py:quick_async", "-n", "2")
    assert done.code == 0, done.err
    assert "nothing to gain that is worth a change" in done.out
    assert "Most of the latency is one thing after another: " in done.out


def test_inputs_do_not_go_with_a_profile(readers: ProjectHere):
    readers.call("run", "readers.py:app", "-i", "@inputs.jsonl", "-n", "2")
    done = readers.call("advise", str(readers.saved[-1]), "-i", "{}")
    assert done.code == 2
    assert "were made already" in done.error
    assert "leave -i out" in done.hint


def test_a_file_that_is_no_profile(project: ProjectHere):
    project.write("other.json", '{"a": 1}')
    done = project.call("advise", "other.json")
    assert done.code == 2
    assert "is not an lgprof Profile" in done.error


def test_proves_on_a_copy_and_shows_both_side_by_side(readers: ProjectHere):
    done = readers.call(
        "advise", "readers.py:app", "-i", "@inputs.jsonl", "--no-sample",
        "--prove", "--prove-requests", "3", "--what-if", "unblock(news)",
    )  # fmt: skip
    assert done.code == 0, done.err
    asked, found = readers.profile()["advice"]
    assert (asked["kind"], asked["title"]) == ("what_if", "unblock(news)")
    assert found["measured"]["inputs"] == 3
    assert found["measured"]["outputs_equal"] is True
    assert found["status"] == "unproven"
    assert any("3 distinct inputs are fewer than 20" in one for one in found["reasons"])
    assert "predicted" in done.out
    assert "outputs equal on 3 inputs" in done.out


def test_proves_a_saved_profile_with_its_inputs(readers: ProjectHere):
    readers.call("run", "readers.py:app", "-i", "@inputs.jsonl", "-n", "4", "--no-sample")
    saved = str(readers.saved[-1])
    done = readers.call("advise", saved, "--prove")
    assert done.code == 2
    assert "needs the inputs" in done.error
    done = readers.call("advise", saved, "--prove", "-i", "@inputs.jsonl", "--json", "-")
    assert done.code == 0, done.err
    assert json.loads(done.out)["advice"][0]["measured"]["inputs"] == 4


@pytest.mark.slow
def test_ctrl_c_in_a_proof_keeps_what_was_proven(readers: ProjectHere):
    """The first change takes 8 requests after 5 measured ones, the second 12: it is cut short."""
    counting = "    sys.calls = getattr(sys, 'calls', 0) + 1\n    if sys.calls == 20:\n"
    pressing = f"{counting}        signal.raise_signal(signal.SIGINT)\n"
    write = "async def write(state):\n"
    readers.write("pressed.py", "import signal, sys\n" + GRAPH.replace(write, write + pressing))
    done = readers.run(
        "advise", "pressed.py:app", "-i", "@inputs.jsonl", "-n", "4", "--no-sample",
        "--prove", "--prove-requests", "2", "--what-if", "retry(news, attempts=2)",
    )  # fmt: skip
    assert done.code == 130, done.err
    asked, *found = readers.profile()["advice"]
    assert asked["measured"]["inputs"] == 2
    assert [one["measured"] for one in found] == [None] * len(found)
    assert re.search(r"stopped: \d+ changes? not tried", done.out)
    assert "Traceback" not in done.err


CONNECTS = """
    import socket

    with socket.socket() as sock:
        sock.settimeout(0.01)
        try:
            sock.connect(("203.0.113.1", 80))
        except OSError:
            pass
"""


def test_a_proof_that_calls_others_again_needs_a_yes_and_costs_nothing_without(
    readers: ProjectHere,
):
    news = "async def news(state):\n"
    readers.write("calling.py", GRAPH.replace(news, news + CONNECTS))
    options = ("-i", "@inputs.jsonl", "-n", "2", "--no-sample", "--prove")
    done = readers.call("advise", "calling.py:app", *options)
    assert done.code == 2
    assert "connects to 1 other machine (203.0.113.1)" in done.err
    assert "add --yes" in done.err
    assert "Run news and blogs side by side" in done.out
    assert re.search(r"stopped: \d+ changes? not tried", done.out)
    assert all(found["measured"] is None for found in readers.profile()["advice"])
    done = readers.call("advise", "calling.py:app", *options, "--yes")
    assert done.code == 0, done.err
    assert "outputs equal on 2 inputs" in done.out


def test_a_profile_that_is_not_there_is_no_module(readers: ProjectHere):
    done = readers.call("advise", "runs/none.json")
    assert done.code == 2
    assert "no such file: runs/none.json" in done.error


def test_a_what_if_that_cannot_be_read_is_refused_before_anything_runs(readers: ProjectHere):
    done = readers.call("advise", "readers.py:app", "-n", "2", "--what-if", "faster(news)")
    assert done.code == 2
    assert "there is no change 'faster'" in done.error
    assert done.out == ""
    assert not readers.saved


def test_a_what_if_that_names_no_node_costs_no_measurement(readers: ProjectHere):
    done = readers.call(
        "advise", "readers.py:app", "-n", "2", "--no-sample", "--what-if", "node.x*2"
    )
    assert done.code == 2
    assert "there is no node 'x'" in done.error
    assert "Run news and blogs side by side" in done.out
    assert len(readers.saved) == 1
