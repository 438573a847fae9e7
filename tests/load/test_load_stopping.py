"""Ctrl-C, lost workers and lost masters: what was measured is kept, and no process stays."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.cli.harness import clean_environment
from tests.load.harness import Done, I, LoadProject, finish, wait_for_lines

pytestmark = pytest.mark.slow


def test_ctrl_c_stops_the_arrivals_drains_and_reports(project: LoadProject) -> None:
    process = project.start_load("sleeps_a_second", *I, "--rps", "20", "-q")
    wait_for_lines(project.folder / "started", 12, process)
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130, done.err
    profile = project.profile()
    load = profile["load"]
    assert profile["interrupted"]
    assert load["duration_s"] < 15
    assert load["completed"] == load["started"] > 0
    assert load["cancelled"] == 0


def test_a_second_ctrl_c_cancels_what_runs(project: LoadProject) -> None:
    process = project.start_load("sleeps_long", *I, "--rps", "20", "-q")
    wait_for_lines(project.folder / "started", 12, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130, done.err
    load = project.profile()["load"]
    assert load["cancelled"] == load["started"] > 0


def test_ctrl_c_during_the_start(project: LoadProject) -> None:
    project.write("slow_import.py", "import time, apps\napps.note('began', 1)\ntime.sleep(60)\n")
    process = project.start("load", "slow_import:app")
    wait_for_lines(project.folder / "began", 1, process)
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert (done.code, project.saved) == (130, [])
    assert done.err.splitlines()[-1] == "interrupted: nothing was measured"


def test_workers_end_soon_after_their_master_was_killed(project: LoadProject) -> None:
    project.write("slow_import.py", "import time, apps\napps.note('began', 1)\ntime.sleep(60)\n")
    process = project.start("load", "slow_import:app", "--workers", "2")
    wait_for_lines(project.folder / "began", 2, process)
    workers = project.workers(2)
    process.kill()
    finish(process)
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert not alive


def test_two_tests_at_once_in_one_folder(project: LoadProject) -> None:
    processes = [project.start_load("quick", "--rps", "20", "-n", "10", "-q") for _ in range(2)]
    assert [finish(process).code for process in processes] == [0, 0]
    assert len(project.saved) == 2


# --- several machines, which here are addresses of one -------------------------------------------


@pytest.fixture
def address() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", 0))
        port = probe.getsockname()[1]
    return f"127.0.0.2:{port}"


def start_master(project: LoadProject, address: str, *arguments: str) -> subprocess.Popen[str]:
    return project.start_load(
        *("seeing", *I, "--master", "--bind", address, "--rps", "40", "-q"), *arguments
    )


def start_worker(
    project: LoadProject, address: str, target: str = "apps:seeing"
) -> subprocess.Popen[str]:
    return project.start("load", "--worker", "--master-host", address, target)


def ended(*processes: subprocess.Popen[str]) -> list[Done]:
    return [finish(process) for process in processes]


def test_of_three_workers_one_is_killed_and_one_stands_still(
    project: LoadProject, address: str
) -> None:
    master = start_master(project, address, "-d", "7s", "--expect-workers", "3")
    workers = [start_worker(project, address) for _ in range(3)]
    wait_for_lines(project.folder / "seen", 24, master)
    workers[0].kill()
    workers[1].send_signal(signal.SIGSTOP)
    done = finish(master)
    workers[1].send_signal(signal.SIGCONT)
    workers[1].terminate()  # it would look for its master for a minute
    _, _, other = ended(*workers)
    assert done.code == 0, done.err
    assert other.code == 0, other.err
    load = project.profile()["load"]
    assert load["fidelity"]["verdict"] == "invalid"
    assert sorted(worker["lost"] for worker in load["workers"]) == [False, True, True]
    assert load["offered"] == 280
    assert load["unsent"] > 0
    assert load["completed"] > 93  # more than its share: the third took over


def test_workers_that_load_something_else_are_refused(project: LoadProject, address: str) -> None:
    master = start_master(project, address, "--expect-workers", "2")
    workers = [start_worker(project, address, f"apps:{name}") for name in ("quick", "seeing")]
    done, *others = ended(master, *workers)
    assert done.code == 2
    assert "load different targets or different code" in done.error
    assert "bring both to the same commit" in done.hint
    for other in others:
        assert other.code == 2
        assert "load different targets or different code" in other.err.splitlines()[-1]


def test_a_worker_too_many_is_sent_away(project: LoadProject, address: str) -> None:
    master = start_master(project, address, "--expect-workers", "1", "-n", "1000")
    first = start_worker(project, address)
    wait_for_lines(project.folder / "seen", 8, master)
    other = finish(start_worker(project, address))
    assert (other.code, other.err.splitlines()[-1]) == (
        2,
        "lgprof worker: the test has its 1 worker already",
    )
    master.send_signal(signal.SIGINT)
    done, one = ended(master, first)
    assert (done.code, one.code) == (130, 0)
    assert done.err.splitlines()[-2:] == [
        f"waiting for 1 worker: lgprof load --worker --master-host {address} TARGET",
        "stopping: what runs may end; Ctrl-C again cancels it",
    ]
    made = project.profile()["load"]["started"]
    assert one.err.splitlines() == [
        f"lgprof worker: looking for the master at {address}",
        "lgprof worker: the master was found; it begins when all workers are there",
        "lgprof worker: the load begins",
        f"lgprof worker: the test is over: this worker made {made} requests",
    ]


def test_a_worker_of_an_address_that_is_none(project: LoadProject) -> None:
    no_name = "x" * 64  # longer than a name can be: nobody is asked
    done = finish(start_worker(project, f"{no_name}:5557"))
    assert (done.code, done.error) == (2, f"error: --master-host: there is no host {no_name}")
    assert done.hint == "give the address that --bind names"


def test_a_worker_of_another_version_is_refused(project: LoadProject, address: str) -> None:
    code = "import lgprof; lgprof.__version__ = '0.0.1'; from lgprof.cli import main; main()"
    master = start_master(project, address, "--expect-workers", "2")
    worker = subprocess.Popen(
        [sys.executable, "-c", code, "load", "--worker", "--master-host", address, "apps:seeing"],
        cwd=project.folder,
        env=clean_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    done, _ = ended(master, worker)
    assert done.code == 2
    assert "runs lgprof 0.0.1, the master" in done.error
    assert done.hint == "install the same version on both"
