"""How far a run is, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lgprof.cli.status_line import status_line

Progress = Callable[[str, int, int], None]

_WORDS = {
    "load": "loading the graph",
    "warm-up": "warming up",
    "measure": "measuring",
    "sample": "sampling Python frames",
    "memory": "tracking memory",
    "prove": "proving",
}


@contextmanager
def progress_on(*, quiet: bool) -> Iterator[Progress]:
    """A function that shows (phase, done, total) until the context ends."""
    with status_line(quiet=quiet) as line:
        yield lambda phase, done, total: line.show(_text(phase, done, total))


def _text(phase: str, done: int, total: int) -> str:
    return f"{_WORDS[phase]} {done}/{total}" if total else _WORDS[phase]
