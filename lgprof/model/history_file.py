"""The history file: JSON lines, appended to and read."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lgprof.errors import UsageError
from lgprof.model.history import HISTORY_SCHEMA, HistoryEntry


def read_history_file(file: Path) -> list[HistoryEntry]:
    """The entries in the order of the file; none where there is no file.

    Raises:
        UsageError: A line that is no entry, with its number.
    """
    if not file.exists():
        return []
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    return [_entry(line, number, file) for number, line in enumerate(lines, 1) if line.strip()]


def _entry(line: bytes, number: int, file: Path) -> HistoryEntry:
    try:
        entry = msgspec.json.decode(line, type=HistoryEntry)
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{file}, line {number}: no entry of a history: {error}",
            hint="name a file that lgprof history wrote with --file, or remove the line",
        ) from error
    if entry.schema != HISTORY_SCHEMA:
        raise UsageError(f"{file}, line {number}: schema {entry.schema!r}, not {HISTORY_SCHEMA}")
    return entry


def append_history(entry: HistoryEntry, file: Path) -> None:
    """Add a line, making the file if need be.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as stream:
            stream.write(msgspec.json.encode(entry) + b"\n")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
