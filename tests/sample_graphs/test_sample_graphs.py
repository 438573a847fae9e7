"""The sample graphs run, repeat themselves, and contain what their docstrings say."""

from __future__ import annotations

import asyncio
import importlib
import json
import time
import uuid
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from sample_graphs import caching, resilient
from sample_graphs.fake_models import (
    FakeChatModel,
    RateLimitError,
    call_tool,
    claude_sonnet,
    count_tokens,
    gpt_4o,
)
from sample_graphs.seeding import seeded
from tests.virtual_time import VirtualTime

SYNC = ["basic", "production", "retrying"]
ASYNC = ["caching", "customer_support", "data_pipeline", "research", "resilient", "token_budget"]
GRAPHS = SYNC + ASYNC


@pytest.fixture(autouse=True)
def slept(monkeypatch) -> list[float]:
    """The seconds that were passed to `time.sleep`, which returns at once."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def forget() -> None:
    """Drop what one request leaves to the next."""
    caching.clear()
    resilient.breaker.close()


@pytest.fixture(autouse=True)
def fresh() -> None:
    forget()


@pytest.fixture
def virtual():
    with asyncio.Runner(loop_factory=VirtualTime().loop) as runner:
        yield runner


class Calls(BaseCallbackHandler):
    """The tool and model calls of a run."""

    run_inline = True

    def __init__(self) -> None:
        self.tools: Counter[tuple[str, str]] = Counter()
        self.usage: list[dict] = []
        self.models: list[str] = []
        self.errors: list[str] = []

    def on_chat_model_start(self, serialized, messages, *, metadata, **kwargs) -> None:
        self.models.append(metadata["ls_model_name"])

    def on_tool_start(self, serialized, input_str, **kwargs) -> None:
        self.tools[serialized["name"], input_str] += 1

    def on_llm_end(self, response, **kwargs) -> None:
        self.usage.append(response.generations[0][0].message.usage_metadata)

    def on_llm_error(self, error, **kwargs) -> None:
        self.errors.append(type(error).__name__)

    on_tool_error = on_llm_error


def module(name: str) -> ModuleType:
    return importlib.import_module(f"sample_graphs.{name}")


def inputs_of(name: str) -> list[Any]:
    path = Path(module(name).__file__).with_suffix(".jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line.replace("{{i}}", str(i))) for i, line in enumerate(lines)]


def config(*handlers: BaseCallbackHandler) -> dict:
    return {
        "configurable": {"thread_id": str(uuid.uuid4())},
        "recursion_limit": 25,
        "callbacks": list(handlers),
    }


async def arun(name: str, request: Any, *handlers: BaseCallbackHandler) -> dict:
    app, settings = module(name).app, config(*handlers)
    output = await app.ainvoke(request, settings)
    while app.checkpointer and (await app.aget_state(settings)).next:
        output = await app.ainvoke(None, settings)
    return output


def run(name: str, request: Any) -> dict:
    app, settings = module(name).app, config()
    output = app.invoke(request, settings)
    while app.checkpointer and app.get_state(settings).next:
        output = app.invoke(None, settings)
    return output


async def arun_all(name: str) -> list[dict]:
    return [await arun(name, request) for request in inputs_of(name)]


def comparable(value: Any) -> Any:
    if isinstance(value, BaseMessage):
        return comparable(value.model_dump(exclude={"id"}))
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [comparable(each) for each in value]
    return value


def chunks_of(stream: Any) -> str:
    return "".join(str(chunk.content) for chunk in stream)


# Every graph


@pytest.mark.parametrize("name", GRAPHS)
def test_every_input_gives_the_same_output_twice(name, virtual):
    first = virtual.run(arun_all(name))
    forget()
    second = virtual.run(arun_all(name))
    assert comparable(first) == comparable(second)


@pytest.mark.parametrize("name", SYNC)
def test_a_synchronous_graph_gives_the_same_output_when_awaited(name, virtual):
    awaited = virtual.run(arun_all(name))
    assert comparable([run(name, request) for request in inputs_of(name)]) == comparable(awaited)


@pytest.mark.parametrize("name", [name for name in GRAPHS if name not in ("caching", "resilient")])
def test_the_order_of_the_requests_changes_nothing(name, virtual):
    async def backwards() -> list[dict]:
        return [await arun(name, request) for request in reversed(inputs_of(name))]

    assert comparable(virtual.run(backwards())[::-1]) == comparable(virtual.run(arun_all(name)))


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_says_what_is_worth_finding_and_has_enough_inputs(name):
    assert "Worth finding:" in module(name).__doc__
    distinct = {json.dumps(request) for request in inputs_of(name)}
    assert 20 <= len(distinct) <= len(inputs_of(name)) <= 30


@pytest.mark.parametrize("name", sorted(set(GRAPHS) - {"data_pipeline"}))
def test_every_model_call_reports_its_model_and_usage(name, virtual):
    calls = Calls()
    virtual.run(arun(name, inputs_of(name)[0], calls))
    assert calls.models
    assert all(usage["input_tokens"] > 0 < usage["output_tokens"] for usage in calls.usage)


# What the docstrings say


async def took(name: str, request: Any, *handlers: BaseCallbackHandler) -> float:
    """Seconds of virtual time that a request takes."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    await arun(name, request, *handlers)
    return loop.time() - start


