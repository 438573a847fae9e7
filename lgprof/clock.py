"""The clock seam: every time that lgprof measures comes from a `Clock`, so tests can set it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


def _cpu_ns_of(thread: int) -> int | None:
    try:
        return time.clock_gettime_ns(time.pthread_getcpuclockid(thread))
    except (AttributeError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Clock:
    """Time sources: functions that return nanoseconds."""

    now_ns: Callable[[], int] = time.perf_counter_ns
    """Monotonic time."""
    thread_cpu_ns: Callable[[], int] = time.thread_time_ns
    """CPU time of the calling thread."""
    process_cpu_ns: Callable[[], int] = time.process_time_ns
    """CPU time of the whole process."""
    cpu_ns_of: Callable[[int], int | None] = _cpu_ns_of
    """CPU time of a running thread, by its identifier; None where the system does not tell."""


SYSTEM_CLOCK = Clock()
