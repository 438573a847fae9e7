"""Tells when a functional ``@task`` is called: it may wait long before it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from langgraph.pregel import _loop


@contextmanager
def task_calls_noted(note: Callable[[str], None]) -> Iterator[None]:
    """Call ``note(checkpoint namespace)`` for every task that is called, until the context ends."""
    loop: Any = _loop.PregelLoop
    accept_push = loop.accept_push

    @wraps(accept_push)
    def noting_accept_push(self: Any, *args: Any, **kwargs: Any) -> Any:
        task = accept_push(self, *args, **kwargs)
        if task is not None:
            note(task.config["configurable"]["checkpoint_ns"])
        return task

    loop.accept_push = noting_accept_push
    try:
        yield
    finally:
        loop.accept_push = accept_push
