"""`lgprof load` in a user's project folder, as processes, and what holds of every result."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import psutil
import pytest
from hdrh.histogram import HdrHistogram

from lgprof.model import Profile, Request, profile_json_schema, read_profile
from tests.cli.harness import STRICT, Done, ProjectHere, finish, wait_for_lines

__all__ = ["APPS", "Done", "I", "LoadProject", "check_load_profile", "finish", "wait_for_lines"]

APPS = Path(__file__).parent / "apps.py"
I = ("-i", '{"i": "{{i}}", "secret": "sesame"}')  # noqa: E741

_VALIDATOR = jsonschema.Draft202012Validator(profile_json_schema())
_OUTCOMES = ("completed", "failed", "timed_out", "cancelled")
_PRIVATE = ("sesame", "the secret is", "answers", "never")


class LoadProject(ProjectHere):
    """A folder in which graphs are loaded."""

    def start_load(self, target: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start a load test as a process, without a warm-up, unless the arguments ask for one."""
        return self.start("load", f"apps:{target}", *_without_warmup(arguments), **options)

    def load(self, target: str, *arguments: str) -> Done:
        """Run one to its end, with the master in this process."""
        return self.call(
            "load", f"apps:{target}", *_without_warmup(arguments), env={"PYTHONWARNINGS": STRICT}
        )

    def profile(self) -> dict[str, Any]:
        """The Profile that was saved last, after a check that it is a good one."""
        profile: dict[str, Any] = json.loads(self.saved[-1].read_text())
        check_load_profile(profile)
        _check_sample(read_profile(self.saved[-1]))
        return profile

    def loaded(self, target: str, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Load a graph; its Profile."""
        done = self.load(target, *arguments, "-q")
        assert done.code == code, done.err
        return self.profile()

    def seen(self, name: str) -> list[int]:
        """Numbers that the graph noted, of measured requests only, in order."""
        numbers = map(int, self.read(name).split())
        return sorted(number for number in numbers if number < 1_000_000_000)

    def processes(self) -> list[psutil.Process]:
        """Processes of lgprof that run in this folder."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.cwd() == str(self.folder) and process.pid != os.getpid():
                    found.append(process)
        return found

    def workers(self, count: int) -> list[psutil.Process]:
        """The worker processes, when there are so many."""
        end_s = time.monotonic() + 20
        while time.monotonic() < end_s:
            found = [process for process in self.processes() if "--worker" in _words(process)]
            if len(found) == count:
                return found
            time.sleep(0.02)
        pytest.fail(f"there are no {count} workers")


def _without_warmup(arguments: tuple[str, ...]) -> tuple[str, ...]:
    return arguments if "-w" in arguments else ("-w", "0", *arguments)


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def check_load_profile(profile: dict[str, Any]) -> None:
    """What holds of the Profile of any load test."""
    _VALIDATOR.validate(profile)
    load, summary = profile["load"], profile["summary"]
    assert load["offered"] == load["started"] + load["dropped"] + load["unsent"]
    assert load["started"] == sum(load[outcome] for outcome in _OUTCOMES)
    assert summary["requests"] == load["started"]
    assert summary["succeeded"] == load["completed"]
    for outcome in ("failed", "timed_out", "cancelled"):
        assert summary[outcome] == load[outcome]
    bad = load["failed"] + load["timed_out"]
    if load["started"]:
        assert summary["error_rate"] == pytest.approx(bad / load["started"])
    if load["duration_s"]:
        assert load["achieved_rps"] == pytest.approx(load["started"] / load["duration_s"])
    if load["elapsed_s"]:
        assert summary["throughput_rps"] == pytest.approx(load["completed"] / load["elapsed_s"])
    assert sum(row["count"] for row in profile["errors"]) == bad
    _check_series(load)
    text = json.dumps({**profile, "warnings": []})
    assert not [secret for secret in _PRIVATE if secret in text]
    assert all(row["message"] is None for row in profile["errors"])


def _check_series(load: dict[str, Any]) -> None:
    def total(name: str) -> float:
        return sum(interval[name] * interval["duration_s"] for interval in load["series"])

    ended = load["completed"] + load["failed"] + load["timed_out"]
    assert total("rps") == pytest.approx(ended)
    assert sum(interval["errors"] for interval in load["series"]) == (
        load["failed"] + load["timed_out"]
    )
    graph = [interval["histograms"].get("graph") for interval in load["series"]]
    counted = load["completed"] + load["timed_out"]
    assert sum(_count(found) for found in graph if found) == _count(load["histogram"]) == counted
    if any(worker["lost"] for worker in load["workers"]):
        return
    assert total("offered_rps") == pytest.approx(load["offered"])
    assert sum(worker["started"] for worker in load["workers"]) == load["started"]


def _count(encoded: str) -> int:
    assert base64.b64decode(encoded)
    return HdrHistogram.decode(encoded).get_total_count()


def _check_sample(profile: Profile) -> None:
    assert profile.load is not None
    sampled = [request for request in profile.requests if request.sampled]
    assert len(sampled) == profile.load.sampled_requests
    attribution = msgspec.structs.asdict(profile.attribution_s)
    parts = [seconds for seconds in attribution.values() if seconds is not None]
    waited_s = [
        sum(span.end_s - span.start_s for span in request.spans if span.parent is None)
        for request in sampled
        if request.outcome in ("ok", "timed_out")
    ]
    mean_s = sum(waited_s) / len(waited_s) if waited_s else 0.0
    assert sum(parts) == pytest.approx(mean_s, rel=0.02, abs=2e-4)
    ids = [span.id for request in profile.requests for span in request.spans]
    assert len(ids) == len(set(ids))
    if len(sampled) == profile.load.started:
        _check_calls(profile, sampled)


def _check_calls(profile: Profile, requests: list[Request]) -> None:
    """Where all requests were sampled, the counts of all equal those of the sample."""
    calls: Counter[str] = Counter()
    attempts: Counter[str] = Counter()
    tools: Counter[tuple[str, str]] = Counter()
    for span in (span for request in requests for span in request.spans):
        calls[span.path] += span.kind == "node"
        attempts[span.path] += span.kind == "attempt"
        if span.kind == "tool":
            tools[span.path, span.name] += 1
    assert {row.path: row.calls for row in profile.nodes} == +calls
    assert {row.path: row.attempts for row in profile.nodes} == +attempts
    assert {(row.node, row.tool): row.calls for row in profile.tools} == tools
