"""What is sent to the graph: read from ``-i``, files and settings, or made from a schema.

    -i JSON | text      one request; text that is no JSON and does not look like it is a string
    -i @file.json       one request
    -i @file.jsonl      one request a line
    -i -                standard input: JSON, or one request a line

In every string, ``{{i}}`` becomes the request's index and ``{{uuid}}`` a new UUID; ``"{{i}}"``
alone becomes a number.
"""

from __future__ import annotations

import difflib
import json
import shlex
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from lgprof.config import Settings
from lgprof.errors import UsageError
from lgprof.target.synthesis import synthesize

_INDEX = "{{i}}"
_UUID = "{{uuid}}"
_JSON_STARTS = ("{", "[", '"')


@dataclass(frozen=True)
class Inputs:
    """The requests' inputs, used in turn."""

    items: list[Any]
    """At least one, as written: with their placeholders."""
    source: str
    """Where they came from, in words."""
    synthesized: bool = False
    """They were made from the schema: nobody said that they make sense."""

    def render(self, index: int) -> Any:
        """The input of a request: a new value each time, so that no run changes another's.

        Args:
            index: The request's number from 0; past the last item it starts over.
        """
        return substitute(self.items[index % len(self.items)], index)


def parse_inputs(texts: Sequence[str], settings: Settings, cwd: Path) -> Inputs | None:
    """The inputs that the command line gives, else those of the settings, else None.

    Raises:
        UsageError: Broken JSON, or a file that cannot be read.
    """
    if texts:
        items = [item for text in texts for item in _read(text, "-i", cwd)]
        return Inputs(items, ", ".join(dict.fromkeys(_source(text) for text in texts)))
    if settings.inputs is None:
        return None
    items = _from_settings(settings)
    if not items:
        raise UsageError(f"{settings.file}: inputs is empty", hint="write at least one input")
    return Inputs(items, f"inputs of {settings.file.name if settings.file else 'the settings'}")


def inputs_from_schema(schema: dict[str, Any]) -> Inputs:
    """One made-up input that fits a graph's input schema."""
    return Inputs([synthesize(schema)], "made from the input schema", synthesized=True)


def parse_json_option(name: str, text: str, cwd: Path, *, bare_strings: bool = False) -> Any:
    """The value of an option that takes JSON or ``@file.json``.

    Args:
        name: The option, for messages: ``--context``.
        text: What was typed.
        cwd: Where relative paths start.
        bare_strings: Text that does not look like JSON is a string.

    Raises:
        UsageError: Broken JSON, or a file that cannot be read.
    """
    if text.startswith("@"):
        return _parse(_read_file(cwd, text[1:], name), f"{name} {text}")
    if bare_strings:
        return _parse_or_text(text, name)
    return _parse(text, name)


def substitute(value: Any, index: int) -> Any:
    """A deep copy of JSON-like data with ``{{i}}`` and ``{{uuid}}`` replaced, in keys as well."""
    if isinstance(value, str):
        return index if value == _INDEX else _replaced(value, index)
    if isinstance(value, dict):
        return {
            _replaced(key, index) if isinstance(key, str) else key: substitute(item, index)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [substitute(item, index) for item in value]
    return value


def _replaced(text: str, index: int) -> str:
    text = text.replace(_INDEX, str(index))
    while _UUID in text:
        text = text.replace(_UUID, str(uuid.uuid4()), 1)
    return text


# --- reading -----------------------------------------------------------------------------------


def _source(text: str) -> str:
    if text == "-":
        return "standard input"
    return Path(text[1:]).name if text.startswith("@") else "-i"


def _from_settings(settings: Settings) -> list[Any]:
    inputs, option = settings.inputs, f"{settings.file}: inputs"
    folder = settings.folder or Path.cwd()
    if isinstance(inputs, str):
        return _read(inputs, option, folder)
    items: list[Any] = []
    for item in inputs if isinstance(inputs, list) else [inputs]:
        if isinstance(item, str) and item.startswith("@"):
            items += _read(item, option, folder)
        else:
            items.append(item)
    return items


def _read(text: str, option: str, folder: Path) -> list[Any]:
    if text == "-":
        return _read_stdin()
    if not text.startswith("@"):
        return [_parse_or_text(text, option)]
    content = _read_file(folder, text[1:], option)
    if text.endswith(".jsonl"):
        return _parse_lines(content, text[1:])
    return [_parse(content, text[1:])]


def _read_file(folder: Path, name: str, option: str) -> str:
    path = folder / Path(name).expanduser()
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        siblings = path.parent.glob("*") if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, [file.name for file in siblings], n=1)
        file = shlex.quote(f"@{Path(name).with_name(close[0])}") if close else None
        hint = f"did you mean {file}?" if file else None
        raise UsageError(f"{option}: there is no file {name!r}", hint=hint) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{option}: {name} is not UTF-8 text: {error}") from error
    except OSError as error:
        raise UsageError(f"{option}: {name} cannot be read: {error.strerror}") from error


def _read_stdin() -> list[Any]:
    content = sys.stdin.read()
    if not content.strip():
        raise UsageError("-i -: standard input is empty", hint="pipe JSON into lgprof")
    lines = [line for line in content.splitlines() if line.strip()]
    if len(lines) == 1:
        return [_parse_or_text(lines[0], "standard input")]
    try:
        return [_loads(content)]
    except ValueError:
        if not _is_json(lines[0]):
            _parse(content, "standard input")
        return _parse_lines(content, "standard input")


def _parse_lines(content: str, where: str) -> list[Any]:
    items = []
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            try:
                items.append(_loads(line))
            except ValueError as error:
                _fail(error, f"{where}, line {number}", line_counts=False)
    if not items:
        raise UsageError(f"{where} holds no input", hint="write one JSON value a line")
    return items


def _parse_or_text(text: str, where: str) -> Any:
    if text.lstrip().startswith(_JSON_STARTS):
        return _parse(text, where)
    return _loads(text) if _is_json(text) else text


def _is_json(text: str) -> bool:
    try:
        _loads(text)
    except ValueError:
        return False
    return True


def _parse(text: str, where: str) -> Any:
    try:
        return _loads(text)
    except ValueError as error:
        _fail(error, where)


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _fail(error: ValueError, where: str, *, line_counts: bool = True) -> NoReturn:
    what = str(error)
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " if line_counts else ""
        what = f"{error.msg} ({line}column {error.colno})"
    hint = """write JSON: '{"question": "Hello"}', in single quotes for the shell"""
    raise UsageError(f"{where}: broken JSON: {what}", hint=hint) from error
