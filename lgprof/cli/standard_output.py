"""Standard output while the user's program runs: kept for the result where that is asked for."""

from __future__ import annotations

import os
import sys
from typing import IO


class StandardOutput:
    """Keeps standard output for the result where ``--json -`` asks for it.

    The user's program may print, also from C or a child process, and after the run as well, from a
    thread or at its exit: the file descriptor itself leads to standard error from now on.
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
        if self._kept is not None:
            os.close(self._kept)
            self._kept = None

    def people(self) -> IO[str]:
        """Where people's output goes."""
        return sys.stderr if self._reserved else sys.stdout

    def write_result(self, data: bytes) -> None:
        """Print the result itself, once."""
        kept, self._kept = self._kept, None
        if kept is not None:
            with os.fdopen(kept, "wb") as file:
                file.write(data + b"\n")
