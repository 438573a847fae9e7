"""Pairs of Profiles with known differences."""

from __future__ import annotations

import copy
import itertools

from lgprof.analysis.diff import Compared, diff_profiles
from lgprof.model import Edge, Profile
from tests.render.sample_profiles import Recording, profile_of

ATTACK = "<img src=x onerror=\"document.title='attacked'\">"


def chain(*nodes: tuple[str, float], requests: int = 4) -> Profile:
    """Each request runs these nodes one after another; one that starts with ! calls a model."""
    made = []
    for index in range(requests):
        recording = Recording(index, start_s=100.0 * index)
        for name, seconds in nodes:
            node = recording.run(name.lstrip("!"), seconds)
            if name.startswith("!"):
                recording.model(node, node.start_s, node.end_s)
        made.append(recording.done())
    profile = profile_of(made)
    names = ["__start__", *(name.lstrip("!") for name, _ in nodes), "__end__"]
    profile.target.nodes = names[1:-1]
    profile.target.edges = [
        Edge(source=source, target=target) for source, target in itertools.pairwise(names)
    ]
    return profile


def compared(base: Profile, new: Profile) -> Compared:
    return Compared(base, new, diff_profiles(base, new))


def changed() -> Compared:
    """``plan`` is slower, ``draft`` faster, ``review`` gone and ``judge`` new."""
    return compared(
        chain(("plan", 1.0), ("!draft", 3.0), ("same", 1.0), ("review", 1.0)),
        chain(("plan", 2.0), ("!draft", 2.0), ("same", 1.0), ("judge", 0.5)),
    )


def hostile() -> Compared:
    """Names that would run if they were markup, on both sides, some of them alone."""
    base = chain((ATTACK, 1.0), (f"old{ATTACK}", 1.0))
    new = copy.deepcopy(chain((ATTACK, 2.0), (f"!young{ATTACK}", 1.0)))
    base.environment.python = ATTACK
    base.target.spec = base.target.name = new.target.name = ATTACK
    return compared(base, new)
