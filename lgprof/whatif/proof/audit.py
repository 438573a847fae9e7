"""Finds out whether a node answers equal calls alike: it runs as it is, and every call is noted."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.rewire import at_node, with_task, with_wrapped_node
from lgprof.langgraph_adapter.tasks import TaskPolicy
from lgprof.whatif.proof.contents import exact


@dataclass(frozen=True, slots=True)
class Repeats:
    """Calls whose key had been seen before, over all requests of the user's own inputs."""

    calls: int
    """Repeats: calls less distinct keys."""
    keys: int
    """Distinct keys that were repeated."""
    differing: int
    """Repeats that answered otherwise than the first call of their key."""
    again: int
    """Calls of the same keys that were made later, with the config of another request."""
    again_differing: int
    untold: int
    """Calls whose answer could not be told."""


class Audit:
    """What a node answered to each key.

    Args:
        node: Its path.
        key: From its arguments to the cache key.
    """

    def __init__(self, node: str, key: Callable[..., str]) -> None:
        self.node = node
        self._key = key
        self._calls: list[tuple[int, str, str | None, bool]] = []
        self.index = 0
        """Of the request under way."""
        self.is_later = False
        """Whether the requests of the first pass are over."""

    def audited(self, graph: AnyGraph) -> AnyGraph:
        """A copy whose node is listened to."""
        as_task = with_task(graph, self.node, TaskPolicy(wrap=self._wrap_task))
        if as_task is not None:
            return as_task

        def change(inner: AnyGraph, name: str) -> AnyGraph:
            return with_wrapped_node(inner, name, lambda f, is_async, _: self._wrap(f, is_async))

        return at_node(graph, self.node, change)

    def repeats(self, own_inputs: int) -> Repeats:
        """What the calls show.

        Args:
            own_inputs: How many requests had inputs of the user's own; the rest cycled through
                them again, which proves nothing.
        """
        first: dict[str, str | None] = {}
        repeated: set[str] = set()
        calls = differing = again = again_differing = untold = 0
        for index, key, answer, is_later in self._calls:
            if answer is None:
                untold += 1
            elif key not in first:
                first[key] = answer
            elif is_later:
                again += 1
                again_differing += answer != first[key]
            elif index < own_inputs:
                calls += 1
                repeated.add(key)
                differing += answer != first[key]
        return Repeats(calls, len(repeated), differing, again, again_differing, untold)

    def _wrap_task(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return self._wrap(function, inspect.iscoroutinefunction(function))

    def _wrap(self, function: Callable[..., Any], is_async: bool) -> Callable[..., Any]:
        @wraps(function)
        async def audited_async(*args: Any, **kwargs: Any) -> Any:
            key = self._key(*args)
            output = await function(*args, **kwargs)
            self._note(key, output)
            return output

        @wraps(function)
        def audited(*args: Any, **kwargs: Any) -> Any:
            key = self._key(*args)
            output = function(*args, **kwargs)
            self._note(key, output)
            return output

        return audited_async if is_async else audited

    def _note(self, key: str, output: Any) -> None:
        try:
            answer: str | None = exact(output)
        except Exception:  # also what a user's object raises while it is read
            answer = None
        self._calls.append((self.index, key, answer, self.is_later))
