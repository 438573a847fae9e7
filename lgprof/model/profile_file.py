"""Reading and writing Profile files: JSON, gzip where the name ends in ``.gz``."""

from __future__ import annotations

import gzip
import inspect
import os
import tempfile
import zlib
from pathlib import Path
from typing import Any

import msgspec

from lgprof.errors import UsageError
from lgprof.model.profile import SCHEMA, Profile

_FAMILY, _VERSION = SCHEMA.split("/")


class _Header(msgspec.Struct):
    schema: str


def encode_profile(profile: Profile) -> bytes:
    """The Profile as JSON, one line."""
    return msgspec.json.encode(profile)


def write_profile(profile: Profile, path: Path, *, force: bool = False) -> None:
    """Write atomically and readable by the owner alone (mode 0600).

    Raises:
        UsageError: The file exists and ``force`` is off, or the place cannot be written.
    """
    data = encode_profile(profile)
    write_private(compressed(data) if path.suffix == ".gz" else data, path, force=force)


def compressed(data: bytes) -> bytes:
    """As it stands in a ``.gz`` file."""
    return gzip.compress(data, compresslevel=5)


def write_private(data: bytes, path: Path, *, force: bool = False) -> None:
    """Write a file atomically with mode 0600, making its folder if need be.

    Raises:
        UsageError: The file exists and ``force`` is off, or the place cannot be written.
    """
    if path.exists() and not force:
        raise UsageError(f"{path} exists already", hint="add --force to overwrite it")
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise UsageError(
            f"cannot write {path}: {reason}", hint="name another file with --output FILE"
        ) from error


def read_profile(path: Path) -> Profile:
    """Read a Profile.

    Raises:
        UsageError: No such file, not a Profile, damaged, or from a newer lgprof.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except FileNotFoundError as error:
        raise UsageError(f"no such file: {path}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    try:
        schema = msgspec.json.decode(data, type=_Header).schema
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{path} is not an lgprof Profile, or was cut short: {error}",
            hint="give a file written by lgprof run or lgprof load",
        ) from error
    _check_schema(schema, path)
    try:
        return msgspec.json.decode(data, type=Profile)
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is not a valid {SCHEMA} Profile: {error}") from error


def _check_schema(schema: str, path: Path) -> None:
    family, _, version = schema.partition("/")
    if family != _FAMILY or not version.isdigit():
        raise UsageError(f"{path} has schema {schema!r}, not {SCHEMA}")
    if int(version) > int(_VERSION):
        raise UsageError(
            f"{path} was written by a newer lgprof (schema {schema}; this one reads {SCHEMA})",
            hint="pip install --upgrade lgprof",
        )


def profile_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a Profile file."""
    schema = _clean(msgspec.json.schema(Profile))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _clean(part: Any) -> Any:
    """Without the indentation of docstrings, which differs between versions of Python."""
    if isinstance(part, dict):
        return {
            key: inspect.cleandoc(value)
            if key == "description" and isinstance(value, str)
            else _clean(value)
            for key, value in part.items()
        }
    return [_clean(item) for item in part] if isinstance(part, list) else part
