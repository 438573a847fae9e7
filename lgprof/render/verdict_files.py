"""The file formats of a verdict, by suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from lgprof.errors import UsageError
from lgprof.model import Profile, Verdict


class Judged(NamedTuple):
    """A verdict, and the Profile that it is about."""

    verdict: Verdict
    profile: Profile | None
    """None where two versions were compared, and no more."""


def encode_verdict(verdict: Verdict) -> bytes:
    """The verdict as JSON, one line."""
    return msgspec.json.encode(verdict)


def _junit(judged: Judged) -> bytes:
    from lgprof.render.junit import junit

    return junit(judged.verdict)


def _markdown(judged: Judged) -> bytes:
    from lgprof.render.markdown import verdict_markdown

    return verdict_markdown(judged.verdict).encode()


def _json(judged: Judged) -> bytes:
    return encode_verdict(judged.verdict)


def _report(judged: Judged) -> bytes:
    from lgprof.render.html import html_report

    if judged.profile is None:
        raise UsageError("there is no Profile to report: --against judges two versions")
    return html_report(judged.profile)


class VerdictFormat(NamedTuple):
    """One file format; ``encode`` imports what it needs when it is called."""

    suffix: str
    encode: Callable[[Judged], bytes]
    needs_profile: bool = False
    """It is of the Profile that is judged, which a comparison of two versions alone has not."""


FORMATS = (
    VerdictFormat(".xml", _junit),
    VerdictFormat(".md", _markdown),
    VerdictFormat(".json", _json),
    VerdictFormat(".html", _report, needs_profile=True),
)


def format_of(file: Path) -> VerdictFormat:
    """The format that a file's suffix asks for.

    Raises:
        UsageError: No format has it.
    """
    for each in FORMATS:
        if file.name.endswith(each.suffix):
            return each
    suffixes = " or ".join(each.suffix for each in FORMATS)
    raise UsageError(f"--output {file}: unknown suffix", hint=f"use {suffixes}")
