"""Who looks on while a test runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lgprof.model.live import LiveState


class Watcher(Protocol):
    """Whoever started the test, at a terminal or not."""

    def show(self, state: LiveState) -> None:
        """How the test stands; told some four times a second."""

    def confirm(self, text: str) -> bool:
        """Whether to go on, given what it will take."""

    def tell(self, text: str) -> None:
        """Something to know from now on."""
