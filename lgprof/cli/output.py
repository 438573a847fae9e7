"""Where a result goes: the report, the saved file, the files asked for, standard output."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from lgprof.cli.leaving import note_cut_short
from lgprof.cli.next_steps import next_steps
from lgprof.cli.standard_output import StandardOutput
from lgprof.errors import UsageError

if TYPE_CHECKING:
    from lgprof.analysis.flame import FlameOptions
    from lgprof.model import Failure, Profile

FOLDER = ".lgprof"
_QUIET: dict[Literal["run", "load"], tuple[str, ...]] = {
    "run": ("latency", "errors", "saved"),
    "load": ("fidelity", "latency", "errors", "saved"),
}


class Measured(Protocol):
    """A Profile and what is not for a file."""

    @property
    def profile(self) -> Profile: ...

    @property
    def failures(self) -> list[Failure]: ...

    @property
    def abandoned(self) -> bool:
        """A request would not stop and still runs in a thread."""
        ...


_Word = TypeVar("_Word", bound=str)
_Result = TypeVar("_Result", bound=Measured)
Report = Callable[[Measured, StandardOutput, "str | None"], None]
"""Prints (result, where to, where it was saved)."""


@dataclass(frozen=True, slots=True)
class Output:
    """What the options ask for, checked before anything runs."""

    files: list[Path]
    force: bool
    as_json: bool
    sections: list[str] | None
    quiet: bool
    verbosity: int
    flame: FlameOptions
    saves: bool = True
    """Whether the Profile is saved under ``.lgprof/`` too."""

    @classmethod
    def checked(
        cls,
        *,
        command: Literal["run", "load"],
        files: list[Path],
        force: bool,
        json_to: str | None,
        show: str | None,
        quiet: bool,
        verbosity: int,
        by: str | None = None,
        view: str | None = None,
    ) -> Output:
        """Make it from the options.

        Raises:
            UsageError: An unknown suffix or part, or a file that exists already.
        """
        check_files(files, command, force=force)
        if json_to not in (None, "-"):
            raise UsageError(
                f"--json {json_to!r}: only - (standard output)", hint="use --output FILE.json"
            )
        sections = chosen_sections(command, show, quiet=quiet)
        flame = chosen_flame(by, view)
        return cls(files, force, json_to is not None, sections, quiet, verbosity, flame)

    def deliver(
        self,
        result: Measured,
        stdout: StandardOutput,
        cwd: Path,
        report: Report | None = None,
    ) -> None:
        """Save, report and print the result. A file that cannot be written costs no other.

        Args:
            result: What was measured.
            stdout: Where people's output and the result itself go.
            cwd: The project's folder.
            report: Prints it for people in a way of its own.
        """
        from lgprof.model.profile_file import encode_profile

        profile = result.profile
        problems: list[str] = []
        if report is None:
            _fill_advice(profile, problems)
        saved_to = save_by_default(profile, cwd, problems) if self.saves else None
        written = write_files(profile, self.files, self.flame, force=self.force, problems=problems)
        saved = [str(file) for file in (saved_to, *written) if file]
        for problem in problems:
            print(f"warning: {problem}", file=sys.stderr)
        # A reader who has gone, such as head, costs nothing else; nor does the report if the
        # result itself is yet to be printed.
        with suppress(OSError if self.as_json else BrokenPipeError):
            (report or self._report)(result, stdout, ", ".join(saved) or None)
        if self.as_json:
            stdout.write_result(encode_profile(profile))
        require_all(self.files, written)

    def _report(self, result: Measured, stdout: StandardOutput, saved_to: str | None) -> None:
        from lgprof.cli.console import ReportConsole
        from lgprof.render.terminal import render_report

        render_report(
            result.profile,
            ReportConsole(stdout.people()),
            failures=result.failures,
            sections=self.sections,
            verbosity=self.verbosity,
            saved_to=saved_to,
            next_steps=next_steps(
                result.profile, failures=len(result.failures), verbosity=self.verbosity
            ),
            flame=self.flame,
        )


def measure_and_deliver(
    measure: Callable[[], _Result], out: Output, cwd: Path, report: Report | None = None
) -> _Result | None:
    """Measure, then save, report and print; None where Ctrl-C came before there was a result.

    Args:
        measure: Makes the result.
        out: What the options ask for.
        cwd: The project's folder.
        report: Prints the result for people in a way of its own.
    """
    with StandardOutput(reserved=out.as_json) as stdout:
        try:
            result = measure()
        except KeyboardInterrupt:
            note_cut_short()
            print("interrupted: nothing was measured", file=sys.stderr)
            return None
        if result.abandoned or result.profile.interrupted:
            note_cut_short()
        out.deliver(result, stdout, cwd, report)
    return result


def _fill_advice(profile: Profile, problems: list[str]) -> None:
    """Note the advice that is worth a line. Whatever goes wrong costs no measurement."""
    from lgprof.advice.advise import advise

    try:
        profile.advice = advise(profile).noteworthy
    except Exception as error:
        problems.append(f"no advice, by a defect of lgprof: {type(error).__name__}: {error}")


def check_files(files: Sequence[Path], kind: Literal["run", "load"], *, force: bool) -> None:
    """Check before anything runs that files can be written.

    Raises:
        UsageError: An unknown suffix, or a file that exists already.
    """
    from lgprof.render.formats import format_of

    for file in files:
        format_of(file, kind)
    refuse_existing(files, force=force)


def refuse_existing(files: Sequence[Path], *, force: bool) -> None:
    """Keep files that are there.

    Raises:
        UsageError: One is, and ``force`` is off.
    """
    for file in files:
        if file.exists() and not force:
            raise UsageError(f"{file} exists already", hint="add --force to overwrite it")


def write_files(
    profile: Profile,
    files: Sequence[Path],
    flame: FlameOptions,
    *,
    force: bool,
    problems: list[str],
) -> list[Path]:
    """Write a Profile in the formats of the files; one that cannot be written is a problem more.

    Returns:
        The files that were written.
    """
    return [file for file in files if _write(profile, file, force, problems, flame)]


def require_all(files: Sequence[Path], written: Sequence[Path]) -> None:
    """Tell by the exit code that a file is missing.

    Raises:
        UsageError: It is.
    """
    missing = [str(file) for file in files if file not in written]
    if missing:
        raise UsageError(f"--output: not written: {', '.join(missing)}")


def chosen_sections(
    kind: Literal["run", "load"], show: str | None, *, quiet: bool
) -> list[str] | None:
    """The parts of the report to print; None for all.

    Raises:
        UsageError: ``show`` names one that does not exist.
    """
    if show is None:
        return list(_QUIET[kind]) if quiet else None
    from lgprof.render.terminal import SECTIONS

    names = [name.strip() for name in show.split(",") if name.strip()]
    unknown = [name for name in names if name not in SECTIONS]
    if unknown or not names:
        raise UsageError(
            f"--show {show!r}: no such part", hint=f"choose from {', '.join(SECTIONS)}"
        )
    return names


def chosen_flame(by: str | None, view: str | None) -> FlameOptions:
    """Which flame graph to draw.

    Raises:
        UsageError: There is none such.
    """
    from lgprof.analysis.flame import VIEWS, WIDTHS, FlameOptions

    options = FlameOptions(_one_of("--view", view, VIEWS), _one_of("--by", by, WIDTHS))
    if options.view == "elapsed" and options.by != "time":
        raise UsageError(
            f"--view elapsed is of time, not of {options.by}", hint="leave out --view or --by"
        )
    return options


def _one_of(option: str, value: str | None, words: tuple[_Word, ...]) -> _Word:
    if value is None:
        return words[0]
    for word in words:
        if word == value:
            return word
    raise UsageError(f"{option} {value!r} is not known", hint=f"use {', '.join(words)}")


def save_by_default(profile: Profile, cwd: Path, problems: list[str]) -> Path | None:
    """Under ``.lgprof/``; in the temporary folder where that cannot be written."""
    moment = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folders: Sequence[Path] = (cwd / FOLDER, Path(tempfile.gettempdir()) / "lgprof")
    unwritten: list[str] = []
    for folder in folders:
        file = _taken_name(folder, f"{profile.kind}-{moment}")
        if _write(profile, file, True, unwritten):
            instead = f"the Profile is in {file}; -o FILE.json saves it where you say"
            problems += [f"{reason}: {instead}" for reason in unwritten]
            return file.relative_to(cwd) if file.is_relative_to(cwd) else file
        with suppress(OSError):
            file.unlink(missing_ok=True)
    problems += unwritten
    return None


def _write(
    profile: Profile,
    file: Path,
    force: bool,
    problems: list[str],
    flame: FlameOptions | None = None,
) -> bool:
    from lgprof.model.profile_file import write_private
    from lgprof.render.formats import format_of

    try:
        data = format_of(file, profile.kind).encoded(profile, flame)
        write_private(data, file, force=force)
    except UsageError as error:
        problems.append(error.message)
        return False
    return True


def _taken_name(folder: Path, stem: str) -> Path:
    """A file that nobody else has, taken at once: another lgprof may save in the same second."""
    with suppress(OSError):  # writing it will tell
        folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            file = folder / (f"{stem}.json" if number == 1 else f"{stem}-{number}.json")
            with suppress(FileExistsError):
                file.touch(mode=0o600, exist_ok=False)
                return file
    return folder / f"{stem}.json"
