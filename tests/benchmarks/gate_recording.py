"""Real pairs, recorded: all versions of a graph run in each round, each in a fresh process."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from gate_repository import CHANGES, Repository

from lgprof.gate import protocol
from lgprof.gate.duel import Course, Pair, PairRows, usable_cores
from lgprof.gate.process import SideProcess, Version, side_environment
from lgprof.run.options import RunOptions

_TIMEOUT_S = 60.0
_WITHIN_S = 60.0

INPUT = {"x": "{{i}}"}
REQUESTS = {"cpu": 240, "ten": 240, "io": 16, "model": 12}
"""Per side of a pair: as many as the gate itself takes for a request of this length."""

Rounds = list[dict[str, PairRows]]
"""Pairs of the base with each branch, by the branch's name."""


def record(
    repository: Repository, graph: str, trees: Path, seconds: float, chance: random.Random
) -> Rounds:
    """Record rounds for so long."""
    versions = _versions(repository, trees)
    rounds: Rounds = []
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        rounds.append(_round(versions, graph, len(rounds), repository.folder, chance))
    return rounds


def save(rounds: Rounds, file: Path) -> None:
    file.write_bytes(msgspec.json.encode(rounds))


def load(file: Path) -> Rounds:
    return msgspec.json.decode(file.read_bytes(), type=Rounds)


def _versions(repository: Repository, trees: Path) -> dict[str, Version]:
    """One worktree per version; ``main`` is the base, and the branch ``base`` is no other."""
    trees.mkdir(exist_ok=True)
    found = {}
    for branch in ("main", *CHANGES):
        folder = trees / branch
        if not folder.exists():
            repository.worktree(branch, folder)
        found[branch] = Version(branch, folder, folder, branch, sys.executable)
    return found


def _round(
    versions: dict[str, Version], graph: str, number: int, root: Path, chance: random.Random
) -> dict[str, PairRows]:
    cores = usable_cores()
    block = 4 if graph in ("cpu", "ten") else 1
    course = Course(0, REQUESTS[graph], block, cores[number % len(cores)])
    with _processes(versions, root, chance) as sides:
        _ask_all(sides, _opening(graph, root), protocol.Opened)
        _ask_all(sides, protocol.WarmUp(1_000_000_000, 60, 0.4), protocol.WarmedUp)
        return {
            branch: Pair(sides["main"], sides[branch], _TIMEOUT_S, chance).run(course)
            for branch in chance.sample(list(CHANGES), k=len(CHANGES))
        }


@contextmanager
def _processes(
    versions: dict[str, Version], root: Path, chance: random.Random
) -> Iterator[dict[str, SideProcess]]:
    seed = chance.randrange(1, 2**32)
    sides: dict[str, SideProcess] = {}
    try:
        for name in chance.sample(list(versions), k=len(versions)):
            sides[name] = SideProcess(versions[name], side_environment(versions[name], seed, root))
        yield sides
    finally:
        for side in sides.values():
            side.kill()


def _ask_all(
    sides: dict[str, SideProcess], question: protocol.Question, kind: type[msgspec.Struct]
) -> None:
    for side in sides.values():
        side.ask(question)
    for side in sides.values():
        side.answer(kind, _WITHIN_S)


def _opening(graph: str, root: Path) -> protocol.Open:
    return protocol.Open(
        spec=f"app:{graph}",
        app=None,
        settings_file=None,
        inputs=[INPUT],
        root=str(root),
        tree=str(root),  # nothing is installed from there
        foreign=[],
        **protocol.packed_options(RunOptions()),
    )
