"""Counts the tokens of a call whose provider reported none, with tiktoken and without a network.

Chat messages and tool schemas count by OpenAI's published formula: exact for its chat models, an
estimate for all others, which have no tokenizer of their own here. Texts are not kept: counts are
remembered by the hash of a text, since conversations resend most of what they hold. Python keeps
the hash of a string, so that one that is sent again is not read again.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage

if TYPE_CHECKING:
    from tiktoken import Encoding

_OLDER = ("gpt-4-", "gpt-3.5", "gpt-35", "text-embedding")
"""What names of models with the encoding cl100k_base begin with, besides ``gpt-4`` itself."""
_ROLES = {"human": "user", "ai": "assistant"}
_PER_MESSAGE, _PER_NAME, _PER_ANSWER = 3, 1, 3
_PER_TOOL = {"o200k_base": 7, "cl100k_base": 10}
_PER_PROPERTIES, _PER_PROPERTY, _PER_ENUM, _PER_ITEM, _TOOLS_END = 3, 3, -3, 3, 12
_PER_IMAGE = 765
"""Of 1024 by 1024 pixels in high detail."""

_loading = threading.Lock()


class TokenCounter:
    """Counts calls of all models; it remembers counts, not texts."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int, int], int] = {}

    def prompt(self, messages: Sequence[Any], tools: Sequence[Any], model: str) -> int:
        """Tokens of what a model was sent.

        Args:
            messages: LangChain's messages, or the one text of a completion.
            tools: Schemas of the tools that were offered, as OpenAI takes them.
            model: Its name.
        """
        encoding = encoding_name(model)
        if all(isinstance(message, str) for message in messages):
            return sum(self.text(message, encoding) for message in messages)
        sent = sum(self._message(message, encoding) for message in messages)
        return sent + _PER_ANSWER + self._tools(tools, encoding)

    def answer(self, message: Any, model: str) -> int:
        """Tokens of what a model answered: its text and its tool calls; thinking is not seen."""
        encoding = encoding_name(model)
        if isinstance(message, str):
            return self.text(message, encoding)
        return self._content(message.content, encoding) + self._calls(message, encoding)

    def text(self, text: str, encoding: str) -> int:
        """Tokens of a text; names of special tokens in it are text like any other."""
        key = encoding, hash(text), len(text)
        tokens = self._counts.get(key)
        if tokens is None:
            tokens = self._counts[key] = len(load_encoding(encoding).encode_ordinary(text))
        return tokens

    def _message(self, message: BaseMessage, encoding: str) -> int:
        tokens = _PER_MESSAGE + self.text(_ROLES.get(message.type, message.type), encoding)
        if message.name:
            tokens += _PER_NAME + self.text(message.name, encoding)
        return tokens + self._content(message.content, encoding) + self._calls(message, encoding)

    def _content(self, content: Any, encoding: str) -> int:
        if isinstance(content, str):
            return self.text(content, encoding)
        tokens = 0
        for part in content:
            if isinstance(part, str):
                tokens += self.text(part, encoding)
            elif "image" in str(part.get("type")):
                tokens += _PER_IMAGE
            else:
                tokens += self.text(str(part.get("text") or ""), encoding)
        return tokens

    def _calls(self, message: BaseMessage, encoding: str) -> int:
        return sum(
            self.text(call["name"], encoding) + self.text(json.dumps(call["args"]), encoding)
            # Asking a message for a field that it has not takes microseconds.
            for call in vars(message).get("tool_calls") or ()
        )

    def _tools(self, tools: Sequence[Any], encoding: str) -> int:
        if not tools:
            return 0
        return _TOOLS_END + sum(self._tool(_function(tool), encoding) for tool in tools)

    def _tool(self, function: Mapping[str, Any], encoding: str) -> int:
        line = f"{function.get('name', '')}:{_described(function)}"
        tokens = _PER_TOOL[encoding] + self.text(line, encoding)
        parameters = function.get("parameters") or function.get("input_schema") or {}
        properties = parameters.get("properties") or {}
        if properties:
            tokens += _PER_PROPERTIES
        for name, schema in properties.items():
            items = schema.get("enum") or ()
            tokens += _PER_PROPERTY + (_PER_ENUM if items else 0)
            tokens += sum(_PER_ITEM + self.text(str(item), encoding) for item in items)
            line = f"{name}:{schema.get('type', 'object')}:{_described(schema)}"
            tokens += self.text(line, encoding)
        return tokens


def encoding_name(model: str) -> str:
    """The encoding of a model; o200k_base for all that have none of their own."""
    older = model == "gpt-4" or model.startswith(_OLDER)
    return "cl100k_base" if older else "o200k_base"


def load_encoding(name: str) -> Encoding:
    """Tiktoken's encoding out of the rank files in this package; 0.5 s the first time.

    Raises:
        ValueError: A rank file is not the one that tiktoken expects.
    """
    with _loading:
        return _encoding(name)


@cache
def _encoding(name: str) -> Encoding:
    import tiktoken.load

    # tiktoken would fetch the file, and its plugins cannot redefine an encoding.
    fetch, tiktoken.load.read_file_cached = tiktoken.load.read_file_cached, _read_ranks
    try:
        return tiktoken.get_encoding(name)
    finally:
        tiktoken.load.read_file_cached = fetch


def _read_ranks(blobpath: str, expected_hash: str | None = None) -> bytes:
    packed = files("lgprof.llm") / "ranks" / f"{blobpath.rpartition('/')[2]}.xz"
    data = lzma.decompress(packed.read_bytes())
    if expected_hash is not None and hashlib.sha256(data).hexdigest() != expected_hash:
        raise ValueError(f"{packed.name} is not what tiktoken expects")
    return data


def _function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    function: Mapping[str, Any] = tool.get("function") or tool
    return function


def _described(schema: Mapping[str, Any]) -> str:
    return str(schema.get("description") or "").removesuffix(".")
