"""A user's project folder, and lgprof run in it: as a process, or in this one where it will do."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
import pytest

from lgprof.cli import leaving, main
from lgprof.model import profile_json_schema

APPS = Path(__file__).parent / "apps.py"
PATIENCE_S = 90.0
"""How long anything may take before a test gives up on it."""

_VALIDATOR = jsonschema.Draft202012Validator(profile_json_schema())
STRICT = (
    "error,ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning,"
    "ignore:Due to '_pack_':DeprecationWarning"
)
"""``PYTHONWARNINGS`` of what the tests start; two libraries are not ready for Python 3.14."""

_OURS = ("LGPROF_", "_LGPROF_")
_TERMINAL = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TERM", "PYTHONIOENCODING")


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment without what would change lgprof, and with UTF-8.

    Requests are not sampled unless a test asks for it: that makes them once more.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OURS) and name not in _TERMINAL
    }
    fixed = {"PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": STRICT, "LGPROF_SAMPLE": "false"}
    return {**kept, **fixed, **extra}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The line that says what was wrong."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        return lines[0]

    @property
    def hint(self) -> str:
        """What to type instead: the line after it."""
        lines = self.err.splitlines()
        at = lines.index(self.error) + 1
        assert at < len(lines), f"no hint:\n{self.err}"
        assert lines[at].startswith("  "), self.err
        return lines[at].strip()


class Project:
    """A folder in which a user works."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def read(self, name: str) -> str:
        """Read a file of the project."""
        return (self.folder / name).read_text()

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start lgprof as a process."""
        environment = clean_environment(**options.pop("env", {}))
        return subprocess.Popen(
            [sys.executable, "-m", "lgprof", *arguments],
            cwd=self.folder,
            env=environment,
            text=True,
            encoding="utf-8",
            preexec_fn=_restore_sigint,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **options,
            },
        )

    def run(self, *arguments: str, **options: Any) -> Done:
        """Run lgprof as a process, to its end."""
        return finish(self.start(*arguments, **options))

    @property
    def saved(self) -> list[Path]:
        """The Profiles under .lgprof, the oldest first."""
        files = (self.folder / ".lgprof").glob("*.json")
        return sorted(files, key=lambda file: file.stat().st_mtime_ns)

    def profile(self) -> dict[str, Any]:
        """The Profile that was saved last, after a check that it is a good one."""
        return checked_profile(self.saved[-1])


class ProjectHere(Project):
    """A project in which lgprof can also run in the test's own process."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        super().__init__(folder)
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def call(self, *arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Done:
        """Run lgprof in this process: quicker, with the same files and the same exit code."""
        self._capfd.readouterr()
        with self._monkeypatch.context() as patch, _standard_output_kept():
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["lgprof", *arguments])
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            patch.setattr(os, "_exit", _refuse_exit)
            patch.setattr(leaving, "was_cut_short", False)
            for name in set(os.environ) - set(clean_environment()):
                patch.delenv(name)
            for name, value in {"LGPROF_SAMPLE": "false", **(env or {})}.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as left:
                main()
        out, err = self._capfd.readouterr()
        assert isinstance(left.value.code, int)
        return Done(left.value.code, out, err)


@contextmanager
def _standard_output_kept() -> Iterator[None]:
    kept = os.dup(1)
    yield
    os.dup2(kept, 1)
    os.close(kept)


def _refuse_exit(code: int) -> NoReturn:
    raise AssertionError(f"lgprof left a graph behind and wants to exit with {code}")


def _restore_sigint() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it


def finish(process: subprocess.Popen[str]) -> Done:
    """Wait for the end of a process."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"did not end\n{out}\n{err}")
    return Done(process.returncode, out, err)


def wait_for_lines(file: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until the user's graph has noted something so many times."""
    end_s = time.monotonic() + PATIENCE_S
    while not file.exists() or len(file.read_text().splitlines()) < count:
        if process.poll() is not None or time.monotonic() > end_s:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"{file.name} has no {count} lines\n{out}\n{err}")
        time.sleep(0.01)


def checked_profile(file: Path) -> dict[str, Any]:
    """Read a Profile that keeps to the schema and whose books balance."""
    data = file.read_bytes()
    profile = json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)
    check_profile(profile)
    return profile


def check_profile(profile: dict[str, Any]) -> None:
    """See that a Profile keeps to the schema, and that its books balance."""
    _VALIDATOR.validate(profile)
    summary = profile["summary"]
    outcomes = ("succeeded", "failed", "timed_out", "cancelled")
    assert summary["requests"] == sum(summary[outcome] for outcome in outcomes)
    assert summary["requests"] == len(profile["requests"])
    parts = [seconds for seconds in profile["attribution_s"].values() if seconds is not None]
    mean_s = summary["latency_s"]["mean"] if summary["latency_s"] else 0.0
    assert sum(parts) == pytest.approx(mean_s, rel=0.001)
    assert min(parts) >= 0
