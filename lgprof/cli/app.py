"""The Typer application and its entry point."""

from __future__ import annotations

import errno
import faulthandler
import os
import sys
import traceback
from contextlib import suppress
from typing import IO, Annotated

import typer

import lgprof
from lgprof.cli import advise, diff, gate, graph, history, init, load, report, run
from lgprof.cli.leaving import leave
from lgprof.errors import ExitCode, LgprofError, UsageError

ISSUES_URL = "https://github.com/lgprof/lgprof/issues"
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}

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
app.command(name="load")(load.load)
app.command(name="advise")(advise.advise)
app.command(name="gate")(gate.gate)
app.command(name="diff")(diff.diff)
app.command(name="report")(report.report)
app.command(name="graph")(graph.graph)
app.command(name="history")(history.history)
app.command(name="init")(init.init)


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    _open_missing_streams()
    if not faulthandler.is_enabled():
        faulthandler.enable(all_threads=False)  # a crash in C code names the graph's line
    code = _exit_code_of_run()
    for stream in (sys.stdout, sys.stderr):
        code = _flush(stream) or code
    leave(code)


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
    except OSError as error:
        if not _is_of_stream(error):
            _report_defect()
            return ExitCode.INTERNAL
        return _cannot_write_output(error)
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


def _is_of_stream(error: OSError) -> bool:
    """Whether writing to a stream failed, such as one to a full disk: a file would have a name."""
    return error.errno in _UNWRITABLE and error.filename is None


def _cannot_write_output(error: OSError) -> ExitCode:
    _discard(sys.stdout)
    _explain(UsageError(f"standard output cannot be written: {error.strerror}"))
    return ExitCode.USAGE


def _say(text: str) -> None:
    with suppress(OSError):
        print(text, file=sys.stderr)


def _open_missing_streams() -> None:
    """Stand in for streams that the caller closed (``>&-``)."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            setattr(sys, name, open(number, "w", closefd=False))  # noqa: SIM115


def _flush(stream: IO[str]) -> ExitCode | None:
    """Write what is pending; an exit code where that is an error."""
    try:
        stream.flush()
    except OSError as error:
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            return _cannot_write_output(error)
        _discard(stream)
    return None


def _discard(stream: IO[str]) -> None:
    """Keep what is pending, and the interpreter at its exit, from failing once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
