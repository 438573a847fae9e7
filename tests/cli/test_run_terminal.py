"""Terminals and pipes of all kinds."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.cli.harness import PATIENCE_S, ProjectHere, clean_environment, finish

RUN = ("run", "apps:quick", "-n", "3")
COLOUR = re.compile(r"\x1b\[[0-9;]*(3[0-9]|4[0-9]|9[0-7])[0-9;]*m")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(project: ProjectHere, columns: int, **env: str) -> str:
    """What a terminal of some width receives."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {"TERM": "xterm-256color", **env}
    process = project.start(*RUN, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    received = b""
    try:
        while chunk := os.read(ours, 65536):
            received += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(PATIENCE_S) == 0, received.decode()
    return received.decode()


def test_narrow_terminal_in_colour(project: ProjectHere) -> None:
    text = on_terminal(project, 60)
    assert COLOUR.search(text)
    lines = [ESCAPE.sub("", line).rstrip("\r") for line in text.split("\n")]
    assert max(len(line.rpartition("\r")[2]) for line in lines) == 60
    assert any(line.startswith("Latency") for line in lines)


def test_no_color(project: ProjectHere) -> None:
    text = on_terminal(project, 80, NO_COLOR="1")
    assert not COLOUR.search(text)
    assert "Latency" in text


@pytest.mark.parametrize("columns", [60, 200])
def test_width_of_a_pipe(project: ProjectHere, columns: int) -> None:
    out = project.call(*RUN, env={"COLUMNS": str(columns)}).out
    assert max(map(len, out.splitlines())) == columns
    assert "\x1b" not in out


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_ascii(project: ProjectHere, env: dict[str, str]) -> None:
    project.write("apps.py", project.read("apps.py").replace("the third of ten", "größer ≥ 3"))
    done = project.run(
        "run", "apps:fails_once", "-n", "4", "-w", "0", "-i", '{"i": "{{i}}"}', env=env
    )
    assert done.code == 0, done.err
    assert done.out.isascii()
    assert "Latency" in done.out
    assert "Traceback" in done.out  # theirs


def test_ascii_error_message(project: ProjectHere) -> None:
    done = project.run("run", "größe:graph", env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 2
    assert "no module named" in done.err


def closed_pipe() -> int:
    """The writing end of a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(
    ("target", "options", "code"),
    [
        ("quick", [], 0),
        ("quick", ["--json", "-"], 0),
        ("fails", [], 3),
        ("noisy", [], None),
        ("missing", ["--help"], 0),
    ],
)
def test_reader_of_standard_output_has_gone(
    project: ProjectHere, target: str, options: list[str], code: int | None
) -> None:
    writer = closed_pipe()
    process = project.start("run", f"apps:{target}", "-n", "2", *options, stdout=writer)
    os.close(writer)
    done = finish(process)
    assert "lgprof" not in done.err or options, done.err
    assert "BrokenPipe" not in done.err or target == "noisy"
    if code is not None:
        assert "Traceback" not in done.err
        assert done.code == code
    assert bool(project.saved) == (target != "missing")


@pytest.mark.parametrize(
    "arguments", [[*RUN], [*RUN, "-q"], [*RUN, "--json", "-"], ["--help"], ["--version"]]
)
def test_standard_output_on_a_full_disk(project: ProjectHere, arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = finish(project.start(*arguments, stdout=full))
    assert done.code == 2
    assert done.error == "error: standard output cannot be written: No space left on device"
    assert "Traceback" not in done.err
    assert "defect" not in done.err
    assert bool(project.saved) == ("run" in arguments)


def test_standard_error_on_a_full_disk(project: ProjectHere) -> None:
    with open("/dev/full", "w") as full:
        done = finish(project.start(*RUN, "--json", "-", stderr=full))
    assert done.code == 0
    assert done.out.endswith("}\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_is_closed(project: ProjectHere, closed: str) -> None:
    command = f"{shlex.join([sys.executable, '-m', 'lgprof', *RUN])} {closed}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=project.folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert project.saved


def test_reader_of_standard_error_has_gone(project: ProjectHere) -> None:
    writer = closed_pipe()
    process = project.start(*RUN, "--json", "-", stderr=writer)
    os.close(writer)
    done = finish(process)
    assert done.code == 0
    assert done.out.startswith("{")
    assert done.out.endswith("}\n")


def test_head(project: ProjectHere) -> None:
    done = subprocess.run(
        f"{sys.executable} -m lgprof run apps:quick -n 3 | head -1",
        shell=True,
        cwd=project.folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_folder_of_the_run_is_left_as_it_was(project: ProjectHere) -> None:
    def listing() -> set[Path]:
        return {path for path in project.folder.rglob("*") if "__pycache__" not in path.parts}

    before = listing()
    assert project.call(*RUN).code == 0
    assert listing() - before == {project.folder / ".lgprof", *project.saved}
