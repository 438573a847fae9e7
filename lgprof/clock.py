"""The clock seam: every time that lgprof measures comes from a `Clock`, so tests can set it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Three time sources, each a function without arguments that returns nanoseconds."""

    now_ns: Callable[[], int] = time.perf_counter_ns
    """Monotonic time."""
    thread_cpu_ns: Callable[[], int] = time.thread_time_ns
    """CPU time of the calling thread."""
    process_cpu_ns: Callable[[], int] = time.process_time_ns
    """CPU time of the whole process."""


SYSTEM_CLOCK = Clock()
