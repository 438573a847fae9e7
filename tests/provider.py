"""A provider on this machine that speaks as OpenAI, Anthropic and Google do."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OPENAI_USAGE = {
    "prompt_tokens": 2000,
    "completion_tokens": 50,
    "total_tokens": 2050,
    "prompt_tokens_details": {"cached_tokens": 1024},
    "completion_tokens_details": {"reasoning_tokens": 20},
}
RESPONSES_USAGE = {
    "input_tokens": 2000,
    "output_tokens": 50,
    "total_tokens": 2050,
    "input_tokens_details": {"cached_tokens": 1024},
    "output_tokens_details": {"reasoning_tokens": 20},
}
ANTHROPIC_USAGE = {
    "input_tokens": 100,
    "output_tokens": 30,
    "cache_read_input_tokens": 1500,
    "cache_creation_input_tokens": 400,
    "cache_creation": {"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 0},
}
GOOGLE_USAGE = {
    "promptTokenCount": 1200,
    "candidatesTokenCount": 40,
    "thoughtsTokenCount": 60,
    "cachedContentTokenCount": 1024,
    "totalTokenCount": 1300,
}
PIECES = ("Red", " or", " blue")


@dataclass
class Provider:
    """What it was asked, and the answers that it gives before it behaves."""

    url: str = ""
    refusals: deque[int] = field(default_factory=deque)
    """HTTP statuses of the next answers."""
    asked: list[str] = field(default_factory=list)
    """Paths."""


@contextmanager
def provider(*refusals: int) -> Iterator[Provider]:
    """Serve until the context ends."""
    made = Provider(refusals=deque(refusals))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            asked = json.loads(self.rfile.read(size) or b"{}")
            made.asked.append(self.path)
            if made.refusals:
                self._send(made.refusals.popleft(), {"error": {"message": "no", "type": "no"}})
            else:
                self._answer(asked)

        def _answer(self, asked: dict[str, Any]) -> None:
            path = self.path.partition("?")[0]
            for end, (whole, events) in _ANSWERS.items():
                if path.endswith(end):
                    streams = asked.get("stream") or "stream" in path
                    if streams:
                        self._stream(events(asked))
                    else:
                        self._send(200, whole(asked))
                    return
            self._send(404, {"error": {"message": path}})

        def _send(self, status: int, answer: dict[str, Any]) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("retry-after-ms", "5")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, events: list[Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for event in events:
                name = (
                    f"event: {event['type']}\n"
                    if isinstance(event, dict) and "type" in event
                    else ""
                )
                text = event if isinstance(event, str) else json.dumps(event)
                self.wfile.write(f"{name}data: {text}\n\n".encode())
                self.wfile.flush()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _chat(asked: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(PIECES)}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": OPENAI_USAGE,
    }


def _chat_events(asked: dict[str, Any]) -> list[Any]:
    base = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": asked["model"]}
    deltas = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in PIECES)]
    events: list[Any] = [{**base, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    if (asked.get("stream_options") or {}).get("include_usage"):
        events.append({**base, "choices": [], "usage": OPENAI_USAGE})
    return [*events, "[DONE]"]


def _response(asked: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "output_text", "text": "".join(PIECES), "annotations": []}]
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed"}
    return {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "model": asked["model"],
        "output": [{**message, "content": content}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": RESPONSES_USAGE,
    }


def _response_events(asked: dict[str, Any]) -> list[Any]:
    deltas = [
        {
            "type": "response.output_text.delta",
            "delta": piece,
            "item_id": "m",
            "output_index": 0,
            "content_index": 0,
            "sequence_number": number,
            "logprobs": [],
        }
        for number, piece in enumerate(PIECES)
    ]
    done = {"type": "response.completed", "response": _response(asked), "sequence_number": 9}
    return [*deltas, done]


def _message(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [{"type": "text", "text": "".join(PIECES)}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": ANTHROPIC_USAGE,
    }


def _message_events(asked: dict[str, Any]) -> list[Any]:
    start = {**_message(asked), "content": [], "usage": {**ANTHROPIC_USAGE, "output_tokens": 1}}
    text = {"type": "text_delta"}
    return [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {**text, "text": piece}}
            for piece in PIECES
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 30},
        },
        {"type": "message_stop"},
    ]


def _generated(asked: dict[str, Any], text: str = "".join(PIECES)) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}],
        "usageMetadata": GOOGLE_USAGE,
        "modelVersion": "gemini-2.5-pro",
    }


def _generated_events(asked: dict[str, Any]) -> list[Any]:
    return [_generated(asked, piece) for piece in PIECES]


def _embeddings(asked: dict[str, Any]) -> dict[str, Any]:
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    vectors = [
        {"object": "embedding", "index": index, "embedding": [0.0, 1.0]}
        for index in range(len(texts))
    ]
    usage = {"prompt_tokens": 7 * len(texts), "total_tokens": 7 * len(texts)}
    return {"object": "list", "model": asked["model"], "data": vectors, "usage": usage}


_ANSWERS = {
    "/chat/completions": (_chat, _chat_events),
    "/responses": (_response, _response_events),
    "/messages": (_message, _message_events),
    ":generateContent": (_generated, _generated_events),
    ":streamGenerateContent": (_generated, _generated_events),
    "/embeddings": (_embeddings, None),
}
