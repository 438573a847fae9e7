"""The file formats of a Profile: one entry per suffix, each made by a module of its own.

To add one, write a module with a pure function from a Profile to bytes and enter it here; the
commands' ``--output`` and ``lgprof report`` then offer it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from lgprof.errors import UsageError
from lgprof.model import Profile

if TYPE_CHECKING:
    from lgprof.analysis.flame import FlameOptions

Kind = Literal["run", "load"]


class Format(NamedTuple):
    """One file format; ``encode`` imports what it needs when it is called."""

    suffix: str
    what: str
    encode: Callable[[Profile], bytes]
    kind: Kind | None = None
    """The kind of Profile that it is for; None for both."""
    why_not: str = ""
    """What to say where it is asked for of the other kind."""
    encode_flame: Callable[[Profile, FlameOptions], bytes] | None = None
    """Of a flame graph: the one that is asked for, instead of ``encode``."""

    def encoded(self, profile: Profile, flame: FlameOptions | None = None) -> bytes:
        """The file.

        Raises:
            UsageError: The Profile has nothing to put in it.
        """
        if flame is not None and self.encode_flame is not None:
            return self.encode_flame(profile, flame)
        return self.encode(profile)


def _json(profile: Profile) -> bytes:
    from lgprof.model.profile_file import encode_profile

    return encode_profile(profile)


def _json_gz(profile: Profile) -> bytes:
    from lgprof.model.profile_file import compressed

    return compressed(_json(profile))


def _html(profile: Profile) -> bytes:
    from lgprof.render.html import html_report

    return html_report(profile)


def _html_flame(profile: Profile, flame: FlameOptions) -> bytes:
    from lgprof.render.html import html_report

    return html_report(profile, flame)


def _hgrm(profile: Profile) -> bytes:
    from lgprof.render.hdr_files import hgrm

    return hgrm(profile).encode()


def _hlog(profile: Profile) -> bytes:
    from lgprof.render.hdr_files import hlog

    return hlog(profile).encode()


def _folded(profile: Profile, flame: FlameOptions | None = None) -> bytes:
    from lgprof.analysis.flame import NODE_SECONDS
    from lgprof.render.folded import folded

    return folded(profile, flame or NODE_SECONDS).encode()


def _speedscope(profile: Profile, flame: FlameOptions | None = None) -> bytes:
    from lgprof.analysis.flame import NODE_SECONDS
    from lgprof.render.speedscope import speedscope

    return speedscope(profile, flame or NODE_SECONDS).encode()


def _svg(profile: Profile, flame: FlameOptions | None = None) -> bytes:
    from lgprof.analysis.flame import NODE_SECONDS
    from lgprof.render.svg import flame_svg

    return flame_svg(profile, flame or NODE_SECONDS).encode()


def _chrome_trace(profile: Profile) -> bytes:
    from lgprof.render.chrome_trace import chrome_trace

    return chrome_trace(profile).encode()


def _otlp(profile: Profile) -> bytes:
    from lgprof.render.otlp import otlp

    return otlp(profile).encode()


def _csv(profile: Profile) -> bytes:
    from lgprof.render.request_table import request_table

    return request_table(profile).encode()


def _markdown(profile: Profile) -> bytes:
    from lgprof.render.profile_markdown import profile_markdown

    return profile_markdown(profile).encode()


FORMATS: tuple[Format, ...] = (
    Format(".json", "the Profile", _json),
    Format(".json.gz", "the Profile, compressed", _json_gz),
    Format(".html", "the report as one page for any browser", _html, encode_flame=_html_flame),
    Format(".hgrm", "latencies as HdrHistogram's percentile table", _hgrm),
    Format(
        ".hlog",
        "latencies as HdrHistogram's log",
        _hlog,
        kind="load",
        why_not="only a load test has intervals to log",
    ),
    Format(".svg", "the flame graph, to click and search", _svg, encode_flame=_svg),
    Format(".folded", "the flame graph as folded stacks", _folded, encode_flame=_folded),
    Format(
        ".speedscope.json",
        "flame graph and requests for speedscope",
        _speedscope,
        encode_flame=_speedscope,
    ),
    Format(".trace.json", "requests as Chrome trace events, for Perfetto", _chrome_trace),
    Format(".otlp.json", "requests as OpenTelemetry traces", _otlp),
    Format(".csv", "a row per request", _csv),
    Format(".md", "a summary for a pull request", _markdown),
)


def format_of(file: Path, kind: Kind) -> Format:
    """The format that a file's suffix asks for: the longest that fits.

    Raises:
        UsageError: No format has this suffix, or none for this kind of Profile.
    """
    known = [each for each in FORMATS if each.kind in (None, kind)]
    fitting = [each for each in known if file.name.endswith(each.suffix)]
    if fitting:
        return max(fitting, key=lambda each: len(each.suffix))
    others = [each.why_not for each in FORMATS if file.name.endswith(each.suffix)]
    why = others[0] if others else "unknown suffix"
    raise UsageError(f"--output {file}: {why}", hint=f"use {' or '.join(_suffixes(known))}")


def _suffixes(formats: Iterable[Format]) -> list[str]:
    return [each.suffix for each in formats]
