"""Resident memory of the process over a run."""

from __future__ import annotations

from dataclasses import dataclass, field

import psutil


@dataclass(slots=True)
class ResidentMemory:
    """Resident memory of the process, read after each request."""

    process: psutil.Process = field(default_factory=psutil.Process)
    first_bytes: int = 0
    peak_bytes: int = 0
    last_bytes: int = 0

    def read(self) -> None:
        """Look at it now."""
        self.last_bytes = self.process.memory_info().rss
        self.first_bytes = self.first_bytes or self.last_bytes
        self.peak_bytes = max(self.peak_bytes, self.last_bytes)
