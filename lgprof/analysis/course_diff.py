"""Two graphs as one: all nodes and edges of both, each as in the new one where it has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from lgprof.analysis.transitions import Course, courses
from lgprof.model import Profile

Edges = dict[tuple[str, str], Literal["added", "removed"]]


def joined_courses(base: Profile, new: Profile) -> tuple[dict[str, Course], Edges]:
    """The courses of both Profiles by the path of their graph, and the edges that one alone has.

    Of what is no more, edges count 0 and nodes keep the superstep that they ran in.
    """
    before, after = courses(base), courses(new)
    joined, edges = {}, Edges()
    for path in dict.fromkeys([*after, *before]):
        old, now = before.get(path, Course(path)), after.get(path, Course(path))
        joined[path] = Course(
            path,
            nodes={**old.nodes, **now.nodes},
            first_step={**old.first_step, **now.first_step},
            transitions=now.transitions
            | {
                pair: replace(each, count=0)
                for pair, each in old.transitions.items()
                if pair not in now.transitions
            },
        )
        edges |= dict.fromkeys(_beyond(now.transitions, old.transitions), "added")
        edges |= dict.fromkeys(_beyond(old.transitions, now.transitions), "removed")
    return joined, edges


def _beyond(
    these: Iterable[tuple[str, str]], those: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    known = set(those)
    return [pair for pair in these if pair not in known]
