"""The two versions of a graph in their trees: how their processes are started and opened."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lgprof.config import Settings
from lgprof.errors import TargetError, TargetFailedError, UsageError
from lgprof.gate import protocol
from lgprof.gate.duel import Pair, fresh_pair
from lgprof.gate.process import BASE_HINT, Version
from lgprof.gate.trees import Trees
from lgprof.model import Failure
from lgprof.run.options import Billing, RunOptions
from lgprof.target import Inputs
from lgprof.target.spec import parse_spec


@dataclass(frozen=True, slots=True)
class Subject:
    """The graph, as the user named it, and what is sent to it."""

    spec: str | None
    settings: Settings
    inputs: Inputs | None
    """None: made from the input schema of the candidate."""
    options: RunOptions
    billing: Billing
    cwd: Path


class Stage:
    """Where pairs are started.

    Args:
        subject: What runs.
        trees: Its two versions.
        base_python: Interpreter of the base; None for our own.
        chance: Of orders and hash seeds.

    Raises:
        TargetError: The user's current folder is not in one of the versions.
    """

    def __init__(
        self, subject: Subject, trees: Trees, base_python: str | None, chance: random.Random
    ) -> None:
        self._subject, self._trees, self._chance = subject, trees, chance
        self.base = self._version("base", trees.base, trees.revision, base_python or sys.executable)
        self.candidate = self._version(
            "candidate", trees.candidate, str(trees.root), sys.executable
        )

    def _version(self, name: str, tree: Path, shown_as: str, python: str) -> Version:
        within = self._subject.cwd.resolve().relative_to(self._trees.root)
        folder = tree / within
        if not folder.is_dir():
            raise TargetError(
                f"the {name} ({shown_as}) has no folder {within}",
                hint="run lgprof from a folder that both versions have",
            )
        return Version(name, tree, folder, shown_as, python)

    @contextmanager
    def open_pair(
        self, inputs: list[Any] | None
    ) -> Iterator[tuple[Pair, protocol.Opened, protocol.Opened]]:
        """A fresh pair whose graphs are open, with what the base and the candidate answered.

        Args:
            inputs: Of all requests; None for one made from each version's own schema.
        """
        timeout_s = self._subject.options.timeout_s
        with fresh_pair(
            self.base, self.candidate, self._trees.root, timeout_s, self._chance
        ) as pair:
            base, new = pair.open(lambda version: self._opening(version, inputs))
            yield pair, base, new

    def _opening(self, version: Version, inputs: list[Any] | None) -> protocol.Open:
        settings, root = self._subject.settings, self._trees.root
        file = settings.file.resolve() if settings.file else None
        if file is not None and file.is_relative_to(root):
            file = version.tree / file.relative_to(root)
        return protocol.Open(
            spec=_in_tree(self._subject.spec, root, version),
            app=settings.app,
            settings_file=str(file) if file else None,
            inputs=inputs,
            root=str(root),
            tree=str(version.tree),
            foreign=[] if version.is_candidate else [str(root), str(self.candidate.tree)],
            **protocol.packed_options(self._subject.options),
        )


def _in_tree(spec: str | None, root: Path, version: Version) -> str | None:
    """The target as typed; an absolute path leads into the version's tree."""
    if spec is None or not (parsed := parse_spec(spec)).is_file:
        return spec
    path = Path(parsed.place).expanduser()
    if not path.is_absolute():
        return spec
    if not path.resolve().is_relative_to(root):
        raise UsageError(
            f"{spec} lies outside {root}: the base has no version of it",
            hint="name a target in the repository",
        )
    inside = str(version.tree / path.resolve().relative_to(root))
    return f"{inside}:{parsed.attribute}" if parsed.attribute else inside


def broken(version: Version, failures: list[Failure]) -> TargetFailedError | TargetError:
    """No request of a version succeeded: there is nothing to compare."""
    trace = None
    why = "no request ended in time (--timeout)"
    if failures:
        first = failures[0]
        where = f" in {first.node}" if first.node else ""
        name = first.error_type.removeprefix("builtins.")
        why = f"every request fails: {name}: {first.message.strip()}{where}"
        trace = version.in_users_words(first.traceback)
    text = version.in_users_words(f"the {version.name}: {why}")
    if version.is_candidate:
        return TargetFailedError(text, user_traceback=trace)
    return TargetError(text, hint=BASE_HINT, user_traceback=trace)
