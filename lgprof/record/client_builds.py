"""Notes HTTP clients that nodes build: each opens connections of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

from lgprof.clock import Clock
from lgprof.record.event_log import ClientBuild, Recording
from lgprof.record.origin import origin

_CLIENTS = (
    ("httpx", ("Client", "AsyncClient")),
    ("requests", ("Session",)),
    ("aiohttp", ("ClientSession",)),
)


@contextmanager
def client_builds_noted(recording: Recording, clock: Clock) -> Iterator[None]:
    """Note clients that are built inside nodes until the context ends.

    Those of libraries that are imported already; SDKs of providers build theirs from these.
    """
    with ExitStack() as stack:
        for module, classes in _CLIENTS:
            for name in classes:
                cls = getattr(sys.modules.get(module), name, None)
                if isinstance(cls, type):
                    stack.callback(setattr, cls, "__init__", cls.__init__)  # type: ignore[misc]
                    made: Any = _noting(cls.__init__, recording, clock)  # type: ignore[misc]
                    cls.__init__ = made  # type: ignore[misc]
        yield


def _noting(build: Callable[..., None], recording: Recording, clock: Clock) -> Callable[..., None]:
    @wraps(build)
    def noted(self: Any, *args: Any, **kwargs: Any) -> None:
        start_ns = clock.now_ns()
        build(self, *args, **kwargs)
        if scope := origin():
            name = type(self).__name__
            recording.clients.append(ClientBuild(scope, name, clock.now_ns() - start_ns))

    return noted
