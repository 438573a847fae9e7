"""Token counts against OpenAI's published examples and tiktoken itself, without a network."""

from __future__ import annotations

import pytest
import tiktoken.load
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from lgprof.llm import counting
from lgprof.llm.counting import TokenCounter, encoding_name, load_encoding

JARGON = [
    SystemMessage(
        "You are a helpful, pattern-following assistant that translates corporate jargon into "
        "plain English."
    ),
    SystemMessage("New synergies will help drive top-line growth.", name="example_user"),
    SystemMessage("Things working well together will increase revenue.", name="example_assistant"),
    SystemMessage(
        "Let's circle back when we have more bandwidth to touch base on opportunities for "
        "increased leverage.",
        name="example_user",
    ),
    SystemMessage(
        "Let's talk later when we're less busy about how to do better.", name="example_assistant"
    ),
    HumanMessage(
        "This late pivot means we don't have time to boil the ocean for the client deliverable."
    ),
]
WEATHER = [
    SystemMessage("You are a helpful assistant that can answer to questions about the weather."),
    HumanMessage("What's the weather like in San Francisco?"),
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_current_weather",
            "description": "Get the current weather in a given location",
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {
                        "type": "string",
                        "description": "The city and state, e.g. San Francisco, CA",
                    },
                    "unit": {
                        "type": "string",
                        "description": "The unit of temperature to return",
                        "enum": ["celsius", "fahrenheit"],
                    },
                },
                "required": ["location"],
            },
        },
    }
]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, expected_hash: str | None = None) -> bytes:
        raise AssertionError(f"{url} was fetched")

    monkeypatch.setattr(tiktoken.load, "read_file_cached", refuse)


@pytest.mark.parametrize(
    ("messages", "tools", "model", "tokens"),
    [
        (JARGON, [], "gpt-4o", 124),
        (JARGON, [], "gpt-4", 129),
        (WEATHER, TOOLS, "gpt-4o", 101),
        (WEATHER, TOOLS, "gpt-4", 105),
    ],
)
def test_openais_published_examples_count_exactly(
    messages: list, tools: list, model: str, tokens: int
) -> None:
    assert TokenCounter().prompt(messages, tools, model) == tokens


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_rank_files_are_the_ones_that_tiktoken_expects(name: str) -> None:
    counting._encoding.cache_clear()
    encoding = load_encoding(name)
    assert encoding.decode(encoding.encode_ordinary("naïve 検索")) == "naïve 検索"
    assert load_encoding(name) is encoding


def test_a_changed_rank_file_is_refused() -> None:
    with pytest.raises(ValueError, match="not what tiktoken expects"):
        counting._read_ranks("https://x/o200k_base.tiktoken", "0" * 64)


def test_models_by_encoding() -> None:
    older = ["gpt-4", "gpt-4-turbo", "gpt-3.5-turbo"]
    newer = ["gpt-4o-mini", "gpt-4.1", "gpt-5", "o3", "claude-sonnet-4-5", "gemini-2.5-pro", ""]
    assert {encoding_name(model) for model in older} == {"cl100k_base"}
    assert {encoding_name(model) for model in newer} == {"o200k_base"}


@pytest.mark.parametrize(
    "text", ["The quick brown fox.", 'def f(x): return {"a": [x]}', "东西很好", "<|endoftext|>", ""]
)
def test_a_text_counts_as_tiktoken_says(text: str) -> None:
    encoding = load_encoding("o200k_base")
    assert TokenCounter().text(text, "o200k_base") == len(encoding.encode_ordinary(text))


def test_answers_images_and_tool_results_count() -> None:
    counter = TokenCounter()
    call = {"name": "look", "args": {"at": "sea"}, "id": "1"}
    asked = AIMessage("", tool_calls=[call])
    assert counter.answer(asked, "gpt-4o") == counter.answer('look{"at": "sea"}', "gpt-4o")
    image = {"type": "image_url", "image_url": {"url": "data:..."}}
    seen = HumanMessage(["What", image, {"type": "text", "text": "is it"}])
    said = counter.prompt([seen], [], "gpt-4o")
    assert said == 3 + 1 + 1 + 765 + 2 + 3
    assert counter.prompt([asked, ToolMessage("blue", tool_call_id="1")], [], "gpt-4o") > 10


def test_a_conversation_that_is_sent_again_is_counted_once() -> None:
    counter, history = TokenCounter(), []
    counter.text("load it", "o200k_base")
    total = 0
    for turn in range(300):
        history.append(HumanMessage(f"{turn} " + "and so on " * 100))
        total += counter.prompt(history, [], "gpt-4o")
    assert total > 10_000_000
    assert len(counter._counts) == 300 + 2  # each message, its role, and the text to load it
