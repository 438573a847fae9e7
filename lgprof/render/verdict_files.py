"""The file formats of a verdict, by suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from lgprof.errors import UsageError
from lgprof.model import Verdict


def encode_verdict(verdict: Verdict) -> bytes:
    """The verdict as JSON, one line."""
    return msgspec.json.encode(verdict)


def _junit(verdict: Verdict) -> bytes:
    from lgprof.render.junit import junit

    return junit(verdict)


def _markdown(verdict: Verdict) -> bytes:
    from lgprof.render.markdown import verdict_markdown

    return verdict_markdown(verdict).encode()


_ENCODERS: dict[str, Callable[[Verdict], bytes]] = {
    ".xml": _junit,
    ".md": _markdown,
    ".json": encode_verdict,
}


def encoder_of(file: Path) -> Callable[[Verdict], bytes]:
    """What makes a file of this name.

    Raises:
        UsageError: No format has its suffix.
    """
    for suffix, encode in _ENCODERS.items():
        if file.name.endswith(suffix):
            return encode
    raise UsageError(
        f"--output {file}: unknown suffix",
        hint=f"use {', '.join(_ENCODERS)}, or .html for the report",
    )
