"""Running the user's code while loading it: what it prints, and what it raises."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import lgprof
from lgprof.errors import LgprofError, TargetError

_OUR_FOLDER = str(Path(lgprof.__file__).parent)
_MACHINERY = ("<frozen ", str(Path(importlib.__file__).parent), contextlib.__file__)
_LANGGRAPH_NOTES = ("During task with name", "Before task with name")
_PASS_ON = (KeyboardInterrupt, asyncio.CancelledError, GeneratorExit, LgprofError)


@contextlib.contextmanager
def user_code(doing: str) -> Iterator[None]:
    """Run the user's code: its output goes to standard error, its errors become a `TargetError`.

    Standard output belongs to the result (``--json -``).

    Args:
        doing: What the message says, such as ``importing app.py``.

    Raises:
        TargetError: The code raised, or ended the program.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except _PASS_ON:
        raise
    except BaseException as error:  # also SystemExit, and what test tools derive from it
        raise TargetError(_message(doing, error), user_traceback=user_traceback(error)) from error


def _message(doing: str, error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"{doing} ended the program (exit code {error.code})"
    text = message_of(error).strip()
    summary = f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
    return f"{doing} failed: {summary}"


def message_of(error: BaseException) -> str:
    """An exception's message; a stand-in where its own ``__str__`` raises."""
    try:
        return str(error)
    except Exception:
        return f"({type(error).__name__} whose message cannot be read)"


def user_traceback(error: BaseException, hidden: tuple[str, ...] = ()) -> str:
    """An exception's traceback as its owner would see it: lgprof and the import system cut out.

    Args:
        error: What was raised.
        hidden: Beginnings of more file names to cut.
    """
    told = traceback.TracebackException.from_exception(error)
    _cut(told, hidden)
    lines = list(told.format())
    if not told.stack and told.__cause__ is None and told.__context__ is None:
        # Some versions of Python print the header of a traceback without frames, some do not.
        lines = [line for line in lines if not line.startswith("Traceback ")]
    return "".join(lines)


def _cut(told: traceback.TracebackException, hidden: tuple[str, ...]) -> None:
    told.stack[:] = [
        frame
        for frame in told.stack
        if is_user_file(frame.filename) and not frame.filename.startswith(hidden)
    ]
    notes = [note for note in told.__notes__ or () if not note.startswith(_LANGGRAPH_NOTES)]
    told.__notes__ = notes or None
    for linked in (told.__cause__, told.__context__, *(told.exceptions or ())):
        if linked is not None:
            _cut(linked, hidden)


def has_user_frames(error: BaseException) -> bool:
    """Whether any code of the user's ran between us and where an exception was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(is_user_file(frame.filename) for frame in frames)


def is_user_file(filename: str) -> bool:
    """Whether a frame's file is neither ours nor of the machinery that runs theirs."""
    return not filename.startswith((_OUR_FOLDER, *_MACHINERY))
