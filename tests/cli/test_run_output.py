"""What is printed and written where."""

from __future__ import annotations

import json

import pytest

from tests.cli.harness import ProjectHere, check_profile, checked_profile

QUICK = ("run", "apps:quick", "-n", "3")


def titles(out: str) -> list[str]:
    """First words of the section titles (the lines that end in a rule)."""
    return [line.split()[0] for line in out.splitlines() if line.endswith("───")]


@pytest.mark.parametrize("failing", [False, True])
def test_json_is_alone_on_standard_output(project: ProjectHere, failing: bool) -> None:
    project.write(
        "loud.py",
        "import os, apps\nprint('NOISE on import')\nos.write(1, b'NOISE on import\\n')\n"
        "def make():\n    os.system('echo NOISE on building')\n    return apps.noisy\n",
    )
    if failing:
        with (project.folder / "apps.py").open("a") as file:
            file.write("\nnoisy = one_node(lambda s: [print('NOISE'), 1 / 0])\n")
    done = project.run("run", "loud:make", "-n", "2", "--json", "-", "--show", "nodes")
    assert done.code == (3 if failing else 0)
    profile = json.loads(done.out)
    check_profile(profile)
    assert done.out.count("\n") == 1
    assert profile == json.loads(project.saved[-1].read_bytes())
    assert "NOISE on import" in done.err
    assert "NOISE on building" in done.err
    assert "NOISE" not in done.out
    assert "Nodes" in done.err


def test_json_is_alone_also_where_the_program_prints_later(project: ProjectHere) -> None:
    project.write(
        "late.py",
        """
import atexit, threading, time
from apps import *

def chatter():
    while threading.main_thread().is_alive():
        print("NOISE from a thread", flush=True)
        time.sleep(0.005)
    print("NOISE at last", flush=True)

atexit.register(print, "NOISE at exit")
threading.Thread(target=chatter).start()
""",
    )
    done = project.run("run", "late:quick", "-n", "1", "-q", "--json", "-")
    assert done.code == 0
    check_profile(json.loads(done.out))
    assert "NOISE" not in done.out
    assert {"NOISE from a thread", "NOISE at last", "NOISE at exit"} <= set(done.err.splitlines())


def test_show_chooses_the_parts_in_their_own_order(project: ProjectHere) -> None:
    done = project.call(*QUICK, "--show", "nodes, latency")
    assert done.code == 0
    assert titles(done.out) == ["Latency", "Nodes"]


def test_show_says_what_has_nothing_to_show(project: ProjectHere) -> None:
    done = project.call(*QUICK, "--show", "models,histogram,errors")
    assert titles(done.out) == []
    assert done.out.split("\n\n") == [
        "no model calls",
        "no histogram below 20 requests",
        "no errors\n",
    ]


def test_quiet_verbose_and_the_full_report(project: ProjectHere) -> None:
    quiet, full, verbose = (project.call(*QUICK, *more) for more in (["-q"], [], ["-v"]))
    assert titles(quiet.out) == ["Latency", "Saved"]
    assert [title for title in titles(full.out) if title in ("Latency", "Nodes", "Flame")]
    # Whether one request is much slower than the others is up to the machine.
    all_titles, verbose_titles = ({*titles(done.out)} - {"Slowest"} for done in (full, verbose))
    assert verbose_titles >= all_titles > {*titles(quiet.out)}
    assert quiet.err == full.err == verbose.err == ""


def test_verbose_shows_every_traceback(project: ProjectHere) -> None:
    project.write(
        "apps.py",
        project.read("apps.py")
        + "\ndef two_ways(state):\n    return [1][state['i'] + 1] if state['i'] % 2 else {}['k']\n"
        "both = one_node(two_ways)\n",
    )
    command = ("run", "apps:both", "-i", '{"i": "{{i}}"}', "-n", "4")
    brief, full = project.call(*command), project.call(*command, "-v")
    assert (brief.code, full.code) == (3, 3)
    assert brief.out.count("Traceback") == 1
    assert "-v shows 1 more traceback" in brief.out
    assert "every traceback" in next_steps(brief.out)[0]
    assert full.out.count("Traceback") == 2


def test_output_files(project: ProjectHere) -> None:
    options = ("-o", "one.json", "--output", "sub/two.json.gz")
    done = project.call(*QUICK, *options)
    assert done.code == 0, done.err
    one = checked_profile(project.folder / "one.json")
    assert one == checked_profile(project.folder / "sub/two.json.gz") == project.profile()
    assert "one.json" in done.out
    assert "sub/two.json.gz" in done.out
    assert (project.folder / "one.json").stat().st_mode & 0o777 == 0o600


def test_output_never_overwrites_and_says_so_before_anything_runs(project: ProjectHere) -> None:
    project.write("kept.json", "mine")
    project.write("told.py", "from apps import *\nnote('imported', 1)\n")
    done = project.call("run", "told:quick", "-n", "1", "-o", "kept.json")
    assert done.code == 2
    assert "kept.json exists already" in done.error
    assert "--force" in done.hint
    assert not (project.folder / "imported").exists()
    assert project.read("kept.json") == "mine"
    assert project.call("run", "told:quick", "-n", "1", "-o", "kept.json", "--force").code == 0
    assert checked_profile(project.folder / "kept.json")["summary"]["requests"] == 1


def test_output_that_cannot_be_written(project: ProjectHere) -> None:
    project.write("file", "")
    done = project.call(*QUICK, "-o", "file/out.json", "-o", "other.json")
    assert done.code == 2
    assert "cannot write file/out.json" in done.err
    assert "not written: file/out.json" in done.error
    assert checked_profile(project.folder / "other.json")
    assert "Latency" in done.out
    assert project.saved


def test_a_second_profile_of_the_same_second_has_its_own_name(project: ProjectHere) -> None:
    for _ in range(3):
        project.call(*QUICK, "-q")
    assert len(project.saved) == 3


def next_steps(out: str) -> list[str]:
    lines = out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  next "))
    steps = "\n".join(lines[at:]).removeprefix("  next").strip()
    return steps.replace("\n            ", " ").split("\n")


def test_next_steps_are_commands_to_type(project: ProjectHere) -> None:
    project.write("my apps/it.py", project.read("apps.py"))
    done = project.call("run", "my apps/it.py:quick", "-i", "{}", "-n", "1", "-o", "one.json")
    assert done.code == 0, done.err
    [step] = next_steps(done.out)
    assert step.startswith("lgprof run 'my apps/it.py:quick' -i '{}' -n 50    more runs")
    done = project.call("run", "apps:quick", "-n", "1", "-i", json.dumps({"text": "long" * 30}))
    assert next_steps(done.out)[0].startswith("the same with -n 50    more runs")
    done = project.call("run", "apps:fails", "-n", "2")
    assert "  next " not in done.out


def test_no_place_to_save_in(project: ProjectHere) -> None:
    project.write(".lgprof", "a file where the folder should be")
    elsewhere = project.folder.parent / "tmp"
    elsewhere.mkdir()
    done = project.run(*QUICK, env={"TMPDIR": str(elsewhere)})
    assert done.code == 0, done.err
    assert "Latency" in done.out
    [file] = elsewhere.rglob("*.json")
    checked_profile(file)
    assert str(file) in "".join(line.strip() for line in done.out.splitlines())
    [warning] = [line for line in done.err.splitlines() if line.startswith("warning: ")]
    assert warning.startswith(f"warning: cannot write {project.folder}/.lgprof/run-")
    assert "File exists: " in warning
    assert warning.endswith(f"the Profile is in {file}; -o FILE.json saves it where you say")
    assert "Traceback" not in done.err