def test_the_agent_of_customer_support_gets_an_order_twice(virtual):
    calls = Calls()
    virtual.run(arun("customer_support", inputs_of("customer_support")[0], calls))
    assert {name: n for (name, _), n in calls.tools.items()}["get_order"] == 2


def test_customer_support_drafts_a_refund_twice_and_blocks_once(virtual, slept):
    visits = Counter()

    async def count() -> None:
        request = inputs_of("customer_support")[1]
        async for part in module("customer_support").app.astream(request, stream_mode="updates"):
            visits.update(list(part))

    virtual.run(count())
    assert visits["draft"] == visits["review"] == 2
    assert slept == [0.02]


@pytest.mark.parametrize("name", ["customer_support", "research"])
def test_no_other_asynchronous_node_blocks(name, virtual, slept):
    virtual.run(arun(name, inputs_of(name)[0]))
    assert slept == [0.02]  # `find_policy`; and `own notes`, which is a plain function


def test_a_declined_card_is_charged_four_times_and_ends_as_an_error_in_the_state():
    outputs = [run("retrying", request) for request in inputs_of("retrying")]
    declined = [each for each in outputs if each["card"] == "declined"]
    assert [(each["status"], each["retry_count"]) for each in declined] == [("error", 4)] * 4
    assert {each["status"] for each in outputs if each["card"] != "declined"} == {"confirmed"}
    assert 1 in {each["retry_count"] for each in outputs}


def test_reserving_stock_backs_off_exponentially(slept):
    backoffs = []
    for request in inputs_of("retrying"):
        slept.clear()
        run("retrying", request)
        backoffs.append([seconds for seconds in slept if seconds in (0.02, 0.04, 0.08)])
    assert {tuple(each) for each in backoffs} == {(), (0.02,), (0.02, 0.04)}
    assert len([each for each in backoffs if each]) in range(7, 11)
    assert not module("retrying").failed_attempts


def test_production_takes_every_way_out_and_stops_before_publishing():
    outputs = [run("production", request) for request in inputs_of("production")]
    assert {each["status"] for each in outputs} == {"published", "sent back", "error"}
    assert {each["retry_count"] for each in outputs} == {0, 1}
    settings = config()
    app = module("production").app
    assert "status" not in app.invoke(inputs_of("production")[0], settings)
    assert app.get_state(settings).next == ("publish",)


def test_a_slow_batch_sets_the_latency_of_the_pipeline(virtual):
    async def seconds() -> list[float]:
        return [await took("data_pipeline", request) for request in inputs_of("data_pipeline")]

    slow = [each for each in virtual.run(seconds()) if each > 0.15]
    assert 4 <= len(slow) < len(inputs_of("data_pipeline"))


def test_embed_is_served_from_its_cache_and_rank_never(virtual):
    cached = Counter()

    async def count() -> None:
        for request in inputs_of("caching"):
            async for part in caching.app.astream(request, stream_mode="updates"):
                hit = part.pop("__metadata__", {}).get("cached", False)
                cached.update(dict.fromkeys(part, hit))

    virtual.run(count())
    assert cached["embed"] == 15
    assert cached["rank"] == 0


def test_what_was_asked_before_takes_a_fifth_of_the_time(virtual):
    async def seconds() -> list[float]:
        return [await took("caching", request) for request in inputs_of("caching")]

    first, _, again, *_ = virtual.run(seconds())
    assert again < first / 4


def test_a_conversation_is_summarised_when_it_exceeds_the_budget(virtual):
    calls = Calls()
    outputs = virtual.run(arun_all("token_budget"))
    assert {bool(each.get("summary")) for each in outputs} == {True, False}
    virtual.run(arun("token_budget", inputs_of("token_budget")[0], calls))
    sent = [usage["input_tokens"] for usage in calls.usage]
    assert sent == sorted(sent)
    assert sent[0] > 1024  # enough for a provider's prompt cache


def test_resilient_meets_every_failure_and_opens_the_breaker(virtual):
    calls = Calls()

    async def profiles() -> list[bool]:
        opened = []
        for request in inputs_of("resilient"):
            opened.append(resilient.breaker.refusals_left > 0)
            output = await arun("resilient", request, calls)
            seen.update(output["degraded"])
        return opened

    seen: Counter[str] = Counter()
    assert sum(virtual.run(profiles())) >= 4
    assert set(seen) == {"profile", "model", "check"}
    # Whether a tool that is cancelled reports it depends on the version of langchain-core.
    assert set(calls.errors) - {"CancelledError"} == {"RateLimitError", "ServiceDownError"}


