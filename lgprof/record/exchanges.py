"""What calls were asked and answered, held until it is hashed between requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage

_PENDING: Any = object()


@dataclass(slots=True)
class Exchange:
    """One call of a model, tool or retriever."""

    parent: int
    """Id of the run that made it."""
    asked: Any
    answered: Any = _PENDING


class Asked(NamedTuple):
    """What remains of an `Exchange`."""

    value_hash: str | None
    """Salted, of what was asked."""
    uses_earlier: bool | None
    """Whether it was asked about what an earlier call of the same run had answered; None where
    that cannot be told."""


class ExchangeReader:
    """Compares what calls were asked with what was answered before, and lets go of both.

    Args:
        value_hash: Salted hash of a value.
    """

    def __init__(self, value_hash: Callable[[Any], str | None]) -> None:
        self._value_hash = value_hash
        self._parents: set[int] = set()
        """Runs whose calls were read before: what these were answered is gone."""

    def read(self, exchanges: dict[int, Exchange]) -> dict[int, Asked]:
        """What remains of exchanges, by the run's id; they are taken out of the dictionary.

        Args:
            exchanges: In order of their start.
        """
        answers: dict[int, list[Any]] = {}
        read: dict[int, Asked] = {}
        for run, exchange in exchanges.items():
            earlier = answers.setdefault(exchange.parent, [])
            known = exchange.parent not in self._parents
            uses = _speaks_of(exchange.asked, earlier) if known else None
            read[run] = Asked(self._value_hash(exchange.asked), uses)
            earlier.append(exchange.answered)
        exchanges.clear()
        self._parents |= answers.keys()
        return read


def _speaks_of(asked: Any, answers: list[Any]) -> bool:
    """Whether a text of the answers stands in the question; an answer without text may."""
    if not answers:
        return False
    text = "\n".join(_texts(asked))
    for answer in answers:
        words = [word for word in _texts(answer) if word.strip()]
        if not words or any(word.strip() in text for word in words):
            return True
    return False


def _texts(value: Any) -> Iterator[str]:
    """All texts and numbers in a value."""
    if value is _PENDING or value is None:
        return
    if isinstance(value, BaseMessage):
        yield from _texts(value.content)
        yield from _texts([call["args"] for call in getattr(value, "tool_calls", ())])
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
    else:
        content = getattr(value, "page_content", None)
        yield content if isinstance(content, str) else json.dumps(value, default=repr)
