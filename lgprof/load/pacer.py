"""Wakes the event loop at exact moments."""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
import sys
from collections.abc import Callable
from typing import Protocol

from lgprof.clock import Clock

_EARLIEST_NS = 1_000
_CLOCK_MONOTONIC = 1
_NONBLOCK_CLOEXEC = 0o2004000
_TIMER = struct.Struct("@4q")
"""Interval and first expiry, each in seconds and nanoseconds."""


class Alarm(Protocol):
    """Calls a function on the event loop once, at the time last set."""

    def set(self, at_ns: int) -> None:
        """Ring at this time of the clock, instead of at the time set before."""

    def close(self) -> None:
        """Ring no more."""


def alarm(loop: asyncio.AbstractEventLoop, ring: Callable[[], None], clock: Clock) -> Alarm:
    """The most exact alarm that the platform and the loop have."""
    if sys.platform == "linux" and isinstance(loop, asyncio.SelectorEventLoop):
        try:
            return _TimerFd(loop, ring, clock)
        except OSError:
            pass
    return _CallLater(loop, ring, clock)


class _CallLater:
    def __init__(
        self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None], clock: Clock
    ) -> None:
        self._loop, self._ring, self._now_ns = loop, ring, clock.now_ns
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at_ns: int) -> None:
        self.close()
        self._handle = self._loop.call_later(max(0, at_ns - self._now_ns()) / 1e9, self._ring)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


class _TimerFd:
    """Linux's timerfd: epoll rounds the loop's own timers up to whole milliseconds."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None], clock: Clock
    ) -> None:
        self._loop, self._ring, self._now_ns = loop, ring, clock.now_ns
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        loop.add_reader(self._fd, self._expired)

    def set(self, at_ns: int) -> None:
        seconds, ns = divmod(max(_EARLIEST_NS, at_ns - self._now_ns()), 1_000_000_000)
        self._libc.timerfd_settime(self._fd, 0, _TIMER.pack(0, 0, seconds, ns), None)

    def close(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _expired(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:  # it was set anew since it rang
            return
        self._ring()
