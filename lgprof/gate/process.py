"""The gate's end of a side: its process, questions and answers, and its end."""

from __future__ import annotations

import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import msgspec

import lgprof
from lgprof import errors
from lgprof.errors import LgprofError, TargetError, TargetFailedError, UsageError
from lgprof.gate import protocol
from lgprof.gate.process_group import kill_group

_ANSWER = TypeVar("_ANSWER", bound=msgspec.Struct)

BASE_HINT = "the base must have a graph that runs: name another revision with --against"

_SHOWN_LINES = 20
_END_WITHIN_S = 3.0
_MODULE = "lgprof.gate.side"


@dataclass(frozen=True, slots=True)
class Version:
    """One of the two versions that are compared."""

    name: str
    """``base`` or ``candidate``."""
    tree: Path
    folder: Path
    """Where its processes run: the user's current folder, in the tree."""
    shown_as: str
    """What stands in messages in the tree's place: the user's own folder, or the revision."""
    python: str

    @property
    def is_candidate(self) -> bool:
        """Whether this is what the user wants to have judged."""
        return self.name == "candidate"

    def in_users_words(self, text: str) -> str:
        """A text without the name of our temporary folder."""
        return text.replace(str(self.tree), self.shown_as)


class SideProcess:
    """A process that runs one version. It is gone when it is closed, whatever it does.

    Args:
        version: What it runs.
        environment: Its whole environment.
    """

    def __init__(self, version: Version, environment: Mapping[str, str]) -> None:
        self.version = version
        self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as we do
        try:
            self._process = subprocess.Popen(
                # -P: not the lgprof of a tree that happens to hold one.
                [version.python, "-P", "-m", _MODULE],
                cwd=version.folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
                start_new_session=True,  # Ctrl-C is for the gate, which ends its processes itself
            )
        except OSError as error:
            raise UsageError(
                f"{version.python} cannot be started: {error.strerror}",
                hint="--base-python takes the path of a Python interpreter",
            ) from error
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                self._lines.put(line)
        self._lines.put(b"")

    def ask(self, question: protocol.Question) -> None:
        """Send a question; `answer` waits for the answer."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended: there will be no answer, which says more
            self._process.stdin.write(protocol.encode(question))
            self._process.stdin.flush()

    def answer(self, kind: type[_ANSWER], within_s: float) -> _ANSWER:
        """Wait for an answer.

        Raises:
            LgprofError: The side could not do what it was asked for, died, or did not answer.
        """
        try:
            line = self._lines.get(timeout=within_s)
        except queue.Empty:
            raise self._failed(f"did not answer within {within_s:.0f} s") from None
        if not line:
            self._process.wait()
            raise self._died()
        answer = protocol.decode_answer(line)
        if isinstance(answer, protocol.Problem):
            raise self._explained(answer)
        assert isinstance(answer, kind)
        return answer

    def leave(self) -> None:
        """Have the process close what it opened, and end."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def wait(self) -> None:
        """Wait a little for its end."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_WITHIN_S)

    def kill(self) -> None:
        """End it at once."""
        kill_group(self._process)
        self.leave()
        self._printed.close()

    def _explained(self, problem: protocol.Problem) -> LgprofError:
        """The side's problem, as the user shall see it.

        A candidate whose own code raises is broken; so is a base, but it is for the user to choose
        another one.
        """
        version = self.version
        text = version.in_users_words(f"the {version.name}: {problem.message}")
        trace = problem.user_traceback and version.in_users_words(problem.user_traceback)
        hint = problem.hint and version.in_users_words(problem.hint)
        kind = getattr(errors, problem.kind)
        if not version.is_candidate and issubclass(kind, UsageError | TargetFailedError):
            hint = BASE_HINT
            kind = TargetError
        elif kind is TargetError and trace:
            kind = TargetFailedError
        made: LgprofError = kind(text, hint=hint, user_traceback=trace)
        return made

    def _died(self) -> LgprofError:
        words = self._last_words()
        if (
            f"No module named '{_MODULE.partition('.')[0]}'" in words
            or "No module named lgprof" in words
        ):
            return UsageError(
                f"--base-python {self.version.python} has no lgprof",
                hint=f"{self.version.python} -m pip install lgprof=={lgprof.__version__}",
            )
        code = self._process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return self._failed(f"ended with {how} while it was measured", words)

    def _failed(self, what: str, words: str | None = None) -> LgprofError:
        version = self.version
        kind = TargetFailedError if version.is_candidate else TargetError
        printed = version.in_users_words(words or self._last_words())
        return kind(f"the {version.name} {what}", user_traceback=printed or None)

    def _last_words(self) -> str:
        self._printed.seek(0)
        lines = self._printed.read().decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-_SHOWN_LINES:])


def side_environment(version: Version, hash_seed: int, root: Path) -> dict[str, str]:
    """The environment of a side: the user's own, with import folders led into its tree.

    Args:
        version: What it runs.
        hash_seed: Both sides of a pair have the same, and each pair another one: the order of sets
            moves timings.
        root: The user's working tree.
    """
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a copy would be compiled for each process
    entries = environment.get("PYTHONPATH", "").split(os.pathsep)
    environment["PYTHONPATH"] = os.pathsep.join(
        str(version.tree / Path(entry).relative_to(root))
        if entry and Path(entry).is_relative_to(root)
        else entry
        for entry in entries
    )
    if not environment["PYTHONPATH"]:
        del environment["PYTHONPATH"]
    return environment
