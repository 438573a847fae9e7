"""The differential flame graphs of two Profiles, one for each width, as small nested lists."""

from __future__ import annotations

import math
from typing import Any

from lgprof.analysis.diff import Compared
from lgprof.analysis.flame import FlameOptions
from lgprof.analysis.flame_diff import FlameDiff, flame_diff
from lgprof.render.flame_diff_text import (
    diff_change,
    diff_key,
    diff_name,
    diff_note,
    gone_words,
    rest_of,
    sampled_alike,
    strength,
)
from lgprof.render.html.encoding import Names, number
from lgprof.render.html.flames import GRAPHS, Texts

_LEAST_SHARE = 0.0005
_DEEPEST = 120


def flame_diffs(compared: Compared, names: Names, first: FlameOptions) -> dict[str, Any]:
    """As `lgprof.render.html.flames.flames`; each frame ends with what it was and its change."""
    base, new, _ = compared
    texts = Texts()
    graphs = {}
    for name, options in sorted(GRAPHS.items(), key=lambda each: each[1] != first):
        whole = flame_diff(base, new, options)
        if whole.value > 0:
            told = [
                diff_note(whole, options),
                sampled_alike(base, new),
                gone_words(whole, options, names.of),
            ]
            graphs[name] = {
                "by": options.by,
                "note": " · ".join(filter(None, told)),
                "key": list(diff_key(options)),
                "tree": _Writer(whole, names, texts).frame(whole, 0),
            }
    return {"texts": texts.all(), "graphs": graphs}


class _Writer:
    def __init__(self, whole: FlameDiff, names: Names, texts: Texts) -> None:
        self.whole = whole
        self.names = names
        self.texts = texts

    def frame(self, frame: FlameDiff, depth: int) -> list[Any]:
        """``[kind, name, value, calls, failures, place, children, [was, change, tone]]``."""
        least = self.whole.value * _LEAST_SHARE if depth < _DEEPEST else math.inf
        children = [self.frame(each, depth + 1) for each in frame.children if each.value >= least]
        rest = [each for each in frame.children if 0 < each.value < least]
        if rest:
            children.append(self.frame(rest_of(rest), _DEEPEST))
        return [
            self.texts.of(frame.kind),
            self.texts.of(diff_name(frame, self.names.of)),
            number(frame.value),
            frame.calls,
            0,
            self.texts.of(""),
            children,
            [number(frame.base), diff_change(frame), strength(frame, self.whole)],
        ]
