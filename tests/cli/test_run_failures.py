"""Graphs that fail: in one request of ten, in all of them, or by what they keep in their state."""

from __future__ import annotations

import re
import signal

import pytest

from tests.cli.harness import ProjectHere

ONE_BY_ONE = ("-i", '{"i": "{{i}}"}', "-n", "10", "-w", "0")


@pytest.mark.parametrize("probes", ["--probes", "--no-probes"])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_one_request_in_ten_raises(project: ProjectHere, mode: str, probes: str) -> None:
    done = project.call("run", "apps:fails_once", *ONE_BY_ONE, "--mode", mode, probes)
    assert done.code == 0, done.err
    profile = project.profile()
    summary = profile["summary"]
    assert (summary["requests"], summary["succeeded"], summary["failed"]) == (10, 9, 1)
    assert summary["error_rate"] == pytest.approx(0.1)
    assert profile["errors"] == [
        {"type": "builtins.ValueError", "message": None, "node": "work", "count": 1}
    ]
    assert "the third of ten: 3" in done.out
    assert 'apps.py",line' in "".join(done.out.split())  # a long path is broken into lines
    assert "in deep_down" in done.out
    assert "/lgprof/" not in done.out
    assert "/langgraph/" not in done.out
    assert "the third of ten" not in project.saved[-1].read_text()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_node_that_wants_a_plain_dict_gets_it(project: ProjectHere, mode: str) -> None:
    project.write(
        "picky.py",
        "from apps import *\ngraph = one_node(lambda s: {'text': {dict: 'plain'}[type(s)]})\n",
    )
    done = project.call("run", "picky:graph", "-i", "{}", "-n", "3", "--mode", mode)
    assert done.code == 0, done.err
    profile = project.profile()
    assert (profile["summary"]["succeeded"], profile["summary"]["requests"]) == (3, 3)
    assert profile["nodes"][0]["reads"] is None
    assert profile["nodes"][0]["writes"] == ["text"]
    [warning] = profile["warnings"]
    assert warning["code"] == "not_tracked"
    assert "work failed" in warning["message"]
    assert "--no-probes" in done.out


def test_every_request_raises(project: ProjectHere) -> None:
    done = project.call("run", "apps:fails", "-n", "3", "-v")
    assert done.code == 3
    profile = project.profile()
    assert profile["summary"]["failed"] == 3
    assert profile["summary"]["latency_s"] is None
    assert profile["summary"]["failed_latency_s"]["mean"] > 0
    assert [(row["type"], row["count"]) for row in profile["errors"]] == [
        ("builtins.LookupError", 3)
    ]
    assert "nothing there" in done.out
    assert ".lgprof/" in done.out
    assert "defect" not in done.err


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_node_that_ends_the_program(project: ProjectHere, mode: str) -> None:
    options = ("-n", "2", "--mode", mode, "--timeout", "5s")
    done = project.run("run", "apps:exits", *options)
    assert done.code == 3, done.err
    assert project.profile()["summary"]["failed"] == 2
    assert project.profile()["errors"][0]["type"] == "builtins.SystemExit"


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_node_that_ends_the_process(project: ProjectHere, mode: str) -> None:
    done = project.run("run", "apps:exits_at_once", "-n", "2", "--mode", mode, "--timeout", "5s")
    assert done.code == 3, done.err
    assert project.profile()["summary"]["failed"] == 2
    assert project.profile()["errors"][0]["type"] == "os._exit"
    assert "os._exit: ends the process with exit code 7" in done.out
    assert "in leave_at_once" in done.out
    assert "process_exit.py" not in done.out


def test_a_crash_in_c_code_names_the_line(project: ProjectHere) -> None:
    done = project.run("run", "apps:crashes", "-n", "1", "--mode", "sync")
    assert done.code == -signal.SIGSEGV
    assert "Segmentation fault" in done.err
    assert re.search(r'apps\.py", line \d+ in crash', done.err)


def test_errors_kept_in_the_state(project: ProjectHere) -> None:
    done = project.call("run", "apps:keeps_error", *ONE_BY_ONE, "--failed-when", 'text == "error"')
    assert done.code == 0, done.err
    profile = project.profile()
    assert (profile["summary"]["succeeded"], profile["summary"]["failed"]) == (5, 5)
    [node] = profile["nodes"]
    assert (node["path"], node["calls"], node["errors"]) == ("work", 10, 5)
    assert project.call("run", "apps:keeps_error", *ONE_BY_ONE, "-q").code == 0
    assert project.profile()["summary"]["failed"] == 0


def test_sync_mode_of_an_async_graph_is_explained(project: ProjectHere) -> None:
    done = project.call("run", "apps:quick_async", "--mode", "sync", "-n", "2")
    assert done.code in (2, 3)
    assert "defect" not in done.err
    assert "synchronous" in done.out + done.err
    assert "/lgprof/" not in done.out + done.err
    assert "--mode" in done.out + done.err
