"""Notes HTTP clients that nodes build: each opens connections of its own."""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

from lgprof.clock import Clock
from lgprof.record.event_log import ClientBuild, Recording
from lgprof.record.origin import origin

_CLIENTS = (
    ("httpx", ("Client", "AsyncClient")),
    ("httpx2", ("Client", "AsyncClient")),
    ("requests", ("Session",)),
    ("aiohttp", ("ClientSession",)),
)


@contextmanager
def client_builds_noted(recording: Recording, clock: Clock) -> Iterator[None]:
    """Note clients that are built inside nodes until the context ends.

    Those of libraries that are imported already; SDKs of providers build theirs from these. Reading
    the certificates takes most of the time, and some SDKs do that before they build the client.
    """
    builds = _Builds(recording, clock)
    with ExitStack() as stack:
        for module, classes in _CLIENTS:
            for name in classes:
                cls = getattr(sys.modules.get(module), name, None)
                if isinstance(cls, type):
                    stack.callback(setattr, cls, "__init__", cls.__init__)  # type: ignore[misc]
                    made: Any = builds.noting(cls.__init__, clients=1)  # type: ignore[misc]
                    cls.__init__ = made  # type: ignore[misc]
        stack.callback(setattr, ssl, "create_default_context", ssl.create_default_context)
        ssl.create_default_context = builds.noting(ssl.create_default_context, clients=0)
        yield


class _Builds:
    """Times what builds clients; what is built inside counts as part of what is around it."""

    def __init__(self, recording: Recording, clock: Clock) -> None:
        self._recording = recording
        self._clock = clock
        self._thread = threading.local()

    def noting(self, build: Callable[..., Any], *, clients: int) -> Callable[..., Any]:
        @wraps(build)
        def noted(*args: Any, **kwargs: Any) -> Any:
            scope = 0 if getattr(self._thread, "is_building", False) else origin()
            if not scope:
                return build(*args, **kwargs)
            self._thread.is_building, start_ns = True, self._clock.now_ns()
            try:
                made = build(*args, **kwargs)
            finally:
                self._thread.is_building = False
            taken_ns = self._clock.now_ns() - start_ns
            self._recording.clients.append(ClientBuild(scope, clients, taken_ns))
            return made

        return noted
