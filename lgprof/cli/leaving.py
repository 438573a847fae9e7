"""How the process ends: at once, where a graph that would not stop still runs in a thread."""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

was_cut_short = False
"""A graph was stopped, or left to itself: it may still run in a thread that cannot be ended."""


def note_cut_short() -> None:
    """A graph may still run."""
    global was_cut_short
    was_cut_short = True


def leave(code: int) -> NoReturn:
    """End the process.

    A normal exit waits for a thread that still runs: even for a daemon thread, where it belongs to
    an executor.
    """
    if was_cut_short and threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)
