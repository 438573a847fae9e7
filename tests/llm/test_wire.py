"""Which endpoints bill tokens, and what their answers tell, however they arrive."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.llm.usage import reported_tokens, service_tier
from lgprof.llm.wire import AnswerReader, Endpoint, asked_model, endpoint_of

CHAT = Endpoint("openai", "openai", "chat", None)
CLAUDE = Endpoint("anthropic", "anthropic", "chat", None)
EVENTS = [
    {"model": "m-1", "choices": [{"delta": {"role": "assistant", "content": ""}}]},
    {"model": "m-1", "choices": [{"delta": {"content": "Grüße"}}]},
    {"model": "m-1", "choices": [{"delta": {"tool_calls": [{"index": 0}]}}]},
    {"model": "m-1", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
]
STREAM = "".join(f"data: {json.dumps(event)}\n\n" for event in EVENTS) + "data: [DONE]\n\n"


def read(endpoint: Endpoint, *parts: bytes, streams: bool) -> tuple[AnswerReader, int]:
    reader = AnswerReader(endpoint, streams=streams)
    return reader, sum(reader.feed(part) for part in parts)


def whole(endpoint: Endpoint, answer: Any) -> dict[str, Any] | None:
    reader, _ = read(endpoint, json.dumps(answer).encode(), streams=False)
    return reader.usage()


@pytest.mark.parametrize(
    ("host", "path", "endpoint"),
    [
        ("api.openai.com", "/v1/chat/completions", ("openai", "openai", "chat", None)),
        ("api.openai.com", "/v1/responses", ("openai", "openai", "chat", None)),
        ("api.openai.com", "/v1/embeddings", ("openai", "openai", "embedding", None)),
        (
            "x.openai.azure.com",
            "/openai/deployments/d/chat/completions",
            ("openai", "azure", "chat", None),
        ),
        ("api.groq.com", "/openai/v1/chat/completions", ("openai", "groq", "chat", None)),
        ("localhost", "/v1/completions", ("openai", "openai", "chat", None)),
        ("api.anthropic.com", "/v1/messages", ("anthropic", "anthropic", "chat", None)),
        (
            "generativelanguage.googleapis.com",
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
            ("google_genai", "google_genai", "chat", "gemini-2.5-pro"),
        ),
        (
            "europe-west1-aiplatform.googleapis.com",
            "/v1/projects/p/locations/l/publishers/google/models/e-1:embedContent",
            ("google_genai", "google_vertexai", "embedding", "e-1"),
        ),
        ("api.anthropic.com", "/v1/messages/count_tokens", None),
        ("api.openai.com", "/v1/files", None),
        ("example.org", "/", None),
    ],
)
def test_endpoints(host: str, path: str, endpoint: tuple | None) -> None:
    assert endpoint_of(host, path) == endpoint


@pytest.mark.parametrize("body", [b"", b"[", b"[1]", b'{"model": 3}', b"\xff", b"{}"])
def test_a_request_that_names_no_model(body: bytes) -> None:
    assert asked_model(body) is None


def test_a_request_that_names_its_model() -> None:
    assert asked_model(b'{"messages": [{"x": 1}], "model": "gpt-4o"}') == "gpt-4o"


@given(st.lists(st.integers(0, len(STREAM.encode()))))
def test_a_stream_may_be_cut_anywhere(cuts: list[int]) -> None:
    data = STREAM.encode()
    edges = [0, *sorted(cuts), len(data)]
    parts = [data[start:end] for start, end in itertools.pairwise(edges)]
    reader, pieces = read(CHAT, *parts, streams=True)
    assert (pieces, reader.model) == (2, "m-1")
    tokens = reported_tokens(reader.usage())
    assert (tokens.input, tokens.output) == (7, 3)


def test_anthropics_cache_is_part_of_the_input() -> None:
    usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 100}
    lifetimes = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 20}
    written = {"cache_creation_input_tokens": 50, "cache_creation": lifetimes}
    tokens = reported_tokens(whole(CLAUDE, {"model": "c", "usage": {**usage, **written}}))
    assert (tokens.input, tokens.cache_read, tokens.cache_write) == (160, 100, 50)
    assert tokens.cache_write_1h == 20


def test_a_service_tier_is_told() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    told = whole(CHAT, {"model": "m", "usage": usage, "service_tier": "flex"})
    assert service_tier(told) == "flex"
    assert reported_tokens(told).input == 7
    assert service_tier(whole(CHAT, {"usage": usage, "service_tier": "default"})) is None


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"[]", b'{"usage": 3}', b'{"model": "m"}', b"\xff"]
)
def test_an_answer_that_tells_nothing(data: bytes) -> None:
    reader, _ = read(CHAT, data, streams=False)
    assert reader.usage() is None


@pytest.mark.parametrize("line", ["data: 3", "data: []", ": ping", "event: x", "data: {", "junk"])
def test_lines_of_a_stream_that_tell_nothing(line: str) -> None:
    reader, pieces = read(CHAT, f"{line}\n\n".encode(), streams=True)
    assert (pieces, reader.usage()) == (0, None)
