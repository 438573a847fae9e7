"""The console that a report is printed on."""

from __future__ import annotations

import os
from typing import IO

from rich.console import Console

_PIPED_WIDTH = 100


class ReportConsole(Console):
    """As wide as the terminal, or 100 columns where there is none."""

    def __init__(self, file: IO[str]) -> None:
        fits_itself = file.isatty() or "COLUMNS" in os.environ
        super().__init__(file=file, width=None if fits_itself else _PIPED_WIDTH, highlight=False)

    def on_broken_pipe(self) -> None:
        """Tell the caller that the reader has gone; rich would end the process with code 1."""
        raise BrokenPipeError
