"""Watches what nodes share while copies run: what never changes carries no news between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.hints import node_parts
from lgprof.langgraph_adapter.shared_state import SET_ANEW, SharedState
from lgprof.whatif.proof.contents import UntoldError, plain_content


class SharedWatch:
    """The objects that some nodes share with others, and whether they changed.

    Args:
        graph: The user's.
        nodes: Paths of the nodes in question.
    """

    def __init__(self, graph: AnyGraph, nodes: Iterable[str]) -> None:
        parts = dict(node_parts(graph))
        shared = SharedState(parts.values())
        self._objects: Mapping[str, object] = shared.of(
            parts[node] for node in nodes if node in parts
        )
        self._first = {label: _fingerprint(value) for label, value in self._objects.items()}
        self.changed: set[str] = set()
        """Labels of those that did."""

    def __contains__(self, label: str) -> bool:
        """Whether it is looked at."""
        return label in self._objects

    def look(self) -> None:
        """Compare with the beginning."""
        for label, value in self._objects.items():
            first = self._first[label]
            if first is not None and label not in self.changed and _fingerprint(value) != first:
                self.changed.add(label)

    @property
    def hidden(self) -> list[str]:
        """Labels of those whose content cannot be told."""
        return [label for label, first in self._first.items() if first is None]

    @property
    def still(self) -> list[str]:
        """Labels of those that were looked into and did not change."""
        return [
            label
            for label, first in self._first.items()
            if first is not None and label not in self.changed
        ]


def _fingerprint(value: object) -> bytes | None:
    if value is SET_ANEW:
        return None
    try:
        return blake2b(plain_content(value).encode(), digest_size=16).digest()
    except UntoldError:
        return None
    except Exception:  # a user's object may raise anything while it is read
        return None
