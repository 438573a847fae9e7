"""Keeps a node from ending the process, and with it the measurement."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class ProcessExit(BaseException):
    """What ``os._exit`` raises in place of ending the process; reports name it by the call."""

    __module__ = "os"
    __qualname__ = "_exit"


@contextmanager
def process_exits_raised() -> Iterator[None]:
    """Let ``os._exit`` raise where it is called, as ``sys.exit`` does: one request fails by it.

    The processes that a graph forks end as ever.
    """
    process, ends_it = os.getpid(), os._exit

    def raise_instead(status: int) -> NoReturn:
        if os.getpid() != process:
            ends_it(status)
        raise ProcessExit(f"ends the process with exit code {status}")

    os._exit = raise_instead
    try:
        yield
    finally:
        os._exit = ends_it
