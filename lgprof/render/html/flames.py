"""The flame graphs of a Profile, one for each width, as small nested lists."""

from __future__ import annotations

from typing import Any

from lgprof.analysis.flame import NODE_SECONDS, FlameOptions, flame_graphs
from lgprof.analysis.flame_tree import Flame
from lgprof.model import Profile
from lgprof.render.flame_text import flame_name, flame_note, flame_place, sampling_note
from lgprof.render.html.encoding import Names, number

_LEAST_SHARE = 0.0002
"""Narrower frames share one: a fifth of a pixel on a wide screen."""
_MOST_FRAMES = 12_000
"""Of one graph: with more, only wider ones are kept."""
_DEEPEST = 120
GRAPHS = {
    "time": NODE_SECONDS,
    "elapsed": FlameOptions(view="elapsed"),
    "cpu": FlameOptions(by="cpu"),
    "cost": FlameOptions(by="cost"),
    "tokens": FlameOptions(by="tokens"),
}


def flames(profile: Profile, names: Names, first: FlameOptions) -> dict[str, Any]:
    """Each flame graph that has a width, ``first`` before the others; texts stand in a table."""
    writer = _Writer(names)
    graphs = {}
    ordered = sorted(GRAPHS.items(), key=lambda each: each[1] != first)
    made = flame_graphs(profile, [options for _, options in ordered])
    for (name, options), flame in zip(ordered, made, strict=True):
        if flame.value > 0:
            sampled = sampling_note(profile, options, times="\N{MULTIPLICATION SIGN}")
            notes = [flame_note(flame, options), sampled]
            graphs[name] = {
                "by": options.by,
                "note": " · ".join(note for note in notes if note),
                "tree": writer.tree(flame),
            }
    return {"texts": writer.texts.all(), "graphs": graphs}


class Texts:
    """A table of texts, each once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, text: str) -> int:
        """Its number in the table."""
        return self._numbers.setdefault(text, len(self._numbers))

    def all(self) -> list[str]:
        """The table."""
        return list(self._numbers)


class _Writer:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.texts = Texts()

    def tree(self, flame: Flame) -> list[Any]:
        """``[kind, name, value, calls, failures, place, children]``; texts by their number."""
        least = flame.value * _LEAST_SHARE
        while _frames(flame, least) > _MOST_FRAMES:
            least *= 2
        return self._frame(flame, least, 0)

    def _frame(self, flame: Flame, least: float, depth: int) -> list[Any]:
        shown = [each for each in flame.children if each.value >= least and depth < _DEEPEST]
        rest = [each for each in flame.children if each.value < least or depth >= _DEEPEST]
        children = [self._frame(each, least, depth + 1) for each in shown]
        rest_value = sum(each.value for each in rest)
        if rest_value > 0:
            label = f"{len(rest)} smaller"
            children.append(
                [
                    self.texts.of("rest"),
                    self.texts.of(label),
                    number(rest_value),
                    0,
                    0,
                    self.texts.of(""),
                    [],
                ]
            )
        return [
            self.texts.of(flame.kind),
            self.texts.of(flame_name(flame, self.names.of)),
            number(flame.value),
            flame.calls,
            flame.failures,
            self.texts.of(self._place(flame)),
            children,
        ]

    def _place(self, flame: Flame) -> str:
        place = flame_place(flame) or flame.file
        return self.names.of(place) if place else ""


def _frames(flame: Flame, least: float) -> int:
    number_of, waiting = 0, [flame]
    while waiting:
        number_of += 1
        waiting += [each for each in waiting.pop().children if each.value >= least]
    return number_of
