"""What a flame graph can be drawn of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar


class Framed(Protocol):
    """A frame with a width and frames below it."""

    value: float

    @property
    def children(self) -> Sequence[Any]:
        """Frames of the same kind."""


FrameT = TypeVar("FrameT", bound=Framed)
