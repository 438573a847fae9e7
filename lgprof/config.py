"""Settings: ``[tool.lgprof]`` of ``pyproject.toml`` or ``lgprof.toml``, or the whole of the latter.

The nearest of these files in the current folder or above it counts, up to the project's ``.git``.
Each command has a table of its own, such as ``[tool.lgprof.run]`` and ``[tool.lgprof.load]``, which
wins over the top. What says how a request is made holds for all commands where it stands at the
top; options of ``run`` may stand there too, and hold for ``run`` and for ``gate``, which runs the
graph likewise.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lgprof.errors import UsageError

Command = Literal["run", "load", "gate"]

_Types = tuple[type, ...]
_ANY: _Types = (object,)
_DURATION: _Types = (str, int, float)
_NUMBER_OR_AUTO: _Types = (int, str)

_SHARED: dict[str, _Types] = {
    "inputs": (str, list, dict),
    "failed_when": (str,),
    "timeout": _DURATION,
    "mode": (str,),
    "checkpointer": (str,),
    "store": (str,),
    "context": _ANY,
    "config": (dict, str),
    "resume": _ANY,
    "recursion_limit": (int,),
    "prices": (dict, str),
    "monthly_requests": (int, float),
}
"""Settings of all commands, with the types that their values may have."""

_RUN: dict[str, _Types] = {
    "requests": (int,),
    "warmup": (int,),
    "concurrency": (int,),
    "probes": (bool,),
    "sample": (bool,),
    "memory": (bool,),
}

_OWN: dict[Command, dict[str, _Types]] = {
    "run": {**_RUN, "capture_content": (bool,)},
    "load": {
        "rps": (int, float),
        "duration": _DURATION,
        "requests": (int,),
        "stages": (str, list),
        "ramp": _DURATION,
        "arrivals": (str,),
        "seed": (int,),
        "users": (int,),
        "think": _DURATION,
        "warmup": _DURATION,
        "workers": _NUMBER_OR_AUTO,
        "max_concurrent": _NUMBER_OR_AUTO,
        "max_in_flight": (int,),
        "keep": (int,),
        "abort_on": (str, list),
        "tolerate_worker_loss": (bool,),
        "strict": (bool,),
    },
    "gate": {
        **_RUN,
        "budgets": (str, list),
        "baseline": (str,),
        "trust_times": (bool,),
        "allow_environment": (bool,),
        "tolerance": (str, int, float, list),
        "inconclusive": (str,),
        "against": (str,),
        "base_python": (str,),
        "time_budget": _DURATION,
    },
}
"""Settings of one command."""

_TOP: dict[str, _Types] = {"app": (str,), **_SHARED, **_OWN["run"]}
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
    """``@file.jsonl`` (relative to `folder`), one input as a table, or a list of both."""
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


def load_settings(cwd: Path, command: Command = "run") -> Settings:
    """Read the nearest settings file.

    Args:
        cwd: Where the search starts; it goes upwards to the folder with ``.git``.
        command: Whose settings to take.

    Raises:
        UsageError: A file that is not TOML, an unknown key, or a value of the wrong type.
    """
    for folder in _upwards(cwd.resolve()):
        for name in ("lgprof.toml", "pyproject.toml"):
            file = folder / name
            found = _read_table(file) if file.is_file() else None
            if found is not None:
                return _settings(*found, file, command)
    return Settings()


def _upwards(folder: Path) -> Iterator[Path]:
    for candidate in (folder, *folder.parents):
        yield candidate
        if (candidate / ".git").exists():
            return


def _read_table(file: Path) -> tuple[dict[str, Any], str] | None:
    """The settings in a file and what their names begin with; None where there are none."""
    document = _read_toml(file)
    tools = document.get("tool", {})
    if file.name == "lgprof.toml":
        if not isinstance(tools, dict) or "lgprof" not in tools:
            return document, ""
        others = [key for key in document if key != "tool"]
        if others:
            raise UsageError(
                f"{file}: settings both in [tool.lgprof] and outside it: {', '.join(others)}",
                hint="write all of them in one place",
            )
    table = tools.get("lgprof") if isinstance(tools, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{file}: tool.lgprof must be a table", hint="write [tool.lgprof]")
    return None if table is None else (table, "tool.lgprof.")


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


def _settings(document: Mapping[str, Any], prefix: str, file: Path, command: Command) -> Settings:
    tables = {name: document.get(name, {}) for name in _OWN}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(
                f"{file}: {prefix}{name} must be a table", hint=f"write [{prefix}{name}]"
            )
        _check(table, file, f"{prefix}{name}.", {**_SHARED, **_OWN[name]})
    top = {key: value for key, value in document.items() if key not in tables}
    _check(top, file, prefix, _TOP)
    foreign = _OWN["run"] if command == "load" else {}
    values = {key: value for key, value in top.items() if key not in foreign}
    if command == "gate":
        values |= tables["run"]
    values |= tables[command]
    options = {key: value for key, value in values.items() if key not in _FIELDS}
    return Settings(**{key: values.get(key) for key in _FIELDS}, options=options, file=file)


def _check(table: Mapping[str, Any], file: Path, prefix: str, known: Mapping[str, _Types]) -> None:
    for key, value in table.items():
        if key not in known:
            hint = _suggest(key, prefix, known)
            raise UsageError(f"{file}: unknown setting {prefix}{key}", hint=hint)
        if not _fits(value, known[key]):
            wanted = " or ".join(_WORDS[kind] for kind in known[key])
            raise UsageError(f"{file}: {prefix}{key} must be {wanted}, not {_word(value)}")


def _suggest(key: str, prefix: str, known: Mapping[str, _Types]) -> str:
    owner = next((name for name in _OWN if key in _OWN[name]), None)
    if known is _TOP and owner is not None:
        return f"write it in [{prefix}{owner}]"
    names = [*known, *_OWN] if known is _TOP else list(known)
    close = difflib.get_close_matches(key.replace("-", "_"), names, n=1)
    return f"did you mean {close[0]}?" if close else f"the settings are {', '.join(names)}"


def _fits(value: object, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):  # which Python counts among the whole numbers
        return bool in kinds or object in kinds
    return isinstance(value, kinds)


def _word(value: object) -> str:
    return _WORDS.get(type(value), type(value).__name__)
