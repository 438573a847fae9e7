"""Functional ``@task`` calls with other policies, in a copy of the entrypoint that makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from langchain_core.runnables import Runnable
from langchain_core.runnables.config import var_child_runnable_config
from langgraph._internal._constants import CONF, CONFIG_KEY_CALL

from lgprof.langgraph_adapter.graphs import Around
from lgprof.langgraph_adapter.uses import captured, named_globals
from lgprof.langgraph_adapter.walk import TASK_TYPE, functions_of, runnables_in


@dataclass(frozen=True, slots=True)
class TaskPolicy:
    """What differs in the calls of a task; None for nothing."""

    cache_policy: Any = None
    retry_policy: Callable[[Any], Any] | None = None
    """From the policies it has to others."""
    wrap: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None


def task_named(name: str, bound: object) -> Callable[..., Any] | None:
    """The function of a task that an entrypoint's functions use."""
    for function in functions_of(runnables_in([bound])):
        for value in (*captured(function).values(), *named_globals(function).values()):
            if TASK_TYPE and isinstance(value, TASK_TYPE):
                task: Any = value
                if task.__name__ == name:
                    found: Callable[..., Any] = task.func
                    return found
    return None


def with_task_policy(
    bound: Runnable[Any, Any], policies: Mapping[int, TaskPolicy]
) -> Runnable[Any, Any]:
    """What an entrypoint runs, its tasks called with other policies.

    Args:
        bound: The entrypoint's own; it is not changed.
        policies: By the id of a task's function.
    """
    return _Calling(bound, policies)


class _Calling(Around):
    def __init__(self, inner: Runnable[Any, Any], policies: Mapping[int, TaskPolicy]) -> None:
        self.inner = inner
        self.name = inner.get_name()
        self._policies = policies
        self._wrapped: dict[int, Callable[..., Any]] = {}

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        with self._patched(config) as patched:
            return self.inner.invoke(input, patched, **kwargs)

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        with self._patched(config) as patched:
            return await self.inner.ainvoke(input, patched, **kwargs)

    def around(self, inner: Runnable[Any, Any]) -> Runnable[Any, Any]:
        return _Calling(inner, self._policies)

    @contextmanager
    def _patched(self, config: Any) -> Iterator[Any]:
        configurable = config[CONF]
        call = self._with_policies(configurable[CONFIG_KEY_CALL])
        patched: Any = {**config, CONF: {**configurable, CONFIG_KEY_CALL: call}}
        # Tasks find the way to call through the context, not through what a function was given.
        token = var_child_runnable_config.set(patched)
        try:
            yield patched
        finally:
            var_child_runnable_config.reset(token)

    def _with_policies(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def call_with_policies(function: Any, *args: Any, **kwargs: Any) -> Any:
            policy = self._policies.get(id(function))
            if policy is None:
                return call(function, *args, **kwargs)
            if policy.cache_policy is not None:
                kwargs["cache_policy"] = policy.cache_policy
            if policy.retry_policy is not None:
                kwargs["retry_policy"] = policy.retry_policy(kwargs.get("retry_policy"))
            if policy.wrap is not None:
                # The same function at each call: LangGraph remembers what it has seen by it.
                wrapped = self._wrapped.setdefault(id(function), policy.wrap(function))
                return call(wrapped, *args, **kwargs)
            return call(function, *args, **kwargs)

        return call_with_policies
