"""Graphs that do not come back, and Ctrl-C: lgprof ends soon, with what it has."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from tests.cli.harness import Done, ProjectHere, finish, wait_for_lines
from tests.cli.test_run_conversations import threads

pytestmark = pytest.mark.slow

SOON_S = 25.0
"""Far less than the hour that the graphs would take."""
NUMBERED = ("-i", '{"i": "{{i}}"}', "-n", "8")


def interrupt(project: ProjectHere, lines: int, *arguments: str) -> Done:
    """Ctrl-C once the graph has started so many requests."""
    process = project.start("run", *arguments)
    wait_for_lines(project.folder / "started", lines, process)
    time.sleep(0.1)  # so that it is inside its sleep; nothing depends on it
    pressed_s = time.monotonic()
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert time.monotonic() - pressed_s < SOON_S
    assert "Traceback" not in done.err, done.err
    assert "defect" not in done.err
    return done


def outcomes(profile: dict[str, Any]) -> list[str]:
    return [request["outcome"] for request in profile["requests"]]


HANGING = [
    ("hangs_async", "auto"),
    ("hangs_holding", "auto"),
    ("hangs_sync", "auto"),
    ("hangs_sync", "async"),  # in a thread of the loop's executor
    ("hangs_in_thread", "auto"),
]
BESIDE = [("hangs_beside_thread", "auto"), ("hangs_beside_pool", "auto")]
ENDS = ("hangs_async", "hangs_beside_pool")


@pytest.mark.parametrize(("target", "mode"), [*HANGING, *BESIDE])
def test_timeout_of_every_request(project: ProjectHere, target: str, mode: str) -> None:
    start_s = time.monotonic()
    options = ("-n", "2", "-w", "0", "--timeout", "300ms", "--mode", mode)
    done = project.run("run", f"apps:{target}", *options)
    assert time.monotonic() - start_s < SOON_S
    assert done.code == 3, done.err
    profile = project.profile()
    assert set(outcomes(profile)) == {"timed_out"}
    assert profile["summary"]["latency_s"]["mean"] >= 0.3
    assert profile["summary"]["error_rate"] == 1.0
    codes = {warning["code"] for warning in profile["warnings"]}
    assert "timed_out" in codes
    assert ("left_behind" in codes) == (target not in ENDS)
    assert "--timeout" in done.out
    assert ".lgprof/" in done.out
    assert "Traceback" not in done.err


@pytest.mark.parametrize(("target", "mode"), HANGING)
def test_what_still_runs_is_said_without_probes(
    project: ProjectHere, target: str, mode: str
) -> None:
    options = ("-n", "1", "-w", "0", "--timeout", "300ms", "--mode", mode, "--no-probes")
    assert project.run("run", f"apps:{target}", *options).code == 3
    codes = [warning["code"] for warning in project.profile()["warnings"]]
    assert codes.count("left_behind") == (target not in ENDS)


@pytest.mark.parametrize("target", ["third_hangs", "third_hangs_async"])
def test_timeout_of_one_request(project: ProjectHere, target: str) -> None:
    done = project.run("run", f"apps:{target}", *NUMBERED, "--timeout", "1s")
    assert done.code == 0, done.err
    profile = project.profile()
    expected = ["ok"] * 8
    expected[3] = "timed_out"
    assert outcomes(profile) == expected
    assert profile["summary"]["latency_s"]["max"] >= 1.0


@pytest.mark.parametrize(("target", "mode"), HANGING)
def test_ctrl_c_while_warming_up(project: ProjectHere, target: str, mode: str) -> None:
    done = interrupt(project, 1, f"apps:{target}", "-n", "3", "--mode", mode)
    assert done.code == 130
    assert done.err == "interrupted: nothing was measured\n"
    assert not project.saved


@pytest.mark.parametrize("target", ["third_hangs", "third_hangs_async", "third_holds"])
def test_ctrl_c_while_measuring(project: ProjectHere, target: str) -> None:
    done = interrupt(project, 5, f"apps:{target}", *NUMBERED, "-w", "1")
    assert done.code == 130
    profile = project.profile()
    assert profile["interrupted"] is True
    assert outcomes(profile) == ["ok", "ok", "ok", "cancelled"]
    summary = profile["summary"]
    assert (summary["succeeded"], summary["cancelled"]) == (3, 1)
    assert "Latency" in done.out
    assert "3 successful requests" in done.out
    assert "interrupted" in (done.out + done.err).lower()
    assert ".lgprof/" in done.out


def test_ctrl_c_with_several_at_once_and_json(project: ProjectHere) -> None:
    options = ("--concurrency", "2", "--json", "-", "-w", "0")
    done = interrupt(project, 8, "apps:third_hangs_async", *NUMBERED, *options)
    assert done.code == 130
    assert done.out == project.saved[-1].read_text() + "\n"
    assert sorted(outcomes(project.profile())) == ["cancelled"] + ["ok"] * 7


@pytest.mark.parametrize("doing", ["import", "factory", "async factory"])
def test_ctrl_c_while_loading(project: ProjectHere, doing: str) -> None:
    sleep = "apps.note('started', 1); time.sleep(3600)"
    body = {
        "import": sleep,
        "factory": f"def graph(): {sleep}",
        "async factory": "async def graph(): apps.note('started', 1); await asyncio.sleep(3600)",
    }[doing]
    project.write("slow.py", f"import apps, asyncio, time\n{body}\n")
    done = interrupt(project, 1, "slow:graph")
    assert done.code == 130
    assert done.err == "interrupted: nothing was measured\n"


@pytest.mark.parametrize(
    ("target", "stop"),
    [("third_hangs_async", "Ctrl-C"), ("third_hangs_async", "--timeout")],
)
def test_no_thread_of_a_stopped_request_is_left(
    project: ProjectHere, target: str, stop: str
) -> None:
    command = (f"apps:{target}", *NUMBERED, "-w", "0", "--checkpointer", "sqlite:db.sqlite")
    if stop == "Ctrl-C":
        assert interrupt(project, 4, *command).code == 130
    else:
        assert project.run("run", *command, "--timeout", "1s").code == 0
    assert threads(project.folder / "db.sqlite") == set()
