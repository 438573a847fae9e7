"""An event loop whose time stands still while code runs and jumps to the next timer when idle.

What a test sleeps takes no real time, and what is measured is exact.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from dataclasses import dataclass

from lgprof.clock import Clock


@dataclass
class VirtualTime:
    """Time and CPU time that pass only when told to."""

    now_ns: int = 1_000_000_000
    cpu_ns: int = 0

    @property
    def clock(self) -> Clock:
        return Clock(
            lambda: self.now_ns, lambda: self.cpu_ns, lambda: self.cpu_ns, lambda _: self.cpu_ns
        )

    def compute(self, seconds: float) -> None:
        """Code that uses the CPU."""
        self.now_ns += round(seconds * 1e9)
        self.cpu_ns += round(seconds * 1e9)

    def block(self, seconds: float) -> None:
        """A call that blocks its thread without using the CPU."""
        self.now_ns += round(seconds * 1e9)

    def loop(self) -> asyncio.AbstractEventLoop:
        return _VirtualLoop(self)


_PATIENCE_S = 0.5
"""How long a thread is waited for that works for the loop, in real time."""


class _VirtualSelector(selectors.DefaultSelector):
    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._time = time
        self.in_threads = 0
        """What threads work on for the loop: time stands still for it too."""

    def select(self, timeout=None):
        if timeout is None:
            return super().select(None)
        events = super().select(_PATIENCE_S if self.in_threads and timeout > 0 else 0)
        if not events and timeout > 0:
            self._time.now_ns += math.ceil(timeout * 1e9)
        return events


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, time: VirtualTime) -> None:
        self._virtual_selector = _VirtualSelector(time)
        super().__init__(self._virtual_selector)
        self._virtual_time = time

    def run_in_executor(self, executor, func, *args):
        future = super().run_in_executor(executor, func, *args)
        self._virtual_selector.in_threads += 1
        future.add_done_callback(self._back)
        return future

    async def shutdown_default_executor(self, timeout=None) -> None:
        """Without a time limit, which from Python 3.12 on would be over at once."""
        await super().shutdown_default_executor()

    def _back(self, future) -> None:
        self._virtual_selector.in_threads -= 1

    def time(self) -> float:
        return self._virtual_time.now_ns / 1e9
