"""``.speedscope.json``: the flame graph, and all requests on lanes, for https://speedscope.app."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import lgprof
from lgprof.analysis.flame import NODE_SECONDS, FlameOptions
from lgprof.analysis.flame_tree import Flame
from lgprof.model import Profile
from lgprof.render.flame_text import drawn_flame, flame_name
from lgprof.render.lanes import Bar, bar_name, lanes_of
from lgprof.render.terminal.text import clean

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def speedscope(profile: Profile, options: FlameOptions = NODE_SECONDS) -> str:
    """The Profile in speedscope's own format.

    The first of its profiles is the flame graph; then comes one for each lane of requests.

    Raises:
        UsageError: There is nothing to draw.
    """
    frames = _Frames()
    flame = drawn_flame(profile, options)
    profiles = [_sampled(flame, options, frames)]
    lanes = lanes_of(profile.requests)
    profiles += [_evented(lane, number, frames) for number, lane in enumerate(lanes, 1)]
    document = {
        "$schema": _SCHEMA,
        "name": clean(profile.target.name),
        "exporter": f"lgprof@{lgprof.__version__}",
        "activeProfileIndex": 0,
        "shared": {"frames": frames.known},
        "profiles": profiles,
    }
    return json.dumps(document, separators=(",", ":"))


class _Frames:
    """Frames by number."""

    def __init__(self) -> None:
        self.known: list[dict[str, Any]] = []
        self._numbers: dict[tuple[str, str, int], int] = {}

    def number(self, name: str, file: str = "", line: int = 0) -> int:
        key = clean(name).strip() or "(unnamed)", clean(file), line
        number = self._numbers.setdefault(key, len(self.known))
        if number == len(self.known):
            told = {"file": key[1]} if file else {}
            self.known.append({"name": key[0], **told, **({"line": line} if line else {})})
        return number


def _sampled(flame: Flame, options: FlameOptions, frames: _Frames) -> dict[str, Any]:
    samples, weights = [], []
    for _, *way in flame.walk():
        if way and way[-1].self_value > 0:
            samples.append([frames.number(flame_name(f), f.file, f.line) for f in way])
            weights.append(way[-1].self_value)
    by = "" if options.by == "time" else f" by {options.by}"
    return {
        "type": "sampled",
        "name": f"flame graph: {options.view}{by}",
        "unit": "seconds" if options.by in ("time", "cpu") else "none",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }


def _evented(lane: list[Bar], number: int, frames: _Frames) -> dict[str, Any]:
    return {
        "type": "evented",
        "name": f"requests, lane {number}",
        "unit": "seconds",
        "startValue": lane[0].start_s,
        "endValue": max(bar.end_s for bar in lane),
        "events": [event for bar in lane for event in _events(bar, frames)],
    }


def _events(bar: Bar, frames: _Frames) -> Iterator[dict[str, Any]]:
    frame = frames.number(bar_name(bar))
    yield {"type": "O", "frame": frame, "at": bar.start_s}
    for inner in bar.inside:
        yield from _events(inner, frames)
    yield {"type": "C", "frame": frame, "at": bar.end_s}
