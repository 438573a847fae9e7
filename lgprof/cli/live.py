"""What a load test shows while it runs: a panel on a terminal, else a line every ten seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lgprof.cli.asking import confirm

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

    from lgprof.model.live import LiveState

_LINE_EVERY_S = 10.0


@contextmanager
def watching(*, quiet: bool, yes: bool) -> Iterator[QuietWatcher]:
    """A watcher that shows states on standard error until the context ends.

    Args:
        quiet: Show nothing.
        yes: What would be asked is answered already.
    """
    watcher = _watcher(quiet, yes)
    try:
        yield watcher
    finally:
        watcher.pause()


def _watcher(quiet: bool, yes: bool) -> QuietWatcher:
    if quiet:
        return QuietWatcher(yes=yes)
    if sys.stderr.isatty():
        from rich.console import Console

        console = Console(stderr=True)
        if console.is_interactive:  # a dumb terminal is not
            return PanelWatcher(console, yes=yes)
    return LineWatcher(yes=yes)


class QuietWatcher:
    """Shows nothing, and asks what only the user can answer."""

    def __init__(self, *, yes: bool) -> None:
        self._yes = yes

    def show(self, state: LiveState) -> None:
        """Show how the test stands."""

    def pause(self) -> None:
        """Leave the terminal to others until the next state."""

    def tell(self, text: str) -> None:
        """Print a line that stays."""
        self.pause()
        print(text, file=sys.stderr, flush=True)

    def confirm(self, text: str) -> bool:
        """Show what is about to happen, and ask whether to go on.

        Raises:
            UsageError: Nobody can be asked.
        """
        self.pause()
        return confirm(text, yes=self._yes)


class LineWatcher(QuietWatcher):
    """Prints a line every ten seconds."""

    def __init__(self, *, yes: bool, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(yes=yes)
        self._now_s = now_s
        self._last_s = now_s()

    def show(self, state: LiveState) -> None:
        """Print the line where it is due."""
        from lgprof.render.terminal.live import live_line

        if self._now_s() - self._last_s >= _LINE_EVERY_S:
            self._last_s = self._now_s()
            print(live_line(state), file=sys.stderr, flush=True)


class PanelWatcher(QuietWatcher):
    """Draws a panel, in the thread that calls it; it goes when the test ends."""

    def __init__(self, console: Console, *, yes: bool) -> None:
        super().__init__(yes=yes)
        self._console = console
        self._live: Live | None = None

    def show(self, state: LiveState) -> None:
        """Draw the panel anew."""
        from rich.console import Group
        from rich.live import Live

        from lgprof.render.terminal.charset import glyphs_for
        from lgprof.render.terminal.live import live_lines

        lines = live_lines(state, self._console.width, glyphs_for(self._console))
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(Group(*lines), refresh=True)

    def pause(self) -> None:
        """Take the panel away."""
        if self._live is not None:
            self._live.stop()
            self._live = None
