"""Turns held values into salted hashes, between requests, so that no value outlives its request.

Equal values get equal hashes within one recording and other ones in the next: they tell what was
read twice, and nothing else.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from lgprof.llm.counting import TokenCounter
from lgprof.model import Content, Prompt, Said
from lgprof.predicate import Predicate
from lgprof.record.event_log import ModelEvent, NodeData, NodeDigest, Recording
from lgprof.record.exchanges import ExchangeReader
from lgprof.record.prompt_shape import PromptReader, message_text
from lgprof.record.state_access import field_names, written
from lgprof.record.tracked_dict import WHOLE
from lgprof.redaction import redacted

_INTERNAL = "__"
"""Keys that LangGraph's own nodes look for, such as ``__type``, are no state."""

_encoder = msgspec.json.Encoder(order="deterministic", enc_hook=lambda value: _plain(value))


class Digester:
    """Hashes with a salt of its own, made anew for each recording.

    Args:
        failed_when: Node results that count as failed.
        salt: Up to 64 bytes; the processes of one load test share it.
        counter: Counts the tokens of calls without reported usage; None leaves them unknown.
        captures_content: Keep what was said to models and by them, redacted.
    """

    def __init__(
        self,
        failed_when: Predicate | None = None,
        *,
        salt: bytes | None = None,
        counter: TokenCounter | None = None,
        captures_content: bool = False,
    ) -> None:
        self._salt = secrets.token_bytes(16) if salt is None else salt
        self._failed_when = failed_when
        self._counter = counter
        self._captures = captures_content
        self._prompts = PromptReader(self._salt)
        self._exchanges = ExchangeReader(self.value_hash)

    def value_hash(self, value: Any) -> str | None:
        """Salted hash of a value's content; None where the content cannot be told.

        Ids that LangChain gives to messages do not count as content.
        """
        told = content_of(value)
        return None if told is None else self._hash(told)

    def _hash(self, content: bytes) -> str:
        return blake2b(content, digest_size=8, key=self._salt).hexdigest()

    def _hashes(self, values: Mapping[str, Any]) -> tuple[dict[str, str | None], int]:
        """Hashes by key, and the size of all values whose content can be told."""
        contents = {key: content_of(value) for key, value in values.items()}
        size = sum(len(content) for content in contents.values() if content is not None)
        return {
            key: None if content is None else self._hash(content)
            for key, content in contents.items()
        }, size

    def digest(self, recording: Recording) -> None:
        """Hash what the recording holds, and let go of the values."""
        recording.settle()
        held, recording.node_data[:] = recording.node_data[:], []
        recording.digests |= self.node_digests(held)
        recording.asked |= self._exchanges.read(recording.exchanges or {})
        self.let_go(recording.models.values())

    def node_digests(self, held: Iterable[NodeData]) -> dict[int, NodeDigest]:
        """Hashes of what nodes read and returned, by attempt."""
        return {
            attempt: self._node_digest(keys, state, output) for attempt, keys, state, output in held
        }

    def let_go(self, models: Iterable[ModelEvent]) -> None:
        """Hash what was said in model calls, and let go of it."""
        for event in models:
            if event.prompt is not None:
                event.shape = self._shape(event) if event.kind == "chat" else None
                event.counted = self._count(event)
                event.content = self._content(event) if self._captures else None
                event.prompt = event.tools = event.answer = None

    def _node_digest(self, keys: set[str] | None, state: Any, output: Any) -> NodeDigest:
        writes = written(output)
        failed_when = self._failed_when
        read, read_bytes = (None, None) if keys is None else self._hashes(_read(keys, state))
        wrote, write_bytes = (None, None) if writes is None else self._hashes(writes)
        return NodeDigest(
            reads=read,
            writes=wrote,
            read_bytes=read_bytes,
            write_bytes=write_bytes,
            output_hash=None if output is None else self.value_hash(output),
            marked_failed=bool(failed_when and writes and failed_when.matches(writes)),
        )

    def _count(self, event: ModelEvent) -> tuple[int, int] | None:
        if self._counter is None or event.usage or event.answer is None:
            return event.counted
        return counting(self._counter, event)()

    def _content(self, event: ModelEvent) -> Content | None:
        """What was said, redacted; None for batches and embeddings."""
        messages = _single_prompt(event.prompt)
        if messages is None or event.kind != "chat":
            return None
        try:
            answer = None if event.answer is None else _said(event.answer)
            return Content(prompt=list(map(_said, messages)), answer=answer)
        except Exception:  # a user's object may raise anything while it is read
            return None

    def _shape(self, event: ModelEvent) -> Prompt | None:
        """The form of a single prompt; None for batches."""
        messages = _single_prompt(event.prompt)
        if messages is None:
            return None
        try:
            return self._prompts.read(event.node, event.model, messages, event.tools)
        except Exception:  # a user's object may raise anything while it is read
            return None


def _said(message: Any) -> Said:
    role, text = message_text(message)
    return Said(role, redacted(text))


def _read(keys: set[str], state: Any) -> dict[str, Any]:
    if WHOLE in keys:
        return {WHOLE: state}
    return {key: _item(state, key) for key in sorted(keys) if not key.startswith(_INTERNAL)}


def content_of(value: Any) -> bytes | None:
    """A value as JSON; None where its content cannot be told."""
    try:
        return _encoder.encode(value)
    except Exception:  # a user's object may raise anything while it is read
        return None


def counting(counter: TokenCounter, event: ModelEvent) -> Callable[[], tuple[int, int] | None]:
    """What counts the input and output tokens of a call, and holds its texts until then."""
    messages, tools, answer = _single_prompt(event.prompt), event.tools or (), event.answer
    model = event.model

    def count() -> tuple[int, int] | None:
        if messages is None:
            return None
        try:
            return counter.prompt(messages, tools, model), counter.answer(answer, model)
        except Exception:  # content or a schema of a shape that nobody has described
            return None

    return count


def _single_prompt(prompt: Any) -> list[Any] | None:
    """The messages of a prompt, or its text; None for batches."""
    if not isinstance(prompt, list) or len(prompt) != 1:
        return None
    return prompt[0] if isinstance(prompt[0], list) else [prompt[0]]


def _item(state: Any, key: str) -> Any:
    return state.get(key) if isinstance(state, Mapping) else getattr(state, key, None)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseMessage):
        return [
            value.type,
            value.content,
            getattr(value, "tool_calls", None),
            getattr(value, "tool_call_id", None),
        ]
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in sorted(field_names(value))}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in sorted(field_names(value))}
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    raise TypeError(f"the content of {type(value).__name__} cannot be told")
