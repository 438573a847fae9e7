"""One line on standard error that says how far things are: live, or now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status

_LINE_EVERY_S = 10.0


class StatusLine:
    """Shows nothing."""

    def show(self, text: str) -> None:
        """Say how far things are."""

    def pause(self) -> None:
        """Leave the terminal to others until the next text."""


class PrintedLine(StatusLine):
    """Prints a line every ten seconds."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._last_s = now_s()

    def show(self, text: str) -> None:
        """Print the line where it is due."""
        now_s = self._now_s()
        if now_s - self._last_s >= _LINE_EVERY_S:
            self._last_s = now_s
            print(f"lgprof: {text}", file=sys.stderr, flush=True)


class LiveLine(StatusLine):
    """Keeps one line of the terminal up to date."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def show(self, text: str) -> None:
        """Put the text in the place of the last one."""
        from rich.text import Text

        self._status.update(Text(text))
        self._status.start()

    def pause(self) -> None:
        """Take the line away."""
        self._status.stop()


@contextmanager
def status_line(*, quiet: bool) -> Iterator[StatusLine]:
    """A line that lasts until the context ends."""
    if quiet:
        yield StatusLine()
    elif sys.stderr.isatty():
        line = LiveLine(_status())
        try:
            yield line
        finally:
            line.pause()
    else:
        yield PrintedLine()


def _status() -> Status:
    from rich.console import Console
    from rich.status import Status

    console = Console(stderr=True)
    is_ascii = not str(console.encoding or "").lower().startswith("utf")
    return Status("", console=console, spinner="line" if is_ascii else "dots")
