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

COMMANDS = typer.main.get_command(app).commands
VARIABLES = {
    ("load", "requests"): "LGPROF_LOAD_REQUESTS",
    ("load", "warmup"): "LGPROF_LOAD_WARMUP",
}
"""Those that are not named as their option: `run` has these names."""


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


@pytest.mark.parametrize(("name", "least"), [("run", 25), ("load", 50)])
def test_help_of_a_command_explains_every_option(
    project: ProjectHere, name: str, least: int
) -> None:
    command = COMMANDS[name]
    options = [word for found in command.params for word in (*found.opts, *found.secondary_opts)]
    done = project.call(name, "--help")
    assert done.code == 0
    assert f"Usage: lgprof {name} [OPTIONS] [TARGET]" in done.out
    assert len(options) > least
    for option in (option for option in options if option.startswith("-")):
        assert re.search(rf"(^|[\s,/]){option}\b", done.out, re.MULTILINE), option
    unexplained = [parameter.name for parameter in command.params if not parameter.help]
    assert not unexplained
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("name", ["run", "load"])
def test_every_setting_is_an_option_with_a_variable(name: str) -> None:
    """What the settings may say, the command line and the environment may say too."""
    from lgprof.config import _OWN, _SHARED

    parameters = {parameter.name: parameter for parameter in COMMANDS[name].params}
    lists = {"inputs", "resume", "abort_on"}
    for key in {**_SHARED, **_OWN[name]}.keys() - lists:
        variable = VARIABLES.get((name, key), f"LGPROF_{key.upper()}")
        assert parameters[key].envvar == variable
    assert {"target", "inputs", "resume"} <= parameters.keys()


def test_no_variable_means_two_things() -> None:
    meanings: dict[str, set[str]] = {}
    for command in COMMANDS.values():
        for parameter in command.params:
            if parameter.envvar:
                meanings.setdefault(parameter.envvar, set()).add(f"{parameter.help}")
    assert [name for name, found in meanings.items() if len(found) > 1] == []


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["run", "--help"],
        ["run", "--mode", "x"],
        ["load", "--help"],
        ["load", "--arrivals", "x"],
        ["load", "--worker"],
    ],
)
def test_quick_answers_import_nothing_heavy(project: ProjectHere, command: list[str]) -> None:
    def look() -> None:
        import json
        import sys

        from lgprof.cli import main

        try:
            main()
        finally:
            heavy = ("langgraph", "langchain_core", "rich", "asyncio", "psutil", "locust", "gevent")
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
