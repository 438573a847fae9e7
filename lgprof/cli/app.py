"""The Typer application and its entry point."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from contextlib import suppress
from typing import IO, Annotated

import typer

import lgprof
from lgprof.cli import run
from lgprof.errors import ExitCode, LgprofError

ISSUES_URL = "https://github.com/lgprof/lgprof/issues"

app = typer.Typer(
    name="lgprof",
    help="Profile LangGraph applications: where the time and the money go.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lgprof {lgprof.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version"),
    ] = False,
) -> None:
    """Profile LangGraph applications: where the time and the money go."""


app.command(name="run")(run.run)


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    code = _exit_code_of_run()
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    if run.was_cut_short and threading.active_count() > 1:
        # A graph that would not stop still runs in a thread, and a normal exit would wait for it:
        # even for a daemon thread, where it belongs to an executor.
        os._exit(code)
    sys.exit(code)


def _exit_code_of_run() -> int:
    try:
        code = app(prog_name="lgprof", standalone_mode=False)
        return int(code or ExitCode.OK)
    except LgprofError as error:
        _explain(error)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        return ExitCode.INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # The reader (such as `head`) has gone: that is no failure of ours, though Typer leaves.
        return ExitCode.OK
    except typer.Exit as left:
        return left.exit_code
    except Exception as error:
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # a usage error of Typer's
            error.show()
            return ExitCode.USAGE
        _report_defect()
        return ExitCode.INTERNAL


def _explain(error: LgprofError) -> None:
    if error.user_traceback:
        _say(error.user_traceback.rstrip())
    _say(f"error: {error.message}")
    if error.hint:
        _say(f"  {error.hint}")


def _report_defect() -> None:
    _say(traceback.format_exc().rstrip())
    _say(f"lgprof {lgprof.__version__} failed: this is a defect of lgprof, not of your graph.")
    _say(f"Please report it with the lines above: {ISSUES_URL}")


def _say(text: str) -> None:
    with suppress(BrokenPipeError):
        print(text, file=sys.stderr)


def _flush(stream: IO[str]) -> None:
    try:
        stream.flush()
    except BrokenPipeError:
        # Keep the interpreter from failing once more when it flushes at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
