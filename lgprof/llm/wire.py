"""What goes over the wire to providers: which endpoints they are, and the usage in an answer.

Of an answer its usage, its model and the moments at which text arrived are read; the rest is
dropped as it comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

CallKind = Literal["chat", "embedding"]
Family = Literal["openai", "anthropic", "google_genai"]

_PATHS: tuple[tuple[re.Pattern[str], Family], ...] = (
    (re.compile(r"/(?P<what>chat/completions|completions|responses|embeddings)/?$"), "openai"),
    (re.compile(r"/v1/(?P<what>messages)/?$"), "anthropic"),
    (
        re.compile(
            r"/models/(?P<model>[^/:]+):"
            r"(?P<what>generateContent|streamGenerateContent|embedContent|batchEmbedContents)$"
        ),
        "google_genai",
    ),
)
_HOSTS = {
    "api.anthropic.com": "anthropic",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistralai",
    "api.openai.com": "openai",
    "api.together.xyz": "together",
    "api.x.ai": "xai",
    "aiplatform.googleapis.com": "google_vertexai",
    "generativelanguage.googleapis.com": "google_genai",
    "openai.azure.com": "azure",
    "openrouter.ai": "openrouter",
}
"""Providers by the end of their hosts' names; elsewhere, the family of the endpoint counts."""
_TIERS = ("priority", "flex")
_LARGEST_BYTES = 64_000_000
"""An answer that is larger tells no usage."""


class Endpoint(NamedTuple):
    """An endpoint of a provider that answers with tokens."""

    family: Family
    """Whose protocol it speaks."""
    provider: str
    """As LangChain names it."""
    kind: CallKind
    model: str | None
    """Where the path names it."""


class _Asked(msgspec.Struct):
    model: str | None = None


class _Answer(
    msgspec.Struct, rename={"usage_metadata": "usageMetadata", "version": "modelVersion"}
):
    model: str | None = None
    usage: dict[str, Any] | None = None
    service_tier: str | None = None
    usage_metadata: dict[str, Any] | None = None
    version: str | None = None


def endpoint_of(host: str, path: str) -> Endpoint | None:
    """The endpoint that a URL names; None for all others."""
    for pattern, family in _PATHS:
        found = pattern.search(path)
        if found:
            of_host = (name for end, name in _HOSTS.items() if host.endswith(end))
            embeds = "embed" in found["what"].lower()
            model = found.groupdict().get("model")
            kind: CallKind = "embedding" if embeds else "chat"
            return Endpoint(family, next(of_host, family), kind, model)
    return None


def asked_model(body: bytes) -> str | None:
    """The model that a request asks for; None where it does not say."""
    try:
        return msgspec.json.decode(body, type=_Asked).model
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class AnswerReader:
    """Reads an answer as it arrives, in one piece or as server-sent events.

    Args:
        endpoint: Who answers.
        streams: The answer comes as events.
    """

    def __init__(self, endpoint: Endpoint, *, streams: bool) -> None:
        self.model: str | None = None
        self.streams = streams
        self._endpoint = endpoint
        self._usage: dict[str, Any] = {}
        self._tier: str | None = None
        self._rest = bytearray()

    def feed(self, data: bytes) -> int:
        """Take some bytes of it; tells how many pieces of text or arguments they brought.

        Raises:
            Exception: Whatever an answer of a shape that nobody has described raises.
        """
        self._rest += data
        if not self.streams:
            if len(self._rest) > _LARGEST_BYTES:
                self._rest.clear()
            return 0
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest[:] = rest
        return sum(_has_text(event) for event in self._events(lines))

    def usage(self) -> dict[str, Any] | None:
        """The usage as LangChain writes it, once the answer is over; None where it told none.

        Raises:
            Exception: Whatever an answer of a shape that nobody has described raises.
        """
        if not self.streams:
            try:
                answer = msgspec.json.decode(self._rest, type=_Answer)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return None
            self._take(msgspec.to_builtins(answer))
        self._rest.clear()
        if not self._usage:
            return None
        usage = _USAGE[self._endpoint.family](self._usage)
        if self._endpoint.kind == "embedding":
            usage["output_tokens"] = 0
        if self._tier in _TIERS:
            usage["input_token_details"][self._tier] = usage["input_tokens"]
        return usage

    def _events(self, lines: list[bytes]) -> Iterator[dict[str, Any]]:
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            try:
                event = msgspec.json.decode(line[5:])
            except (msgspec.DecodeError, UnicodeDecodeError):  # such as [DONE]
                continue
            if isinstance(event, dict):
                for part in (event, event.get("response"), event.get("message")):
                    if isinstance(part, dict):
                        self._take(part)
                yield event

    def _take(self, answer: Mapping[str, Any]) -> None:
        model = answer.get("model") or answer.get("modelVersion")
        if isinstance(model, str):
            self.model = model
        usage = answer.get("usage") or answer.get("usageMetadata")
        if isinstance(usage, dict):
            self._usage |= {name: count for name, count in usage.items() if count is not None}
        tier = answer.get("service_tier")
        if isinstance(tier, str):
            self._tier = tier


def _has_text(event: Mapping[str, Any]) -> bool:
    """Whether an event brings a piece of an answer."""
    if isinstance(event.get("delta"), str):  # OpenAI's responses
        return bool(event["delta"])
    if event.get("type") == "content_block_delta" or event.get("candidates"):
        return True
    for choice in event.get("choices") or ():
        delta = choice.get("delta") or {}
        if delta.get("content") or delta.get("tool_calls") or choice.get("text"):
            return True
    return False


def _of_openai(usage: Mapping[str, Any]) -> dict[str, Any]:
    into = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    out = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    return {
        "input_tokens": usage.get("prompt_tokens", usage.get("input_tokens")),
        "output_tokens": usage.get("completion_tokens", usage.get("output_tokens")),
        "input_token_details": {
            "cache_read": into.get("cached_tokens"),
            "cache_creation": into.get("cache_write_tokens"),
            "audio": into.get("audio_tokens"),
        },
        "output_token_details": {
            "reasoning": out.get("reasoning_tokens"),
            "audio": out.get("audio_tokens"),
        },
    }


def _of_anthropic(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Anthropic counts what it read from or wrote to the cache apart from the input."""
    read = usage.get("cache_read_input_tokens")
    written = usage.get("cache_creation_input_tokens")
    lifetimes = usage.get("cache_creation") or {}
    if any(lifetimes.values()):
        details = {"cache_read": read, "cache_creation": 0, **lifetimes}
    else:
        details = {"cache_read": read, "cache_creation": written}
    return {
        "input_tokens": (usage.get("input_tokens") or 0) + (read or 0) + (written or 0),
        "output_tokens": usage.get("output_tokens"),
        "input_token_details": details,
    }


def _of_google(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Google counts thinking apart from the answer."""
    thoughts = usage.get("thoughtsTokenCount")
    return {
        "input_tokens": (usage.get("promptTokenCount") or 0)
        + (usage.get("toolUsePromptTokenCount") or 0),
        "output_tokens": (usage.get("candidatesTokenCount") or 0) + (thoughts or 0),
        "input_token_details": {"cache_read": usage.get("cachedContentTokenCount")},
        "output_token_details": {"reasoning": thoughts},
    }


_USAGE = {"openai": _of_openai, "anthropic": _of_anthropic, "google_genai": _of_google}
