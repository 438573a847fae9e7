"""The form of prompts: equal prefixes have equal hashes, and nothing readable is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from lgprof.model import Divergence, Prompt
from lgprof.record.prompt_shape import PromptReader

RULES = "Answer in one sentence and never promise a refund. " * 30


def read(*prompts: list, tools: list | None = None) -> list[Prompt]:
    reader = PromptReader(b"salt")
    return [reader.read("ask", "gpt-4o", prompt, tools) for prompt in prompts]


def hashes(prompt: Prompt) -> list[str]:
    return [block for part in prompt.parts for block in part.blocks]


def common(one: Prompt, other: Prompt) -> int:
    pairs = list(zip(hashes(one), hashes(other), strict=False))
    return next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))


def test_a_block_every_512_characters_and_one_at_the_end_of_each_message() -> None:
    [prompt] = read([SystemMessage("x" * 1100), HumanMessage("hi"), AIMessage("")])
    assert [(part.role, part.chars, len(part.blocks)) for part in prompt.parts] == [
        ("system", 1100, 3),
        ("user", 2, 1),
        ("assistant", 0, 1),
    ]
    assert len(set(hashes(prompt))) == 5


def test_prompts_share_the_blocks_before_the_place_where_they_differ() -> None:
    one, other = read(
        [SystemMessage("x" * 600 + "a" + "y" * 600)], [SystemMessage("x" * 600 + "b")]
    )
    assert common(one, other) == 1


def test_tools_come_first() -> None:
    [plain] = read([HumanMessage("hi")])
    [armed] = read([HumanMessage("hi")], tools=[{"name": "find"}])
    assert [part.role for part in armed.parts] == ["tools", "user"]
    assert common(plain, armed) == 0


def test_who_said_it_is_part_of_the_prompt() -> None:
    one, other = read([HumanMessage("hi")], [SystemMessage("hi")])
    assert common(one, other) == 0


def test_another_salt_gives_other_hashes() -> None:
    there = PromptReader(b"other").read("ask", "gpt-4o", [HumanMessage("hi")], None)
    [here] = read([HumanMessage("hi")])
    assert common(here, there) == 0
    assert here.scrubbed_hash != there.scrubbed_hash


@given(st.lists(st.text(max_size=40), max_size=4), st.lists(st.text(max_size=40), max_size=3))
def test_a_prompt_that_goes_on_has_all_blocks_of_the_one_before(
    history: list[str], more: list[str]
) -> None:
    before = [HumanMessage(text) for text in history]
    one, other = read(before, before + [HumanMessage(text) for text in more])
    assert common(one, other) == len(hashes(one))
    assert other.divergence is None


@pytest.mark.parametrize(
    ("one", "other", "char", "hint"),
    [
        ("It is 2026-11-24 10:00. Go", "It is 2026-11-24 11:30. Go", 18, "a timestamp"),
        ("Now: 1763941200.5 s", "Now: 1763941207.1 s", 14, "a timestamp"),
        ("On 2026-11-24 you", "On 2026-11-25 you", 12, "a date"),
        ("Today is Monday, go", "Today is Friday, go", 9, "a date"),
        ("Turn 3. Go", "Turn 4. Go", 5, "a number"),
        (
            "Id 123e4567-e89b-12d3-a456-426614174000.",
            "Id 123e4567-e89b-12d3-a456-426614174001.",
            38,
            "a UUID",
        ),
        ("Hello Ann, how", "Hello Bob, how", 6, None),
    ],
)
def test_what_stands_where_prompts_part(one: str, other: str, char: int, hint: str | None) -> None:
    _, second = read([SystemMessage(one)], [SystemMessage(other)])
    assert second.divergence == Divergence(message=0, role="system", char=char, hint=hint)


def test_nodes_are_compared_with_themselves() -> None:
    reader = PromptReader(b"salt")
    reader.read("a", "gpt-4o", [HumanMessage("one")], None)
    assert reader.read("b", "gpt-4o", [HumanMessage("two")], None).divergence is None


def test_a_difference_in_the_tools_has_no_message() -> None:
    reader = PromptReader(b"salt")
    reader.read("a", "gpt-4o", [HumanMessage("x")], [{"name": "one"}])
    second = reader.read("a", "gpt-4o", [HumanMessage("x")], [{"name": "two"}])
    assert (second.divergence.message, second.divergence.role) == (-1, "tools")


def test_repeated_lines_count_wherever_they_stand() -> None:
    first, second, third = read(
        [SystemMessage("Turn 1.\n" + RULES)],
        [SystemMessage("Turn 2.\n" + RULES)],
        [SystemMessage("An entirely different sentence stands here.")],
    )
    assert first.repeated_chars == len(RULES) - len(RULES) // 30  # all but its first sentence
    assert second.repeated_chars == len(RULES)
    assert third.repeated_chars == 0


def test_volatile_text_does_not_count_for_the_scrubbed_hash() -> None:
    texts = ("Order 17 of 2026-11-24", "Order 4711 of 2026-12-01", "Offer 17 of 2026-11-24")
    one, other, third = read(*([HumanMessage(text)] for text in texts))
    assert one.scrubbed_hash == other.scrubbed_hash != third.scrubbed_hash


def test_tool_calls_and_their_answers_are_read() -> None:
    call = {"name": "find", "args": {"q": "x"}, "id": "1"}
    one, other = read(
        [AIMessage("", tool_calls=[call]), ToolMessage("found", tool_call_id="1")],
        [AIMessage("", tool_calls=[{**call, "args": {"q": "y"}}])],
    )
    assert [part.role for part in one.parts] == ["assistant", "tool"]
    assert common(one, other) == 0


def test_no_word_of_a_prompt_is_kept() -> None:
    import msgspec

    secret = "the launch code is swordfish"
    _, second = read([HumanMessage(secret)], [SystemMessage(secret + "!")])
    assert b"swordfish" not in msgspec.json.encode(second)
