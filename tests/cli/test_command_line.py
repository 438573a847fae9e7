"""The command line as such: help, version, completion, and how little they import."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import textwrap

import pytest
import typer

import lgprof
from lgprof.cli.app import app
from tests.cli.harness import ProjectHere, clean_environment

RUN = typer.main.get_command(app).commands["run"]
OPTIONS = [
    name for parameter in RUN.params for name in (*parameter.opts, *parameter.secondary_opts)
]


def test_version(project: ProjectHere) -> None:
    done = project.run("--version")
    assert (done.code, done.out, done.err) == (0, f"lgprof {lgprof.__version__}\n", "")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_the_whole(project: ProjectHere, flag: str) -> None:
    done = project.call(flag)
    assert done.code == 0
    for word in ("--version", "--show-completion", "--help", "run", "Usage: lgprof"):
        assert word in done.out


def test_no_arguments_show_the_help(project: ProjectHere) -> None:
    done = project.run()
    assert done.code == 2
    assert "Usage: lgprof " in done.out + done.err


def test_help_of_run_explains_every_option(project: ProjectHere) -> None:
    done = project.call("run", "--help")
    assert done.code == 0
    assert "Usage: lgprof run [OPTIONS] [TARGET]" in done.out
    assert len(OPTIONS) > 25
    for name in (name for name in OPTIONS if name.startswith("-")):
        assert re.search(rf"(^|[\s,/]){name}\b", done.out, re.MULTILINE), name
    unexplained = [parameter.name for parameter in RUN.params if not parameter.help]
    assert not unexplained
    assert max(map(len, done.out.splitlines())) <= 80


def test_every_setting_is_an_option_with_a_variable() -> None:
    """What the settings may say, the command line and the environment may say too."""
    from lgprof.config import _KEYS

    parameters = {parameter.name: parameter for parameter in RUN.params}
    for key in _KEYS.keys() - {"app", "inputs", "resume"}:
        assert parameters[key].envvar == f"LGPROF_{key.upper()}"
    assert {"target", "inputs", "resume"} <= parameters.keys()


@pytest.mark.parametrize("command", [["--help"], ["run", "--help"], ["run", "--mode", "x"]])
def test_quick_answers_import_nothing_heavy(project: ProjectHere, command: list[str]) -> None:
    def look() -> None:
        import json
        import sys

        from lgprof.cli import main

        try:
            main()
        finally:
            heavy = ("langgraph", "langchain_core", "rich", "asyncio", "psutil")
            print(json.dumps([name for name in heavy if name in sys.modules]), file=sys.stderr)

    done = subprocess.run(
        [sys.executable, "-c", f"{textwrap.dedent(inspect.getsource(look))}\nlook()", *command],
        cwd=project.folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stderr.splitlines()[-1]) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(project: ProjectHere, shell: str) -> None:
    done = project.run("--show-completion", shell)
    assert done.code == 0, done.err
    assert "_LGPROF_COMPLETE" in done.out
    assert "-m" not in done.out
    if shell == "bash":
        assert (
            subprocess.run(["bash", "-n"], input=done.out, text=True, check=False).returncode == 0
        )


def test_completion(project: ProjectHere) -> None:
    words = {"COMP_WORDS": "lgprof run --re", "COMP_CWORD": "2"}
    done = project.run(env={"_LGPROF_COMPLETE": "complete_bash", **words})
    assert done.code == 0, done.err
    assert set(done.out.split()) == {"--requests", "--resume", "--recursion-limit"}


@pytest.mark.skipif(os.name == "nt", reason="a script of another kind")
def test_installed_command(project: ProjectHere) -> None:
    script = os.path.join(os.path.dirname(sys.executable), "lgprof")
    if not os.path.exists(script):
        pytest.skip("not installed as a script")
    done = subprocess.run(
        [script, "--version"], capture_output=True, text=True, check=True, cwd=project.folder
    )
    assert done.stdout == f"lgprof {lgprof.__version__}\n"
