"""A frame of a flame graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Flame:
    """A frame of the flame graph, and those below it, the widest first."""

    kind: str
    """``all`` for the whole; the kind of a span (``node``, ``model``, ``tool``, ...); ``python``,
    ``library``, ``builtin`` or ``await`` for a Python frame; ``input`` or ``output`` for tokens; a
    field of `lgprof.model.Attribution` for what is neither a call nor a frame."""
    name: str
    value: float
    """Seconds, USD or tokens over all requests, those of the frames below included."""
    calls: int = 0
    """0 where they are not counted, as of Python frames."""
    failures: int = 0
    file: str = ""
    line: int = 0
    """The line that most of what is below was called from, else where the function begins."""
    children: list[Flame] = field(default_factory=list)

    @property
    def self_value(self) -> float:
        """What is in no frame below."""
        return max(0.0, self.value - sum(child.value for child in self.children))

    def walk(self, above: tuple[Flame, ...] = ()) -> Iterator[tuple[Flame, ...]]:
        """Every frame, with those above it: the outermost first, itself last."""
        here = (*above, self)
        yield here
        for child in self.children:
            yield from child.walk(here)
