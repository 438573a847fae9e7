"""Chat models that answer from a script, in a set time, and report usage as a provider does.

Tokens: a text of n characters is ceil(n / 4) tokens. Input counts the text and tool calls of every
message and the schemas of bound tools; output counts the text and tool calls of the answer.

Time: an answer of n tokens takes `first_token_s + (n - 1) * gap_s`, whether it is streamed or not.
Synchronous calls pass it in `time.sleep`, asynchronous ones in `asyncio.sleep`.
"""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from sample_graphs.seeding import seeded

CHARS_PER_TOKEN = 4

Script = Callable[[Sequence[BaseMessage]], "str | AIMessage"]


class RateLimitError(Exception):
    """What a provider's SDK raises on HTTP 429."""

    status_code = 429


def count_tokens(text: str) -> int:
    """About 4 characters a token, rounded up."""
    return -(-len(text) // CHARS_PER_TOKEN)


def text_of(message: BaseMessage) -> str:
    """Everything of `message` that a provider would count: its text and its tool calls."""
    calls = getattr(message, "tool_calls", [])
    return str(message.content) + "".join(call["name"] + json.dumps(call["args"]) for call in calls)


def call_tool(name: str, **args: Any) -> ToolCall:
    """A tool call for a script to return in `AIMessage(content="", tool_calls=[...])`."""
    id_ = zlib.crc32(f"{name}{sorted(args.items())}".encode())
    return ToolCall(name=name, args=args, id=f"call_{id_:08x}")


@dataclass(frozen=True)
class _Reply:
    """One answer, with the time it takes and the usage it reports."""

    message: AIMessage
    pieces: list[str]
    first_s: float
    gap_s: float
    usage: UsageMetadata
    metadata: dict[str, str]

    @property
    def total_s(self) -> float:
        return self.first_s + max(self.usage["output_tokens"] - 1, 0) * self.gap_s

    def result(self) -> ChatResult:
        message = self.message.model_copy(
            update={"usage_metadata": self.usage, "response_metadata": self.metadata}
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def chunks(self) -> Iterator[tuple[float, ChatGenerationChunk]]:
        """Each chunk after the time to wait for it; usage comes on the last, which is empty."""
        wait_s = self.first_s
        for piece in self.pieces:
            yield wait_s, ChatGenerationChunk(message=AIMessageChunk(content=piece))
            wait_s = self.gap_s
        for index, call in enumerate(self.message.tool_calls):
            args = json.dumps(call["args"])
            part = tool_call_chunk(name=call["name"], args=args, id=call["id"], index=index)
            message = AIMessageChunk(content="", tool_call_chunks=[part])
            yield wait_s, ChatGenerationChunk(message=message)
            wait_s = self.gap_s * count_tokens(call["name"] + args)
        last = AIMessageChunk(
            content="",
            usage_metadata=self.usage,
            response_metadata=self.metadata,
            chunk_position="last",
        )
        yield 0.0, ChatGenerationChunk(message=last)


class FakeChatModel(BaseChatModel):
    """A chat model that answers what `script` makes of the messages."""

    model: str
    script: Script
    provider: str = "openai"
    first_token_s: float = 0.03
    gap_s: float = 0.0005
    jitter: float = 0.0
    """Each call's times are up to this share longer, by a chance seeded with its messages."""
    streaming: bool = False
    """Stream inside `invoke` too."""
    cached_tokens: int = 0
    """How many input tokens are reported as read from the provider's prompt cache, at most."""
    rejects: Callable[[Sequence[BaseMessage]], bool] | None = None
    """Which requests fail with `RateLimitError`, after the time to the first token."""

    @property
    def _llm_type(self) -> str:
        return "fake-chat-model"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, "provider": self.provider}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            ls_provider=self.provider, ls_model_name=self.model, ls_model_type="chat"
        )

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _reply(self, messages: Sequence[BaseMessage], tools: Sequence[Any]) -> _Reply:
        answer = self.script(messages)
        message = answer if isinstance(answer, AIMessage) else AIMessage(content=answer)
        text = str(message.content)
        pieces = [text[i : i + CHARS_PER_TOKEN] for i in range(0, len(text), CHARS_PER_TOKEN)]
        prompt = [text_of(each) for each in messages]
        input_tokens = sum(map(count_tokens, prompt)) + sum(
            count_tokens(json.dumps(tool)) for tool in tools
        )
        output_tokens = len(pieces) + sum(
            count_tokens(call["name"] + json.dumps(call["args"])) for call in message.tool_calls
        )
        usage = UsageMetadata(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            total_tokens=input_tokens + output_tokens,
        )
        if self.cached_tokens:
            cache_read = min(self.cached_tokens, input_tokens)
            usage["input_token_details"] = InputTokenDetails(cache_read=cache_read)
        slower = 1 + self.jitter * seeded(self.model, *prompt).random()
        return _Reply(
            message=message,
            pieces=pieces,
            first_s=self.first_token_s * slower,
            gap_s=self.gap_s * slower,
            usage=usage,
            metadata={"model_name": self.model, "model_provider": self.provider},
        )

    def _rejected(self, messages: Sequence[BaseMessage]) -> bool:
        return self.rejects is not None and self.rejects(messages)

    def _error(self) -> RateLimitError:
        return RateLimitError(f"429: rate limit reached for {self.model}")

    def _generate(self, messages, stop=None, run_manager=None, **kwargs: Any) -> ChatResult:
        if self._rejected(messages):
            time.sleep(self.first_token_s)
            raise self._error()
        reply = self._reply(messages, kwargs.get("tools", ()))
        time.sleep(reply.total_s)
        return reply.result()

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs: Any) -> ChatResult:
        if self._rejected(messages):
            await asyncio.sleep(self.first_token_s)
            raise self._error()
        reply = self._reply(messages, kwargs.get("tools", ()))
        await asyncio.sleep(reply.total_s)
        return reply.result()

    def _stream(
        self, messages, stop=None, run_manager=None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        if self._rejected(messages):
            time.sleep(self.first_token_s)
            raise self._error()
        for wait_s, chunk in self._reply(messages, kwargs.get("tools", ())).chunks():
            time.sleep(wait_s)
            yield chunk

    async def _astream(
        self, messages, stop=None, run_manager=None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        if self._rejected(messages):
            await asyncio.sleep(self.first_token_s)
            raise self._error()
        for wait_s, chunk in self._reply(messages, kwargs.get("tools", ())).chunks():
            await asyncio.sleep(wait_s)
            yield chunk


def gpt_4o_mini(script: Script, **settings: Any) -> FakeChatModel:
    """The cheap, quick one."""
    defaults = {"first_token_s": 0.02, "gap_s": 0.0005, "jitter": 0.3}
    return FakeChatModel(model="gpt-4o-mini", script=script, **(defaults | settings))


def gpt_4o(script: Script, **settings: Any) -> FakeChatModel:
    """The dear one, slower to start and to write."""
    defaults = {"first_token_s": 0.04, "gap_s": 0.001, "jitter": 0.3}
    return FakeChatModel(model="gpt-4o", script=script, **(defaults | settings))


def claude_sonnet(script: Script, **settings: Any) -> FakeChatModel:
    """The other provider's."""
    defaults = {"provider": "anthropic", "first_token_s": 0.05, "gap_s": 0.0008, "jitter": 0.3}
    return FakeChatModel(model="claude-sonnet-4-5", script=script, **(defaults | settings))
