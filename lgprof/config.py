"""Settings: ``[tool.lgprof]`` of ``pyproject.toml``, or the whole of ``lgprof.toml``.

The nearest of these files in the current folder or above it counts, up to the project's ``.git``.
Options of a run may stand at the top or in a table ``[tool.lgprof.run]``, which wins.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lgprof.errors import UsageError

_ANY = (object,)

_KEYS: dict[str, tuple[type, ...]] = {
    "app": (str,),
    "inputs": (str, list, dict),
    "failed_when": (str,),
    "timeout": (str, int, float),
    "requests": (int,),
    "warmup": (int,),
    "concurrency": (int,),
    "mode": (str,),
    "checkpointer": (str,),
    "store": (str,),
    "context": _ANY,
    "config": (dict, str),
    "resume": _ANY,
    "recursion_limit": (int,),
    "probes": (bool,),
}
"""Every setting, with the types that its value may have."""

_TOP_ONLY = ("app",)
_FIELDS = ("app", "inputs", "failed_when")

_WORDS: dict[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True)
class Settings:
    """What the settings file says; every field has its default where it says nothing."""

    app: str | None = None
    """The target to take where the command line names none."""
    inputs: str | list[Any] | dict[str, Any] | None = None
    """``@file.jsonl`` (relative to `folder`), a list of inputs, or one input as a table."""
    failed_when: str | None = None
    """A predicate: see `lgprof.predicate`."""
    options: dict[str, Any] = field(default_factory=dict)
    """The other settings by name, as written: defaults of the options with these names."""
    file: Path | None = None
    """Where they came from."""

    @property
    def folder(self) -> Path | None:
        """The settings file's folder: relative paths in it start here."""
        return self.file.parent if self.file else None


def load_settings(cwd: Path) -> Settings:
    """Read the nearest settings file.

    Args:
        cwd: Where the search starts; it goes upwards to the folder with ``.git``.

    Raises:
        UsageError: A file that is not TOML, an unknown key, or a value of the wrong type.
    """
    for folder in _upwards(cwd.resolve()):
        for name in ("lgprof.toml", "pyproject.toml"):
            file = folder / name
            table = _read_table(file) if file.is_file() else None
            if table is not None:
                return _settings(table, file)
    return Settings()


def _upwards(folder: Path) -> Iterator[Path]:
    for candidate in (folder, *folder.parents):
        yield candidate
        if (candidate / ".git").exists():
            return


def _read_table(file: Path) -> dict[str, Any] | None:
    """The settings in a file, or None where it is a ``pyproject.toml`` without any."""
    document = _read_toml(file)
    if file.name == "lgprof.toml":
        return document
    tools = document.get("tool", {})
    table = tools.get("lgprof") if isinstance(tools, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{file}: tool.lgprof must be a table", hint="write [tool.lgprof]")
    return table


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        # The parser's message ends in "(at line 3, column 7)".
        raise UsageError(f"{file} is not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text: {error}") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error


def _settings(table: Mapping[str, Any], file: Path) -> Settings:
    prefix = "" if file.name == "lgprof.toml" else "tool.lgprof."
    run = table.get("run", {})
    if not isinstance(run, dict):
        raise UsageError(f"{file}: {prefix}run must be a table", hint=f"write [{prefix}run]")
    top = {key: value for key, value in table.items() if key != "run"}
    _check(top, file, prefix, [*_KEYS, "run"])
    _check(run, file, f"{prefix}run.", [key for key in _KEYS if key not in _TOP_ONLY])
    values = {**top, **run}
    options = {key: value for key, value in values.items() if key not in _FIELDS}
    return Settings(**{key: values.get(key) for key in _FIELDS}, options=options, file=file)


def _check(table: Mapping[str, Any], file: Path, prefix: str, known: list[str]) -> None:
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"{file}: unknown setting {prefix}{key}", hint=_suggest(key, known))
        if not _fits(value, _KEYS[key]):
            wanted = " or ".join(_WORDS[kind] for kind in _KEYS[key])
            raise UsageError(f"{file}: {prefix}{key} must be {wanted}, not {_word(value)}")


def _suggest(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key.replace("-", "_"), known, n=1)
    return f"did you mean {close[0]}?" if close else f"the settings are {', '.join(known)}"


def _fits(value: object, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):  # which Python counts among the whole numbers
        return bool in kinds or object in kinds
    return isinstance(value, kinds)


def _word(value: object) -> str:
    return _WORDS.get(type(value), type(value).__name__)
