"""How the process ends: in order where it is asked to, and without waiting for a stuck graph."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_ENDING = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
_ONE_WISH_S = 3.0

was_cut_short = False
"""A graph was stopped, or left to itself: it may still run in a thread that cannot be ended."""


def note_cut_short() -> None:
    """A graph may still run."""
    global was_cut_short
    was_cut_short = True


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Have a polite request to end, as CI systems send it, clear up like Ctrl-C.

    One that is repeated soon is the same wish, and disturbs neither that nor what we still say.
    """
    last_s = -math.inf

    def end(number: int, frame: object) -> None:
        nonlocal last_s
        since_s, last_s = time.monotonic() - last_s, time.monotonic()
        if since_s > _ONE_WISH_S:
            raise KeyboardInterrupt

    kept = {
        number: signal.signal(number, end)
        for number in _ENDING
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def leave(code: int) -> NoReturn:
    """End the process.

    A normal exit waits for a thread that still runs: even for a daemon thread, where it belongs to
    an executor.
    """
    if was_cut_short and threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)
