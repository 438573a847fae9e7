"""Two versions of a graph compared from the command line, in a git repository of the user's."""

from __future__ import annotations

import json
import signal
import sys
import venv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.harness import Done, Project, finish, wait_for_lines
from tests.gate.repository import APP, Repository

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SHORT = ("--time-budget", "1s")
"""Two pairs of two requests: enough for what is exact."""

HANGING = """
import os, time
from typing import TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict, total=False):
    question: str


def hang(state):
    with open(os.environ["STARTED"], "a") as file:
        file.write("started\\n")
    time.sleep(3600)


graph = StateGraph(State)
graph.add_node("hang", hang)
graph.add_edge(START, "hang")
graph.add_edge("hang", END)
app = graph.compile()
"""


class GatedProject(Project):
    """A repository with a graph in it, and a temporary folder that only its gates use."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        super().__init__(folder)
        self.repository = Repository(folder)
        self.temporary = temporary
        self.notes = temporary.parent / "started"

    @property
    def environment(self) -> dict[str, str]:
        return {"TMPDIR": str(self.temporary), "STARTED": str(self.notes)}

    def gate(self, *arguments: str) -> Done:
        question = ("-i", '{"question": "Why?"}')
        return self.run("gate", "app:app", *question, *arguments, env=self.environment)

    def verdict(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = self.gate("--json", "-", *arguments)
        assert done.out, done.err
        return done.code, json.loads(done.out)

    def processes(self) -> list[psutil.Process]:
        """Those that run in a tree of a gate."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cwd().startswith(str(self.temporary)):
                    found.append(process)
        return found


@pytest.fixture
def project(tmp_path: Path) -> Iterator[GatedProject]:
    """When the test ends, no process, no worktree and no file of a gate may be left."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    made = GatedProject(tmp_path / "project", temporary)
    made.repository.commit(**{"README.md": "A graph.\n"})
    made.repository.commit(app__py=APP)
    yield made
    _, alive = psutil.wait_procs(made.processes(), timeout=5)
    for process in alive:
        process.kill()
    assert not alive, "processes were left behind"
    assert list(temporary.glob("lgprof-*")) == []
    assert made.repository.worktrees == 1


def checks(verdict: dict[str, Any], decision: str) -> set[tuple[str, str | None]]:
    found = [check for check in verdict["checks"] if check["verdict"] == decision]
    return {(check["metric"], check["node"]) for check in found}


def test_nothing_changed(project: GatedProject) -> None:
    code, verdict = project.verdict("--against", "HEAD", *SHORT)
    assert code == 0
    assert verdict["verdict"] in ("pass", "inconclusive")
    assert verdict["against"].startswith("HEAD (")
    assert verdict["pairs"] >= 2
    assert len(verdict["series"]) == verdict["pairs"]
    assert checks(verdict, "fail") == set()
    exact = {check["metric"] for check in verdict["checks"] if check["exact"]}
    assert exact == {
        f"{name}.per_request" for name in ("cost", "tokens.input", "tokens.output", "llm_calls")
    }
    assert any("are the same files" in text for text in verdict["warnings"])
    assert project.repository.git("status", "--porcelain") == ""


def test_a_doubled_prompt(project: GatedProject) -> None:
    project.repository.change('word. " * 10', 'word. " * 20')
    done = project.gate("--against", "HEAD", *SHORT)
    assert done.code == 1
    assert "FAIL" in done.out
    assert "draft: input tokens per request 204 -> 404 (+98.04%), exactly" in done.out
    assert "draft: cost per request" in done.out
    assert project.repository.git("status", "--porcelain") == "M app.py"


LIVE = """
import socket
from contextlib import suppress


