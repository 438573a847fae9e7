"""What a kind of advice found, and what its status rests on."""

from __future__ import annotations

from dataclasses import dataclass, field

from lgprof.model import AdviceStatus, Saving
from lgprof.whatif.changes import Change


@dataclass(slots=True)
class Grounds:
    """What speaks against a change, and what is to be known of it."""

    vetoes: list[str] = field(default_factory=list)
    """It would change what the graph does."""
    doubts: list[str] = field(default_factory=list)
    """It may, and the recording cannot tell."""
    facts: list[str] = field(default_factory=list)
    """Counts that the status rests on, and caveats."""

    @property
    def status(self) -> AdviceStatus:
        """``unsafe`` with a veto, ``unproven`` with a doubt, else ``predicted``."""
        return "unsafe" if self.vetoes else "unproven" if self.doubts else "predicted"

    @property
    def reasons(self) -> list[str]:
        """What decides comes first."""
        return [*self.vetoes, *self.doubts, *self.facts]


@dataclass(slots=True)
class Finding:
    """One thing to change, before its saving is predicted."""

    kind: str
    nodes: list[str]
    title: str
    why: str
    change: str
    """Code to paste."""
    changes: tuple[Change, ...] = ()
    """The same, to be predicted and proven; empty where it cannot be."""
    evidence: list[str] = field(default_factory=list)
    """Spans, ``REQUEST/SPAN``."""
    grounds: Grounds = field(default_factory=Grounds)
    saving: Saving | None = None
    """Where the kind works it out itself."""
    matters: str | None = None
    """Why it is worth saying even if a request alone gains little."""
    given_inputs_only: bool = False
    """What repeats counts: requests that repeat an input of the user's tell nothing."""
