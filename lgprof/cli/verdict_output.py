"""Where a verdict goes: the terminal, files, standard output, and what CI shows of it."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lgprof.cli.output import refuse_existing, require_all, save_by_default
from lgprof.cli.standard_output import StandardOutput
from lgprof.errors import UsageError

if TYPE_CHECKING:
    from lgprof.model import Profile, Verdict
    from lgprof.run import RunResult


@dataclass(frozen=True, slots=True)
class VerdictOutput:
    """What the options ask for, checked before anything runs."""

    files: list[Path]
    force: bool
    as_json: bool
    quiet: bool
    verbosity: int

    @classmethod
    def checked(
        cls, *, files: list[Path], force: bool, json_to: str | None, quiet: bool, verbosity: int
    ) -> VerdictOutput:
        """Make it from the options.

        Raises:
            UsageError: An unknown suffix, or a file that exists already.
        """
        from lgprof.render.verdict_files import format_of

        for file in files:
            format_of(file)
        refuse_existing(files, force=force)
        if json_to not in (None, "-"):
            raise UsageError(
                f"--json {json_to!r}: only - (standard output)", hint="use --output FILE.json"
            )
        return cls(files, force, json_to is not None, quiet, verbosity)

    def refuse_reports(self) -> None:
        """Say before anything runs that there will be no single Profile to report.

        Raises:
            UsageError: A report is asked for.
        """
        from lgprof.render.verdict_files import format_of

        for file in self.files:
            if format_of(file).needs_profile:
                raise UsageError(
                    f"--output {file}: --against alone judges two versions, and the report is of "
                    "one",
                    hint="add a --budget or --baseline, or compare saved Profiles with lgprof diff",
                )

    def keep_measurement(self, result: RunResult, stdout: StandardOutput, cwd: Path) -> None:
        """Save the Profile that the verdict is about, and show the errors of the user's graph."""
        problems: list[str] = []
        saved_to = save_by_default(result.profile, cwd, problems)
        for problem in problems:
            print(f"warning: {problem}", file=sys.stderr)
        if result.failures:
            from lgprof.cli.console import ReportConsole
            from lgprof.render.terminal import render_report

            with suppress(OSError if self.as_json else BrokenPipeError):
                console = ReportConsole(stdout.people())
                render_report(
                    result.profile, console, failures=result.failures, sections=["errors"]
                )
                console.print()
        if saved_to is not None and not self.quiet:
            print(f"profile saved: {saved_to}", file=sys.stderr)

    def deliver(self, verdict: Verdict, profile: Profile | None, stdout: StandardOutput) -> None:
        """Print the verdict and write it, and the report of the Profile that it is about.

        A file that cannot be written costs no other.
        """
        from lgprof.cli.github import tell_github
        from lgprof.model.profile_file import write_private
        from lgprof.render.verdict_files import Judged, encode_verdict, format_of

        written = []
        for file in self.files:
            try:
                data = format_of(file).encode(Judged(verdict, profile))
                write_private(data, file, force=self.force)
                written.append(file)
            except UsageError as error:
                print(f"warning: {error.message}", file=sys.stderr)
        with suppress(OSError if self.as_json else BrokenPipeError):
            self._show(verdict, stdout)
        tell_github(verdict, stdout.people())
        if self.as_json:
            stdout.write_result(encode_verdict(verdict))
        require_all(self.files, written)

    def _show(self, verdict: Verdict, stdout: StandardOutput) -> None:
        from lgprof.cli.console import ReportConsole
        from lgprof.render.terminal.verdict import render_verdict

        console = ReportConsole(stdout.people())
        render_verdict(verdict, console, verbosity=self.verbosity, only_failed=self.quiet)
