"""Waiting for a call that blocks, without keeping Locust's messages and heartbeats from running."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import gevent
from gevent.event import Event

T = TypeVar("T")

_POLL_S = 0.02


def in_thread(work: Callable[[], T], meanwhile: Callable[[], None] | None = None) -> T:
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

    over = set_when(done)
    gevent.get_hub().threadpool.spawn(run)
    if meanwhile is None:
        over.wait()
    else:
        while not over.wait(_POLL_S):
            meanwhile()
    return done.result()


def set_when(done: Future[Any]) -> Event:
    """An event of the calling thread's greenlets, set when another thread has done its work.

    Who looks now and then instead takes the interpreter lock from the event loop that is measured:
    ten looks a second cost a saturated one 3 to 4 % of its throughput.
    """
    loop, over = gevent.get_hub().loop, Event()
    done.add_done_callback(lambda _: loop.run_callback_threadsafe(over.set))
    return over
