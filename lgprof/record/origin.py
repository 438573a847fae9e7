"""Which callback run the current code belongs to, across tasks and threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import thread as pool_module
from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import Any

from lgprof.langgraph_adapter.entry import (
    current_namespace,
    current_run_id,
    path_in,
    run_id_in,
)
from lgprof.record.event_log import ID_MASK
from lgprof.record.trial import TRIAL, Trial

_CARRIED: ContextVar[int] = ContextVar("lgprof_origin", default=0)
"""The origin where LangChain's own context does not tell it: in threads."""
_CARRIED_NAMESPACE: ContextVar[str] = ContextVar("lgprof_namespace", default="")

_MODEL: ContextVar[int] = ContextVar("lgprof_model", default=0)
"""The model call that the current code is part of; LangChain's context names what is around it."""

_open_models: set[int] = set()
"""Model calls that are not over. LangChain reports an end in a context that is not the caller's."""

_POOL_WORKER = getattr(pool_module, "_worker", None)
_POLL_S = 0.01


def origin() -> int:
    """Id of the run, a node's attempt or one inside it, that the current code belongs to.

    0 outside any.
    """
    run_id = current_run_id()
    return run_id.int & ID_MASK if run_id else _CARRIED.get()


def node_path() -> str:
    """Path of the node that the current code belongs to; empty outside any."""
    return path_in(_namespace())


def _namespace() -> str:
    return current_namespace() or _CARRIED_NAMESPACE.get()


def origin_in(context: Context) -> int:
    """The origin of code that runs in a context."""
    run_id = run_id_in(context)
    return run_id.int & ID_MASK if run_id else context.get(_CARRIED, 0)


def enter_model(run: int) -> None:
    """The current code is part of a model call that LangChain reports, until it leaves it."""
    _open_models.add(run)
    _MODEL.set(run)


def leave_model(run: int) -> None:
    """The model call is over."""
    _open_models.discard(run)


def model_around() -> int:
    """Id of the model call that the current code is part of; 0 outside any."""
    run = _MODEL.get()
    return run if run in _open_models else 0


class ThreadWork:
    """What nodes have handed to threads and pools, and still runs."""

    def __init__(self) -> None:
        self.running: set[_Carried] = set()

    def outlives(self, trials: Collection[Trial], within_s: float) -> bool:
        """Whether some of it, begun by these requests, still runs after a while of waiting."""
        end_s = time.monotonic() + within_s
        while any(work.trial in trials for work in list(self.running)):
            if time.monotonic() >= end_s:
                return True
            time.sleep(_POLL_S)
        return False


class _Carried:
    """A callable that runs with the origin and trial of the place where it was made."""

    __slots__ = ("function", "namespace", "origin", "running", "trial")

    def __init__(self, function: Callable[..., Any], work: ThreadWork) -> None:
        self.function = function
        self.running = work.running
        self.origin = origin()
        self.namespace = _namespace()
        self.trial = TRIAL.get()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        origin_token, trial_token = _CARRIED.set(self.origin), TRIAL.set(self.trial)
        namespace_token = _CARRIED_NAMESPACE.set(self.namespace)
        self.running.add(self)
        try:
            return self.function(*args, **kwargs)
        finally:
            self.running.discard(self)
            _CARRIED.reset(origin_token)
            _CARRIED_NAMESPACE.reset(namespace_token)
            TRIAL.reset(trial_token)


Function = Callable[..., Any]


@contextmanager
def carried_into_threads(
    around: Callable[[Function], Function] = lambda function: function,
) -> Iterator[ThreadWork]:
    """Let work that a node hands to a thread or pool keep the node as its origin.

    The user's own context variables are left as they are.

    Args:
        around: Makes what is run instead of the function; called where that is handed over.
    """
    work = ThreadWork()
    submit, start = ThreadPoolExecutor.submit, threading.Thread.start

    def carrying_submit(
        self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        return submit(self, _Carried(around(fn), work), *args, **kwargs)

    def carrying_start(self: threading.Thread) -> None:
        # A pool's own threads wait for work of any origin.
        if origin() and getattr(self, "_target", None) is not _POOL_WORKER:
            self.run = _Carried(around(self.run), work)  # type: ignore[method-assign]
        start(self)

    ThreadPoolExecutor.submit = carrying_submit  # type: ignore[method-assign,assignment]
    threading.Thread.start = carrying_start  # type: ignore[method-assign]
    try:
        yield work
    finally:
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
        threading.Thread.start = start  # type: ignore[method-assign]
