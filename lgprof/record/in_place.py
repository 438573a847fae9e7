"""Sees which nodes change in place what they are given: values in the state, config or context.

Such a change reaches whoever is given the same object, and is no write that LangGraph knows of. To
tell it, contents are compared before and after, which takes time: it is for requests that warm up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lgprof.record.digest import content_of
from lgprof.record.effects import Effects
from lgprof.record.origin import node_path

_OWN = ("__", "checkpoint_", "thread_id")
"""How the names of LangGraph's own entries in a config begin."""


class InPlaceWatch:
    """Notes as an effect of a node that it changed what it was given.

    Args:
        effects: Where it is noted.
    """

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._given: dict[int, list[tuple[str, Any, bytes]]] = {}

    def open(self, attempt: int, state: Any, others: Mapping[str, Any]) -> None:
        """A node is about to run.

        Args:
            attempt: Which of its attempts.
            state: A dict of the values that it is given; anything else is not looked at.
            others: What it is given besides, by parameter.
        """
        given = [(name, value, content_of(value)) for name, value in _handed(state, others)]
        self._given[attempt] = [(name, value, told) for name, value, told in given if told]

    def close(self, attempt: int) -> None:
        """It has ended."""
        for name, value, before in self._given.pop(attempt, ()):
            node = node_path()
            if node and content_of(value) != before:
                self._effects.note(node, f"change {name} in place")


def _handed(state: Any, others: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(state, Mapping):
        yield from ((str(key), value) for key, value in state.items())
    config = others.get("config")
    if isinstance(config, Mapping):
        for key, value in (config.get("configurable") or {}).items():
            if not str(key).startswith(_OWN):
                yield f"the config's {key}", value
    context = getattr(others.get("runtime"), "context", None)
    if context is not None:
        yield "the context", context