def test_research_is_three_levels_deep(virtual):
    depths = Counter()

    async def count() -> None:
        app, request = module("research").app, inputs_of("research")[0]
        async for path, part in app.astream(request, stream_mode="updates", subgraphs=True):
            depths.update((len(path), node) for node in part)

    virtual.run(count())
    assert {(0, "check facts"), (1, "papers.index"), (2, "blogs")} <= set(depths)


# The fake models


def test_tokens_are_four_characters_rounded_up():
    assert [count_tokens(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]


def test_a_seed_is_the_same_in_every_process():
    assert seeded("a", 1).randint(0, 10**9) == seeded("a", 1).randint(0, 10**9)
    assert seeded("order").random() == 0.9096391469211269


def test_an_answer_reports_usage_of_messages_tools_and_cache():
    model = claude_sonnet(lambda messages: "12345678", cached_tokens=3)
    message = model.invoke([SystemMessage("1234"), HumanMessage("1234567890")])
    assert message.usage_metadata == {
        "input_tokens": 4,
        "output_tokens": 2,
        "total_tokens": 6,
        "input_token_details": {"cache_read": 3},
    }
    assert message.response_metadata["model_name"] == "claude-sonnet-4-5"
    assert "input_token_details" not in gpt_4o(lambda _: "yes").invoke("no?").usage_metadata


def test_bound_tools_count_as_input_and_tool_calls_as_output():
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    model = gpt_4o(lambda _: AIMessage(content="", tool_calls=[call_tool("add", a=1, b=2)]))
    message = model.bind_tools([add]).invoke("1 + 2?")
    assert message.tool_calls[0]["args"] == {"a": 1, "b": 2}
    assert message.usage_metadata["input_tokens"] > count_tokens("1 + 2?")
    assert message.usage_metadata["output_tokens"] == count_tokens('add{"a": 1, "b": 2}')
    streamed = sum(list(model.bind_tools([add]).stream("1 + 2?"))[1:], next(model.stream("1 + 2?")))
    assert streamed.tool_calls == message.tool_calls


MODEL = FakeChatModel(
    model="gpt-4o", script=lambda _: "four words of text", first_token_s=0.08, gap_s=0.01
)


def test_a_stream_starts_after_the_first_token_time_and_goes_on_at_the_gap(virtual):
    async def arrivals() -> list[tuple[float, str]]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        return [(loop.time() - start, chunk.content) async for chunk in MODEL.astream("go")]

    seen = virtual.run(arrivals())
    assert [text for _, text in seen] == ["four", " wor", "ds o", "f te", "xt", ""]
    assert [at for at, _ in seen] == pytest.approx([0.08, 0.09, 0.10, 0.11, 0.12, 0.12])


def test_an_answer_in_one_piece_takes_as_long_as_its_stream(virtual, slept):
    async def seconds() -> float:
        loop = asyncio.get_running_loop()
        start = loop.time()
        await MODEL.ainvoke("go")
        return loop.time() - start

    assert virtual.run(seconds()) == pytest.approx(0.12)
    assert slept == []
    MODEL.invoke("go")
    assert slept == pytest.approx([0.12])
    slept.clear()
    chunks_of(MODEL.stream("go"))
    assert slept == pytest.approx([0.08, 0.01, 0.01, 0.01, 0.01, 0.0])


def test_usage_and_model_name_come_once_on_the_last_chunk():
    *earlier, last = MODEL.stream("go")
    assert not any(chunk.usage_metadata for chunk in earlier)
    assert last.usage_metadata["output_tokens"] == len(earlier) == 5
    whole = sum(earlier[1:], earlier[0]) + last
    answer = MODEL.invoke("go")
    assert whole.content == answer.content
    assert whole.usage_metadata == answer.usage_metadata
    assert whole.response_metadata["model_name"] == "gpt-4o"


def test_a_streaming_model_streams_inside_invoke():
    class Tokens(BaseCallbackHandler):
        texts: list[str] = []

        def on_llm_new_token(self, token, **kwargs) -> None:
            self.texts.append(token)

    model = MODEL.model_copy(update={"streaming": True})
    message = model.invoke("go", {"callbacks": [Tokens()]})
    assert "".join(Tokens.texts) == message.content
    assert message.usage_metadata["output_tokens"] == 5


def test_a_rejected_call_raises_after_the_first_token_time(slept, virtual):
    model = MODEL.model_copy(update={"rejects": lambda messages: "no" in messages[-1].content})
    with pytest.raises(RateLimitError, match="gpt-4o"):
        model.invoke("no")
    assert slept == [0.08]
    with pytest.raises(RateLimitError):
        virtual.run(model.ainvoke("no"))
    assert model.invoke("go").content == "four words of text"
    assert model.with_fallbacks([MODEL]).invoke("no").content == "four words of text"
