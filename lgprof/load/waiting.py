"""Waiting for a call that blocks, without keeping Locust's messages and heartbeats from running."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import gevent

T = TypeVar("T")

_POLL_S = 0.02


def in_thread(work: Callable[[], T], meanwhile: Callable[[], None] = lambda: None) -> T:
    """Run a call in a native thread and wait for it; what it raises is raised here.

    Args:
        work: What may block.
        meanwhile: Called while waiting; what it raises ends the waiting, not the call.
    """
    done: Future[T] = Future()

    def run() -> None:
        # Not raised in the thread: gevent would print it.
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    gevent.get_hub().threadpool.spawn(run)
    while not done.done():
        gevent.sleep(_POLL_S)
        meanwhile()
    return done.result()
