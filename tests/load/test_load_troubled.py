"""Graphs that fail, hang, block, compute or end their process: the test ends, and says so."""

from __future__ import annotations

import pytest

from lgprof import errors
from lgprof.config import Settings
from lgprof.errors import LgprofError
from lgprof.load import messages as wire
from lgprof.load.worker import refusal_of
from lgprof.target import import_sandbox, load_target
from tests.load.harness import I, LoadProject

pytestmark = pytest.mark.slow


def test_one_in_ten_fails(project: LoadProject) -> None:
    done = project.load("fails_one_in_ten", *I, "--rps", "40", "-d", "1s", "-w", "500ms", "-q")
    assert done.code == 0, done.err
    profile = project.profile()
    assert (profile["load"]["failed"], profile["load"]["completed"]) == (4, 36)
    assert profile["summary"]["error_rate"] == 0.1
    assert profile["errors"] == [
        {"type": "builtins.LookupError", "message": None, "node": "work", "count": 4}
    ]
    assert "the first of 4" in done.out  # those of the warm-up are not among them
    assert [row["errors"] for row in profile["nodes"]] == [4]


def test_a_condition_ends_the_test_early(project: LoadProject) -> None:
    done = project.load("fails_one_in_ten", *I, "--rps", "40", "--abort-on", "failed>=2", "-q")
    assert (done.code, done.err) == (1, "stopping: --abort-on failed>=2 is met\n")
    load = project.profile()["load"]
    assert load["abort_reason"] == "failed>=2"
    assert load["duration_s"] < 10
    assert load["failed"] >= 2


@pytest.mark.parametrize("graph", ["hangs", "hangs_sync"])
def test_one_in_twenty_hangs(project: LoadProject, graph: str) -> None:
    profile = project.loaded(graph, *I, "--rps", "40", "-d", "1s", "--timeout", "500ms")
    load = profile["load"]
    assert (load["timed_out"], load["completed"]) == (2, 38)
    assert 0.5 <= load["latency_s"]["max"] <= 1.5  # the time waited, or p99 would look fine
    assert load["fidelity"]["verdict"] != "invalid"
    assert [row["timeouts"] for row in profile["nodes"]] in ([0], [2])
    for request in profile["requests"]:
        for span in request["spans"]:
            assert span["end_s"] <= request["end_s"] + 0.25  # not as long as the hang


def test_a_node_that_blocks_the_loop_beyond_the_time_limit(project: LoadProject) -> None:
    profile = project.loaded("holds", *I, "--rps", "40", "-d", "1s", "--timeout", "500ms")
    load = profile["load"]
    assert load["offered"] == load["started"] == 40
    assert load["timed_out"] >= 1
    assert load["latency_s"]["p50"] > 0.2  # those who waited meanwhile say so
    assert load["loop_lag_s"]["max"] > 0.8


def test_a_node_that_blocks_the_loop_for_good(project: LoadProject) -> None:
    done = project.load(
        *("holds_for_good", *I, "--rps", "40", "-d", "1s", "--timeout", "300ms", "--strict", "-q")
    )
    assert done.code == 5, done.err
    load = project.profile()["load"]
    assert load["offered"] == 40
    assert load["timed_out"] >= 1
    assert load["unsent"] > 20
    assert load["fidelity"]["verdict"] == "invalid"


def test_a_node_that_blocks_saturates_the_graph_and_is_named(project: LoadProject) -> None:
    profile = project.loaded("blocks", *I, "--rps", "55", "-d", "2s")
    load = profile["load"]
    assert load["completed"] == load["offered"] == 110
    saturation = load["saturation"]
    assert saturation["saturated"]
    assert (saturation["cause"], saturation["node"]) == ("loop_blocked", "blocks_loop")
    assert saturation["max_rps"] < 40
    # At fewer than 40 a second the last of 110 ends after 2.75 s, and was due by 2 s.
    assert load["latency_s"]["max"] > 0.75


def test_twice_what_a_computing_graph_can_do_does_not_make_it_collapse(
    project: LoadProject,
) -> None:
    load = project.loaded("computes", *I, "--rps", "100", "-d", "2s")["load"]
    assert load["completed"] == load["offered"] == 200
    assert load["saturation"]["saturated"]
    assert load["saturation"]["node"] == "work"
    assert load["peak_in_flight"] < 100
    # Of 20 ms CPU each; a busy machine gives less, and then the cause is not seen either.
    if sum(worker["cpu_share"] for worker in load["workers"]) > 0.95:
        assert load["saturation"]["cause"] == "loop_cpu"


