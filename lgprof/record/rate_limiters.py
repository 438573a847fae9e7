"""Times the waits in LangChain's own rate limiters: they are no part of a model's time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from langchain_core.rate_limiters import BaseRateLimiter

from lgprof.clock import Clock
from lgprof.record.class_methods import wrapped_methods
from lgprof.record.event_log import Recording
from lgprof.record.origin import model_around, origin

_SHORTEST_WAIT_NS = 100_000


@contextmanager
def rate_limiters_timed(recording: Recording, clock: Clock) -> Iterator[None]:
    """Record the waits of all rate limiters until the context ends."""
    now_ns = clock.now_ns

    def note(start_ns: int) -> None:
        end_ns, run = now_ns(), model_around() or origin()
        if run and end_ns - start_ns >= _SHORTEST_WAIT_NS:
            recording.rate_waits.append((start_ns, end_ns, run))

    def timed(acquire: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(acquire)
        def timed_acquire(*args: Any, **kwargs: Any) -> Any:
            start_ns = now_ns()
            try:
                return acquire(*args, **kwargs)
            finally:
                note(start_ns)

        return timed_acquire

    def timed_async(acquire: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(acquire)
        async def timed_acquire(*args: Any, **kwargs: Any) -> Any:
            start_ns = now_ns()
            try:
                return await acquire(*args, **kwargs)
            finally:
                note(start_ns)

        return timed_acquire

    with wrapped_methods(BaseRateLimiter, {"acquire": timed, "aacquire": timed_async}):
        yield
