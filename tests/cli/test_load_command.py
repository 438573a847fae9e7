"""`lgprof load` from the command line to the exit code; the engine is a stand-in."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lgprof.cli.load import exit_code
from lgprof.errors import ExitCode, UsageError
from lgprof.load.abort import parse_abort_rule
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.model import Profile, read_profile
from lgprof.run.options import RunOptions
from tests.cli.harness import ProjectHere
from tests.load_profiles import load_profile


@dataclass
class Engine:
    """Stands in for `lgprof.load.fleet` and `worker`: notes what it is asked for."""

    profile: Profile = field(default_factory=load_profile)
    question: str | None = None
    raises: BaseException | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    def load_test(self, target: Any, inputs: Any, options: Any, fleet: Any, **more: Any) -> Any:
        self.calls.append(
            {"target": target, "inputs": inputs, "options": options, "fleet": fleet, **more}
        )
        if self.question and not more["watch"].confirm(self.question):
            raise UsageError("not confirmed")
        if self.raises is not None:
            raise self.raises
        return SimpleNamespace(profile=self.profile, failures=[], abandoned=False)

    def serve_worker(
        self, target: Any, host: str, port: int, *, folder: Path, tell: Callable[[str], None]
    ) -> int:
        tell("looking for the master")
        self.calls.append({"target": target, "host": host, "port": port, "folder": folder})
        return 3


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    stand_in = Engine()
    for module in ("fleet", "worker"):
        monkeypatch.setitem(sys.modules, f"lgprof.load.{module}", stand_in)
    return stand_in


def test_every_option_reaches_the_engine(project: ProjectHere, engine: Engine) -> None:
    done = project.call(
        *("load", "apps:quick", "-i", '{"a": 1}', "-i", "two", "--rps", "2.5", "-n", "40"),
        *("--arrivals", "poisson", "--seed", "7", "-w", "0", "--workers", "3"),
        *("--max-concurrent", "8", "--max-in-flight", "100", "--keep", "5"),
        *("--abort-on", "error_rate>20%", "--abort-on", "p99>2s", "--tolerate-worker-loss"),
        *("--timeout", "1500ms", "--mode", "sync", "--checkpointer", "memory", "--store", "none"),
        *("--context", '{"u": 1}', "--config", '{"tags": []}', "--resume", "yes"),
        *("--recursion-limit", "9", "--ui", "-q"),
    )
    assert done.code == 0, done.err
    [call] = engine.calls
    assert call["target"] == "apps:quick"
    assert call["inputs"].items == [{"a": 1}, "two"]
    assert call["folder"] == project.folder
    assert call["fleet"] == FleetOptions(ui=True)
    assert call["options"] == LoadOptions(
        request=RunOptions(
            timeout_s=1.5,
            mode="sync",
            checkpointer="memory",
            store="none",
            context={"u": 1},
            config={"tags": []},
            resumes=["yes"],
            recursion_limit=9,
        ),
        rps=2.5,
        requests=40,
        arrivals="poisson",
        seed=7,
        warmup_s=0.0,
        workers=3,
        max_concurrent=8,
        max_in_flight=100,
        keep=5,
        abort_on=(parse_abort_rule("error_rate>20%"), parse_abort_rule("p99>2s")),
        tolerate_worker_loss=True,
    )


def test_nothing_typed_gives_the_defaults(project: ProjectHere, engine: Engine) -> None:
    assert project.call("load").code == 0
    [call] = engine.calls
    assert (call["target"], call["inputs"]) == (None, None)
    assert (call["options"], call["fleet"]) == (LoadOptions(), FleetOptions())


def test_short_options_and_stages(project: ProjectHere, engine: Engine) -> None:
    project.call("load", "-d", "1m")
    project.call("load", "--stages", "10:30s,50:60s", "--ramp", "0s")
    project.call("load", "--users", "4", "--think", "250ms", "--failed-when", "x == 1")
    first, second, third = (call["options"] for call in engine.calls)
    assert first == LoadOptions(duration_s=60.0)
    assert second == LoadOptions(stages=((10.0, 30.0), (50.0, 60.0)), ramp_s=0.0)
    assert (third.users, third.think_s) == (4, 0.25)
    assert third.request.failed_when.text == "x == 1"


def test_precedence(project: ProjectHere, engine: Engine) -> None:
    def chosen(*arguments: str, **env: str) -> tuple[Any, ...]:
        done = project.call("load", *arguments, env=env)
        assert done.code == 0, done.err
        made = engine.calls[-1]["options"]
        return made.rps, made.duration_s, made.warmup_s, made.workers, made.request.timeout_s

    environment = {
        "LGPROF_RPS": "3",
        "LGPROF_DURATION": "33s",
        "LGPROF_LOAD_WARMUP": "3s",
        "LGPROF_WORKERS": "3",
        "LGPROF_TIMEOUT": "3s",
    }
    typed = ("--rps", "4", "-d", "44s", "-w", "4", "--workers", "auto", "--timeout", "4s")
    assert chosen() == (10.0, 30.0, 5.0, None, 120.0)
    project.write(
        "pyproject.toml",
        "[tool.lgprof]\ntimeout = '1s'\nrequests = 99\nwarmup = 7\nconcurrency = 3\n"
        "[tool.lgprof.load]\nrps = 2\nduration = '22s'\nwarmup = '2s'\nworkers = 2",
    )
    assert chosen() == (2.0, 22.0, 2.0, 2, 1.0)
    assert chosen(**environment) == (3.0, 33.0, 3.0, 3, 3.0)
    assert chosen(*typed, **environment) == (4.0, 44.0, 4.0, None, 4.0)


def test_counts_of_run_are_not_those_of_load(project: ProjectHere, engine: Engine) -> None:
    project.write("lgprof.toml", "requests = 3\nwarmup = 9\n[run]\nrequests = 4\n")
    project.call("load", env={"LGPROF_REQUESTS": "5", "LGPROF_WARMUP": "6"})
    project.call("load", env={"LGPROF_LOAD_REQUESTS": "8"})
    first, second = (call["options"] for call in engine.calls)
    assert first == LoadOptions()
    assert second == LoadOptions(requests=8)


def test_inputs_of_the_settings(project: ProjectHere, engine: Engine) -> None:
    project.write("lgprof.toml", 'inputs = ["all"]\n[load]\ninputs = ["mine"]\n')
    project.call("load")
    project.call("load", "-i", "typed")
    assert [call["inputs"].items for call in engine.calls] == [["mine"], ["typed"]]


@pytest.mark.parametrize(
    ("options", "said", "hint"),
    [
        (["--rps", "5", "--stages", "5:5s"], "--rps and --stages exclude each other", "own rate"),
        (["--rps", "0"], "--rps: 0 is no rate", "above 0"),
        (["-d", "5s", "-n", "5"], "--duration and --requests exclude", "a time or"),
        (["--think", "1s"], "--think without --users", "--users 20"),
        (["--master"], "--master without --expect-workers", "--expect-workers"),
        (["--bind", "0.0.0.0:1"], "--bind without --master", "--master"),
        (["--worker"], "--worker without --master-host", "--master-host"),
        (["--worker", "--master-host", "h", "-d", "5s"], "--duration with --worker", "master"),
        (["--worker", "--master-host", "h", "--json", "-"], "--json with --worker", "master"),
        (["--worker", "--master-host", "h", "-i", "1"], "--input with --worker", "master"),
        (["-o", "x.foo"], "--output x.foo: unknown suffix", ".hlog"),
    ],
)
def test_one_clear_line(
    project: ProjectHere, engine: Engine, options: list[str], said: str, hint: str
) -> None:
    done = project.call("load", "apps:quick", *options)
    assert done.code == 2
    assert said in done.error
    assert hint in done.hint
    assert len(done.err.splitlines()) == 2
    assert done.out == ""
    assert engine.calls == []


@pytest.mark.parametrize("options", [["--rps", "x"], ["--users", "0"], ["--master-port", "0"]])
def test_wrong_use(project: ProjectHere, engine: Engine, options: list[str]) -> None:
    done = project.call("load", *options)
    assert done.code == 2
    assert "Error: " in done.err
    assert engine.calls == []


# --- several machines --------------------------------------------------------------------------


def test_worker(project: ProjectHere, engine: Engine) -> None:
    command = ("load", "--worker", "--master-host", "10.0.0.5:6000", "apps:quick", "-q")
    done = project.call(*command, env={"LGPROF_RPS": "5", "LGPROF_TIMEOUT": "1s"})
    assert done.code == 3  # what the worker says
    expected = {"target": "apps:quick", "host": "10.0.0.5", "port": 6000, "folder": project.folder}
    assert engine.calls == [expected]


def test_a_worker_waits_for_no_thread_of_the_graph(project: ProjectHere, engine: Engine) -> None:
    done = threading.Event()
    hanging = threading.Thread(target=done.wait)
    hanging.start()
    try:
        # The harness refuses what would end the test's own process.
        with pytest.raises(AssertionError, match="wants to exit with 3"):
            project.call("load", "--worker", "--master-host", "10.0.0.5", "apps:quick")
    finally:
        done.set()
        hanging.join()


def test_an_open_port_is_warned_of(project: ProjectHere, engine: Engine) -> None:
    several = ("load", "--master", "--expect-workers", "2")
    done = project.call(*several, "--bind", "0.0.0.0:6000", "-q")
    assert engine.calls[-1]["fleet"] == FleetOptions("0.0.0.0", 6000, 2)
    assert "warning: whoever reaches 0.0.0.0:6000 can join" in done.err
    assert "no authentication" in done.err
    assert project.call(*several).err == ""
    assert engine.calls[-1]["fleet"] == FleetOptions("127.0.0.1", 5557, 2)
    assert project.call("load").err == ""


# --- what comes out ----------------------------------------------------------------------------


def test_saved_printed_and_written(project: ProjectHere, engine: Engine) -> None:
    files = ("-o", "a.json", "-o", "b.json.gz", "-o", "c.hgrm", "-o", "d.hlog")
    done = project.call("load", *files, "--json", "-")
    assert done.code == 0, done.err
    [saved] = project.saved
    assert saved.name.startswith("load-")
    assert done.out == saved.read_text() + "\n"
    assert json.loads(done.out)["kind"] == "load"
    for name in ("a.json", "b.json.gz"):
        assert read_profile(project.folder / name).load == engine.profile.load
    assert "Total count" in project.read("c.hgrm")
    assert project.read("d.hlog").count("Tag=graph") == 1
    assert (project.folder / "d.hlog").stat().st_mode & 0o777 == 0o600
    assert all(name in done.err for name in ("a.json", "c.hgrm", "d.hlog"))


def test_files_are_not_overwritten(project: ProjectHere, engine: Engine) -> None:
    project.write("a.hlog", "mine")
    assert project.call("load", "-o", "a.hlog").code == 2
    assert engine.calls == []
    assert project.call("load", "-o", "a.hlog", "--force").code == 0
    assert project.read("a.hlog").startswith("#[Histogram log format version 1.3]")


def test_a_run_writes_the_table_and_refuses_the_log(project: ProjectHere) -> None:
    command = ("run", "apps:quick", "-n", "3", "-q")
    assert project.call(*command, "-o", "a.hgrm").code == 0
    assert "Total count    =            3]" in project.read("a.hgrm")
    done = project.call(*command, "-o", "a.hlog")
    assert done.code == 2
    assert done.error == "error: --output a.hlog: only a load test has intervals to log"
    assert ".hgrm" in done.hint
    assert len(project.saved) == 1


def test_interrupted_before_there_was_a_result(project: ProjectHere, engine: Engine) -> None:
    engine.raises = KeyboardInterrupt()
    done = project.call("load")
    assert (done.code, done.err) == (130, "interrupted: nothing was measured\n")
    assert not project.saved


def test_an_error_of_the_engine_is_explained(project: ProjectHere, engine: Engine) -> None:
    engine.raises = UsageError("no worker came", hint="start them")
    done = project.call("load")
    assert (done.code, done.error, done.hint) == (2, "error: no worker came", "start them")


def test_an_invalid_measurement_is_an_error_only_under_strict(
    project: ProjectHere, engine: Engine
) -> None:
    engine.profile = load_profile(verdict="invalid")
    assert project.call("load").code == 0
    assert project.call("load", "--strict").code == 5
    assert project.call("load", env={"LGPROF_STRICT": "1"}).code == 5
    project.write("lgprof.toml", "[load]\nstrict = true\n")
    assert project.call("load").code == 5
    assert project.call("load", "--no-strict").code == 0
    assert len(project.saved) == 5


def test_the_worst_that_holds_decides() -> None:
    def code(strict: bool = True, **facts: Any) -> ExitCode:
        return exit_code(load_profile(**facts), strict=strict)

    reason = "p99>2s"
    assert code() == code(verdict="ok") == code(verdict="degraded") == ExitCode.OK
    assert code(verdict="invalid") == ExitCode.INVALID
    assert code(verdict="invalid", strict=False) == ExitCode.OK
    assert code(verdict="invalid", abort_reason=reason) == ExitCode.GATE_FAILED
    assert code(abort_reason=reason, strict=False) == ExitCode.GATE_FAILED
    assert code(verdict="invalid", abort_reason=reason, succeeded=0) == ExitCode.TARGET_FAILED
    assert code(succeeded=0, strict=False) == ExitCode.TARGET_FAILED
    everything = {"verdict": "invalid", "abort_reason": reason, "succeeded": 0}
    assert code(**everything, interrupted=True) == ExitCode.INTERRUPTED


# --- questions ---------------------------------------------------------------------------------


def test_a_question_needs_a_terminal_or_a_yes(project: ProjectHere, engine: Engine) -> None:
    engine.question = "300 requests to api.example.com"
    done = project.call("load", stdin="y\n")
    assert done.code == 2
    assert "this needs a yes, and standard input is no terminal" in done.error
    assert "--yes" in done.hint
    assert engine.question in done.err
    done = project.call("load", "--yes")
    assert done.code == 0
    assert done.err == f"{engine.question}\n"


def test_quiet_says_how_far_to_trust_the_numbers(project: ProjectHere, engine: Engine) -> None:
    titles = [line.split("  ")[0] for line in project.call("load", "-q").out.splitlines()]
    assert titles[0].startswith("Verdict")
    assert any(title.startswith("Latency") for title in titles)
    assert not any(title.startswith("Workers") for title in titles)
    assert project.call("load").out.count("\nWorkers ") == 1
