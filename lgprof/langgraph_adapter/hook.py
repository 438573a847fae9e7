"""Installs a callback handler in every LangChain and LangGraph run of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers import context as tracer_context


@contextmanager
def installed(handler: BaseCallbackHandler) -> Iterator[None]:
    """Make every run report to the handler until the context ends.

    The default of a context variable, unlike its value, is seen in every thread, event loop and
    fresh context.
    """
    variable: ContextVar[BaseCallbackHandler | None] = ContextVar("lgprof", default=handler)
    tracer_context.register_configure_hook(variable, inheritable=True)
    hooks = tracer_context._configure_hooks
    try:
        yield
    finally:
        hooks[:] = [hook for hook in hooks if hook[0] is not variable]
