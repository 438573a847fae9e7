"""Where a result goes: the report, the saved file, the files asked for, standard output."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lgprof.errors import UsageError

if TYPE_CHECKING:
    from lgprof.model import Profile
    from lgprof.run import RunResult

FOLDER = ".lgprof"
_SUFFIXES = (".json", ".json.gz")
_QUIET = ("latency", "errors", "saved")
_NOT_AGAIN = ("-n", "--requests", "-o", "--output")
_LONGEST_COMMAND = 80
_ENOUGH = 20
"""Requests that make a histogram."""


class StandardOutput:
    """Keeps standard output for the result where ``--json -`` asks for it.

    The user's graph may print, also from C or a child process: while it runs, the file descriptor
    itself leads to standard error.
    """

    def __init__(self, *, reserved: bool) -> None:
        self._reserved = reserved
        self._kept: int | None = None

    def __enter__(self) -> StandardOutput:
        if self._reserved:
            sys.stdout.flush()
            self._kept = os.dup(1)
            os.dup2(2, 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _restore(self) -> None:
        if self._kept is not None:
            sys.stdout.flush()
            os.dup2(self._kept, 1)
            os.close(self._kept)
            self._kept = None

    def people(self) -> IO[str]:
        """Where people's output goes."""
        return sys.stderr if self._reserved else sys.stdout

    def write_result(self, data: bytes) -> None:
        """Print the result itself."""
        self._restore()
        sys.stdout.buffer.write(data + b"\n")
        sys.stdout.buffer.flush()


@dataclass(frozen=True, slots=True)
class Output:
    """What the options ask for, checked before anything runs."""

    files: list[Path]
    force: bool
    as_json: bool
    sections: list[str] | None
    quiet: bool
    verbosity: int

    @classmethod
    def checked(
        cls,
        *,
        files: list[Path],
        force: bool,
        json_to: str | None,
        show: str | None,
        quiet: bool,
        verbosity: int,
    ) -> Output:
        """Make it from the options.

        Raises:
            UsageError: An unknown suffix or part, or a file that exists already.
        """
        for file in files:
            if not file.name.endswith(_SUFFIXES):
                raise UsageError(
                    f"--output {file}: unknown suffix", hint=f"use {' or '.join(_SUFFIXES)}"
                )
            if file.exists() and not force:
                raise UsageError(f"{file} exists already", hint="add --force to overwrite it")
        if json_to not in (None, "-"):
            raise UsageError(
                f"--json {json_to!r}: only - (standard output)", hint="use --output FILE.json"
            )
        sections = _sections(show) if show is not None else list(_QUIET) if quiet else None
        return cls(files, force, json_to is not None, sections, quiet, verbosity)

    def deliver(self, result: RunResult, stdout: StandardOutput, cwd: Path) -> None:
        """Save, report and print the result. A file that cannot be written costs no other."""
        from lgprof.model.profile_file import encode_profile

        profile = result.profile
        problems: list[str] = []
        saved_to = _save_by_default(profile, cwd, problems)
        written = [file for file in self.files if _write(profile, file, self.force, problems)]
        saved = [str(file) for file in (saved_to, *written) if file]
        with suppress(BrokenPipeError):  # a reader who has gone, such as head, costs nothing else
            self._report(result, stdout, ", ".join(saved) or None)
        for problem in problems:
            print(f"warning: {problem}", file=sys.stderr)
        if self.as_json:
            stdout.write_result(encode_profile(profile))
        missing = [str(file) for file in self.files if file not in written]
        if missing:
            raise UsageError(f"--output: not written: {', '.join(missing)}")

    def _report(self, result: RunResult, stdout: StandardOutput, saved_to: str | None) -> None:
        from lgprof.cli.console import ReportConsole
        from lgprof.render.terminal import render_report

        render_report(
            result.profile,
            ReportConsole(stdout.people()),
            failures=result.failures,
            sections=self.sections,
            verbosity=self.verbosity,
            saved_to=saved_to,
            next_steps=self._next_steps(result),
        )

    def _next_steps(self, result: RunResult) -> list[str]:
        summary, steps = result.profile.summary, []
        if summary.succeeded and summary.requests < _ENOUGH:
            steps.append(f"{_again('-n', '50')}    more runs: a histogram and a firmer p95")
        if len(result.failures) > 1 and not self.verbosity:
            steps.append(f"{_again('-v')}    every traceback")
        return steps


def _sections(show: str) -> list[str]:
    from lgprof.render.terminal import SECTIONS

    names = [name.strip() for name in show.split(",") if name.strip()]
    unknown = [name for name in names if name not in SECTIONS]
    if unknown or not names:
        raise UsageError(
            f"--show {show!r}: no such part", hint=f"choose from {', '.join(SECTIONS)}"
        )
    return names


def _save_by_default(profile: Profile, cwd: Path, problems: list[str]) -> Path | None:
    """Under ``.lgprof/``; in the temporary folder where that cannot be written."""
    moment = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folders: Sequence[Path] = (cwd / FOLDER, Path(tempfile.gettempdir()) / "lgprof")
    for folder in folders:
        file = _free_name(folder, f"{profile.kind}-{moment}")
        if _write(profile, file, False, problems):
            return file.relative_to(cwd) if file.is_relative_to(cwd) else file
    return None


def _write(profile: Profile, file: Path, force: bool, problems: list[str]) -> bool:
    from lgprof.model import write_profile

    try:
        write_profile(profile, file, force=force)
    except UsageError as error:
        problems.append(error.message)
        return False
    return True


def _free_name(folder: Path, stem: str) -> Path:
    file, number = folder / f"{stem}.json", 1
    while file.exists():
        number += 1
        file = folder / f"{stem}-{number}.json"
    return file


def _again(*more: str) -> str:
    """The command as it was typed, with something more."""
    arguments = sys.argv[1:]
    for option in _NOT_AGAIN:
        while option in arguments:
            at = arguments.index(option)
            del arguments[at : at + 2]
    command = shlex.join(["lgprof", *arguments, *more])
    return command if len(command) <= _LONGEST_COMMAND else f"the same with {shlex.join(more)}"
