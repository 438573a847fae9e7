from __future__ import annotations

import io
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.config import Settings
from lgprof.errors import UsageError
from lgprof.target import Inputs, inputs_from_schema, parse_inputs, parse_json_option, substitute


def parse(folder: Path, *texts: str) -> Inputs:
    inputs = parse_inputs(texts, Settings(), folder)
    assert inputs is not None
    return inputs


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ('{"q": 1}', {"q": 1}),
        ("[1, 2]", [1, 2]),
        ('"quoted"', "quoted"),
        ("42", 42),
        ("true", True),
        ("null", None),
        ("Hello there", "Hello there"),
        ("NaN", "NaN"),
        ("12 monkeys", "12 monkeys"),
        ("", ""),
        ("-1", -1),
    ],
)
def test_json_and_bare_strings(tmp_path: Path, text: str, item: object) -> None:
    assert parse(tmp_path, text) == Inputs([item], "-i")


def test_json_file(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text("\ufeff[1,\n2]", encoding="utf-8")
    assert parse(tmp_path, "@in.json") == Inputs([[1, 2]], "in.json")


def test_jsonl_file(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"q": 1}\r\n\n"two\u2028lines"\n', encoding="utf-8")
    assert parse(tmp_path, "@in.jsonl") == Inputs([{"q": 1}, "two\u2028lines"], "in.jsonl")


def test_several(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("1\n2\n")
    found = parse(tmp_path, "a", "@in.jsonl", "b")
    assert found == Inputs(["a", 1, 2, "b"], "-i, in.jsonl")


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ('{"q":\n1}', [{"q": 1}]),
        ('{"q": 1}\n{"q": 2}\n', [{"q": 1}, {"q": 2}]),
        ("1\n\n2\n", [1, 2]),
        ("hello\n", ["hello"]),
    ],
)
def test_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, items: list[object]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert parse(tmp_path, "-") == Inputs(items, "standard input")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "-i -: standard input is empty"),
        ('{"q": 1}\n{"q": }\n', "standard input, line 2: broken JSON: Expecting value (column 7)"),
        ('{"q":\n}', "standard input: broken JSON: Expecting value (line 2, column 1)"),
    ],
)
def test_broken_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    with pytest.raises(UsageError) as raised:
        parse(tmp_path, "-")
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{q: 1}", "-i: broken JSON: Expecting property name enclosed in double quotes (line 1, "),
        ('{"q":\n x}', "(line 2, column 2)"),
        ('{"q": NaN}', "-i: broken JSON: NaN is not JSON"),
        ("[" * 100_000, "-i: broken JSON: nested too deeply"),
        ('"open', "-i: broken JSON: Unterminated string starting at (line 1, column 1)"),
        ("@bad.json", "bad.json: broken JSON: Expecting value (line 2, column 1)"),
        ("@bad.jsonl", "bad.jsonl, line 3: broken JSON: Expecting value (column 2)"),
        ("@empty.jsonl", "empty.jsonl holds no input"),
        ("@gone.json", "-i: there is no file 'gone.json'"),
        ("@bytes.json", "-i: bytes.json is not UTF-8 text"),
        ("@.", "-i: . cannot be read: Is a directory"),
    ],
)
def test_broken_inputs(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.json").write_text("[1,\nx]")
    (tmp_path / "bad.jsonl").write_text("1\n\n[\n")
    (tmp_path / "empty.jsonl").write_text("\n \n")
    (tmp_path / "bytes.json").write_bytes(b"\xff")
    with pytest.raises(UsageError) as raised:
        parse(tmp_path, text)
    assert message in raised.value.message


def test_a_close_file_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "inputs.jsonl").write_text("1\n")
    with pytest.raises(UsageError) as raised:
        parse(tmp_path, "@data/input.jsonl")
    assert raised.value.hint == "did you mean @data/inputs.jsonl?"


@pytest.mark.parametrize(
    ("inputs", "items"),
    [
        ("@in.jsonl", [1, 2]),
        ("hello", ["hello"]),
        ('{"q": 1}', [{"q": 1}]),
        ([{"q": 1}, "@in.jsonl", "hello"], [{"q": 1}, 1, 2, "hello"]),
        ({"q": 1}, [{"q": 1}]),
    ],
)
def test_settings(tmp_path: Path, inputs: Any, items: list[object]) -> None:
    (tmp_path / "in.jsonl").write_text("1\n2\n")
    settings = Settings(inputs=inputs, file=tmp_path / "pyproject.toml")
    found = parse_inputs([], settings, tmp_path / "elsewhere")
    assert found == Inputs(items, "inputs of pyproject.toml")
    given_ones = parse_inputs(["x"], settings, tmp_path)
    assert given_ones == Inputs(["x"], "-i")


def test_no_inputs_in_settings(tmp_path: Path) -> None:
    assert parse_inputs([], Settings(), tmp_path) is None
    with pytest.raises(UsageError, match="inputs is empty"):
        parse_inputs([], Settings(inputs=[]), tmp_path)


def test_made_inputs_say_so() -> None:
    made = inputs_from_schema({"type": "object", "properties": {"q": {"type": "string"}}})
    assert made == Inputs([{"q": "example"}], "made from the input schema", synthesized=True)


# --- placeholders ------------------------------------------------------------------------------


def test_items_are_used_in_turn_and_never_shared() -> None:
    inputs = Inputs([{"n": "{{i}}", "l": []}, "x{{i}}"], "-i")
    assert [inputs.render(i) for i in range(3)] == [{"n": 0, "l": []}, "x1", {"n": 2, "l": []}]
    inputs.render(0)["l"].append(1)
    assert inputs.items[0]["l"] == []


def test_substitution_goes_deep() -> None:
    value = {"k{{i}}": ["{{i}}", "a{{i}}b{{i}}", {"{{i}}": {"x": "{{i}}"}}], "n": 1.5, "z": None}
    assert substitute(value, 7) == {"k7": [7, "a7b7", {"7": {"x": 7}}], "n": 1.5, "z": None}


def test_every_uuid_is_another() -> None:
    found = substitute("{{uuid}} {{uuid}}", 0).split()
    assert len({uuid.UUID(one) for one in found}) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(value=JSON, index=st.integers(min_value=0))
def test_values_without_placeholders_stay(value: object, index: int) -> None:
    if not re.search(r"\{\{(i|uuid)\}\}", repr(value)):
        assert substitute(value, index) == value


@given(before=st.text(), after=st.text(), index=st.integers(min_value=0))
def test_text_around_a_placeholder_stays(before: str, after: str, index: int) -> None:
    text = f"{before}{{{{i}}}}{after}"
    if text.count("{{i}}") == 1 and "{{uuid}}" not in text and text != "{{i}}":
        assert substitute(text, index) == f"{before}{index}{after}"


# --- options -----------------------------------------------------------------------------------


def test_options(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"a": 1}')
    assert parse_json_option("--context", '{"a": 2}', tmp_path) == {"a": 2}
    assert parse_json_option("--context", "@c.json", tmp_path) == {"a": 1}
    assert parse_json_option("--resume", "approve", tmp_path, bare_strings=True) == "approve"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("approve", "--context: broken JSON: Expecting value (line 1, column 1)"),
        ("@c.json", "--context @c.json: broken JSON: Expecting value (line 1, column 7)"),
        ("@gone.json", "--context: there is no file 'gone.json'"),
    ],
)
def test_wrong_options(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.json").write_text('{"a": }')
    with pytest.raises(UsageError) as raised:
        parse_json_option("--context", text, tmp_path)
    assert raised.value.message == message