def test_a_full_executor_is_named(project: LoadProject) -> None:
    load = project.loaded("fills_executor", *I, "--rps", "90", "-d", "2s")["load"]
    assert load["completed"] == load["offered"] == 180
    saturation = load["saturation"]
    assert (saturation["cause"], saturation["node"]) == ("executor", "waits")


def test_a_worker_that_ends_in_the_middle(project: LoadProject) -> None:
    strict = ("--rps", "40", "-d", "2s", "--workers", "2", "--strict")
    load = project.loaded("dies", *I, *strict, code=5)["load"]
    assert load["fidelity"]["verdict"] == "invalid"
    assert load["fidelity"]["reasons"][0].startswith("a worker was lost (")
    assert load["offered"] == 80
    assert load["unsent"] > 0
    assert load["completed"] >= 40  # the other one goes on, and takes over
    assert [worker["lost"] for worker in load["workers"]].count(True) == 1


def test_a_loss_can_be_tolerated(project: LoadProject) -> None:
    options = ("--rps", "40", "-d", "1s", "--workers", "2", "--tolerate-worker-loss")
    load = project.loaded("dies", *I, *options)["load"]
    assert load["offered"] == 40
    # What makes a test invalid is told first; a busy machine may add to that.
    loss, *_ = (index for index, why in enumerate(load["fidelity"]["reasons"]) if "lost" in why)
    assert loss > 0 or load["fidelity"]["verdict"] == "degraded"


def test_the_only_worker_ends_in_the_middle(project: LoadProject) -> None:
    load = project.loaded("dies", *I, "--rps", "40", "-d", "1s", code=3)["load"]
    assert (load["offered"], load["unsent"] + load["cancelled"]) == (40, 40)
    assert load["fidelity"]["verdict"] == "invalid"


def test_a_worker_that_ends_in_its_first_request(project: LoadProject) -> None:
    done = project.load("dies_at_once")
    assert done.code == 3
    assert done.error == ("error: the graph ended its process before the load began (exit code 9)")
    assert "last words of the graph" in done.err
    assert not project.saved


def test_a_worker_that_ends_at_import(project: LoadProject) -> None:
    project.write("apps.py", "import os\nos._exit(11)\n")
    done = project.load("quick")
    assert done.code == 3
    assert done.error.endswith("before the load began (exit code 11)")


def test_each_error_of_a_target_arrives_whole(
    project: LoadProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    project.write("broken.py", "def deep():\n    raise KeyError('of the user')\n\ndeep()\n")
    for target in ("nowhere:app", "apps:nothing", "apps:not_a_graph", "broken:app", None):
        with import_sandbox(), pytest.raises(LgprofError) as caught:
            load_target(target, Settings(), project.folder)
        error = caught.value
        refusal = wire.decode(wire.encode(refusal_of(error)), wire.Refusal)
        assert getattr(errors, refusal.kind) is type(error)
        told = (refusal.message, refusal.hint, refusal.user_traceback)
        assert told == (error.message, error.hint, error.user_traceback)


def test_a_factory_is_left_in_order(project: LoadProject) -> None:
    text = (
        "from contextlib import asynccontextmanager\nimport apps\n\n"
        "@asynccontextmanager\nasync def made():\n"
        "    yield apps.quick\n    apps.note('closed', 'yes')\n"
    )
    project.write("factory.py", text)
    done = project.call("load", "factory:made", "--rps", "20", "-n", "5", "-w", "0", "-q")
    assert done.code == 0, done.err
    assert project.read("closed") == "yes\n"


def test_a_file_of_the_project_takes_no_module_from_a_worker(project: LoadProject) -> None:
    project.write("cmd.py", "raise RuntimeError('not the standard library')\n")
    done = project.call("load", "apps:quick", "--rps", "20", "-n", "2", "-w", "0", "-q")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("target", "arguments", "code"),
    [
        ("apps:quick", ("-i", "[1]"), 2),
        ("broken:app", (), 2),
    ],
)
def test_errors_of_the_target_are_those_of_run(
    project: LoadProject, target: str, arguments: tuple[str, ...], code: int
) -> None:
    project.write("broken.py", "def deep():\n    raise KeyError('of the user')\n\ndeep()\n")
    load = project.call("load", target, *arguments)
    run = project.call("run", target, *arguments)
    assert (load.code, run.code) == (code, code)
    assert load.error == run.error
    assert load.err.replace("lgprof load", "lgprof run") == run.err


def test_a_read_only_folder(project: LoadProject) -> None:
    (project.folder / ".lgprof").write_text("not a folder")
    done = project.load("quick", "--rps", "20", "-n", "5", "--json", "-", "-q")
    assert done.code == 0
    assert "warning: " in done.err
    assert '"completed":5' in done.out.replace(" ", "")
