"""Which node attempt the current code belongs to, across tasks and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

ORIGIN: ContextVar[int] = ContextVar("lgprof_origin", default=0)
"""Id of the node attempt that the current code belongs to; 0 outside any."""


class _Carried:
    """A callable that runs with the origin of the place where it was made."""

    __slots__ = ("function", "origin")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.origin = ORIGIN.get()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = ORIGIN.set(self.origin)
        try:
            return self.function(*args, **kwargs)
        finally:
            ORIGIN.reset(token)


@contextmanager
def carried_into_threads() -> Iterator[None]:
    """Let work that a node hands to a thread or pool keep the node as its origin.

    The user's own context variables are left as they are.
    """
    submit, start = ThreadPoolExecutor.submit, threading.Thread.start

    def carrying_submit(
        self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        return submit(self, _Carried(fn), *args, **kwargs)

    def carrying_start(self: threading.Thread) -> None:
        if ORIGIN.get():
            self.run = _Carried(self.run)  # type: ignore[method-assign]
        start(self)

    ThreadPoolExecutor.submit = carrying_submit  # type: ignore[method-assign,assignment]
    threading.Thread.start = carrying_start  # type: ignore[method-assign]
    try:
        yield
    finally:
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
        threading.Thread.start = start  # type: ignore[method-assign]
