"""The exception tree and the exit codes of the command line.

    LgprofError                 everything that lgprof raises on purpose
    ├── UsageError              exit 2: options, configuration, inputs, a file that is no Profile
    │   └── TargetError         exit 2: the target cannot be found, imported or used as a graph
    └── TargetFailedError       exit 3: the user's graph gave no valid sample

Each message says what was wrong and where; ``hint`` says what to type instead.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its caller."""

    OK = 0
    """Everything worked."""
    GATE_FAILED = 1
    """A budget or a gate failed."""
    USAGE = 2
    """Wrong option, configuration, input or target."""
    TARGET_FAILED = 3
    """The user's graph failed on every request: there is no valid sample."""
    INTERNAL = 4
    """A defect of lgprof itself."""
    INVALID = 5
    """The measurement is invalid, or inconclusive where that is set to fail."""
    INTERRUPTED = 130
    """Ctrl-C; the partial result was saved."""


class LgprofError(Exception):
    """An error that lgprof explains.

    Args:
        message: What was wrong, and where.
        hint: What to type instead, or None.
        user_traceback: The user's own traceback (our frames cut away), or None.
    """

    exit_code = ExitCode.INTERNAL

    def __init__(
        self, message: str, *, hint: str | None = None, user_traceback: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.user_traceback = user_traceback


class UsageError(LgprofError):
    """A wrong option, setting, input or file."""

    exit_code = ExitCode.USAGE


class TargetError(UsageError):
    """The target cannot be found, imported, or is not a graph."""


class TargetFailedError(LgprofError):
    """The user's graph gave no valid sample."""

    exit_code = ExitCode.TARGET_FAILED
