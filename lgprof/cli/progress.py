"""Progress on standard error: live on a terminal, else a line every ten seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]

_LINE_EVERY_S = 10.0
_WORDS = {
    "load": "loading the graph",
    "warm-up": "warming up",
    "measure": "measuring",
    "sample": "sampling Python frames",
    "prove": "proving",
}


@contextmanager
def progress_on(*, quiet: bool) -> Iterator[Progress]:
    """A function that shows (phase, done, total) until the context ends."""
    if quiet:
        yield lambda phase, done, total: None
    elif sys.stderr.isatty():
        with _live() as show:
            yield show
    else:
        yield _lines()


@contextmanager
def _live() -> Iterator[Progress]:
    from rich.console import Console
    from rich.status import Status

    console = Console(stderr=True)
    with Status("", console=console, spinner="line" if _is_ascii(console) else "dots") as status:
        yield lambda phase, done, total: status.update(_text(phase, done, total))


def _is_ascii(console: object) -> bool:
    return not str(getattr(console, "encoding", "")).lower().startswith("utf")


def _lines() -> Progress:
    last_s = time.monotonic()

    def show(phase: str, done: int, total: int) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= _LINE_EVERY_S:
            last_s = now_s
            print(f"lgprof: {_text(phase, done, total)}", file=sys.stderr, flush=True)

    return show


def _text(phase: str, done: int, total: int) -> str:
    return f"{_WORDS[phase]} {done}/{total}" if total else _WORDS[phase]