async def search(state):
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("192.0.2.1", 9))  # of documentation (RFC 5737): nothing is sent
"""


def test_of_a_live_provider_times_are_shown_and_counts_are_gated(project: GatedProject) -> None:
    project.repository.commit(app__py=APP.replace("async def search(state):", LIVE.strip()))
    refused = project.gate("--against", "HEAD")
    assert refused.code == 2
    assert "The first request connected to 192.0.2.1" in refused.err
    assert "add --yes" in refused.hint

    project.repository.change("SLEEP_S = 0.02", "SLEEP_S = 0.2")
    project.repository.change('word. " * 10', 'word. " * 11')
    code, verdict = project.verdict("--against", "HEAD", "--yes", *SHORT)
    assert (code, verdict["verdict"]) == (1, "fail")
    counted = ("cost.per_request", "tokens.input.per_request")
    assert checks(verdict, "fail") == {(metric, None) for metric in counted}
    assert any("talks to 192.0.2.1" in warning for warning in verdict["warnings"])
    [wall] = [c for c in verdict["checks"] if (c["metric"], c["node"]) == ("wall", None)]
    assert wall["new"] > 0.2
    assert (wall["verdict"], wall["limit"], wall["needed"]) == ("inconclusive", None, False)


def test_a_candidate_that_cannot_be_imported(project: GatedProject) -> None:
    project.repository.change("import asyncio", "import asyncioo")
    done = project.gate("--against", "HEAD")
    assert done.code == 3
    assert done.error == (
        "error: the candidate: importing app failed: ModuleNotFoundError: "
        "No module named 'asyncioo'"
    )
    assert f'File "{project.folder}/app.py", line 2' in done.err


def test_a_candidate_that_fails_on_every_request(project: GatedProject) -> None:
    project.repository.change("answer.content}", "answer.contents}")
    done = project.gate("--against", "HEAD")
    assert done.code == 3
    assert "the candidate: every request fails: AttributeError" in done.error
    assert "in draft" in done.error
    assert "answer.contents" in done.err


def test_a_base_without_the_graph(project: GatedProject) -> None:
    done = project.gate("--against", "HEAD~1")
    assert done.code == 2
    assert done.error == "error: the base: no module named 'app' (looked from HEAD~1)"
    assert "name another revision with --against" in done.hint


def environment_with(folder: Path, **modules: str) -> Path:
    """A Python that has what ours has, and more."""
    venv.create(folder, symlinks=True)
    [site] = folder.glob("lib/python*/site-packages")
    paths = [path for path in sys.path if "site-packages" in path]
    (site / "ours.pth").write_text("\n".join([*paths, str(ROOT)]))
    for name, text in modules.items():
        (site / f"{name}.py").write_text(text)
    return folder / "bin" / "python"


def test_a_base_with_packages_of_its_own(project: GatedProject, tmp_path: Path) -> None:
    python = environment_with(tmp_path / "old", words="TIMES = 10\n")
    with_words = APP.replace('word. " * 10', 'word. " * TIMES')
    project.repository.commit(app__py=f"from words import TIMES\n{with_words}")
    project.write("app.py", f"TIMES = 20\n{with_words}")
    code, verdict = project.verdict("--against", "HEAD", "--base-python", str(python), *SHORT)
    assert code == 1
    assert verdict["checks"]
    assert any("(+98.04%), exactly" in reason for reason in verdict["reasons"])


def test_a_base_without_lgprof(project: GatedProject, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    python = tmp_path / "bare" / "bin" / "python"
    done = project.gate("--against", "HEAD", "--base-python", str(python))
    assert done.code == 2
    assert done.error == f"error: --base-python {python} has no lgprof"
    assert f"{python} -m pip install lgprof==" in done.hint


def test_a_project_that_is_installed_from_the_working_tree(project: GatedProject) -> None:
    """As ``pip install --editable`` does it: its folder comes after all others in ``sys.path``."""
    project.repository.git("rm", "-q", "app.py")
    project.repository.commit(**{"lib/app.py": APP})
    project.write("lib/app.py", APP.replace("answer.content}", "answer.contents}"))
    site = project.temporary.parent / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        f"import sys\nsys.path.append({str(project.folder / 'lib')!r})\n"
    )
    environment = project.environment | {"PYTHONPATH": str(site)}
    done = project.run("gate", "app:app", "--against", "HEAD", env=environment)
    assert done.code == 3, done.err
    assert "the candidate: every request fails: AttributeError" in done.error


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_the_graph_hangs(project: GatedProject, sent: signal.Signals) -> None:
    project.repository.commit(app__py=HANGING)
    process = project.start("gate", "app:app", "--against", "HEAD", env=project.environment)
    wait_for_lines(project.notes, 2, process)
    process.send_signal(sent)
    done = finish(process)
    assert done.code == 130
    assert done.err == "interrupted: nothing was decided\n"


def test_stopped_after_two_pairs_it_shows_what_they_say(project: GatedProject) -> None:
    noted = "import os\nwith open(os.environ['STARTED'], 'a') as file:\n    file.write('x\\n')\n"
    project.repository.commit(app__py=noted + APP)
    arguments = ("gate", "app:app", "-i", '{"question": "Why?"}', "--against", "HEAD")
    process = project.start(*arguments, env=project.environment)
    # Two processes prepare and two make a pair: the third pair has begun.
    wait_for_lines(project.notes, 8, process)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130
    assert "interrupted: this is what the first 2 pairs say" in done.out
    assert "tokens.input" in done.out
    assert "nothing was decided" not in done.err


def test_stopped_again_and_again_while_git_checks_out_the_base(project: GatedProject) -> None:
    project.repository.git("config", "filter.slow.clean", "cat")
    project.repository.git("config", "filter.slow.smudge", 'echo started >> "$STARTED"; sleep 600')
    project.repository.commit(**{".gitattributes": "*.slow filter=slow\n", "a.slow": "1\n"})
    process = project.start("gate", "app:app", "--against", "HEAD", env=project.environment)
    wait_for_lines(project.notes, 1, process)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130
    assert done.err == "interrupted: nothing was decided\n"


def test_a_graph_that_hangs_is_given_up(project: GatedProject) -> None:
    project.write("app.py", HANGING)
    done = project.gate("--against", "HEAD", "--timeout", "300ms")
    assert done.code == 3
    assert done.error == "error: the candidate: no request ended in time (--timeout)"


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (("--against", "nope"), "there is no such revision", "name a branch"),
        (("--against", "HEAD", "--tolerance", "5"), "5 is 500%", "write 5%"),
        (("--against", "HEAD", "--tolerance", "p59=5%"), "'p59' has no", "did you mean p95?"),
        (("--against", "HEAD", "--tolerance", "wall=0%"), "wall is a time", "write wall=5%"),
        (("--against", "HEAD", "--base-python", "nopython"), "there is no nopython", "name a"),
        (("--against", "HEAD", "--time-budget", "soon"), "is no duration", "write 500ms"),
    ],
)
def test_wrong_options(
    project: GatedProject, arguments: tuple[str, ...], error: str, hint: str
) -> None:
    done = project.gate(*arguments)
    assert done.code == 2
    assert error in done.error
    assert hint in done.hint
