"""All requests of a Profile as they would be after some changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lgprof.llm.price_table import PriceTable
from lgprof.model import Profile, Request
from lgprof.whatif.pieces import Schedule
from lgprof.whatif.rewrite import Rewriter


@dataclass(slots=True)
class Scenario:
    """Schedules in the making: each change rewrites them in turn."""

    profile: Profile
    prices: PriceTable
    """The user's own."""
    requests: list[Request]
    """In order of arrival."""
    schedules: list[Schedule]
    """One for each request."""
    caveats: list[str] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)
    """Why the prediction is not to be relied on before it was measured."""
    failing: set[int] = field(default_factory=set)
    """Positions of requests that the changes would make fail."""
    cost_known: bool = True

    def rewrite(self, rewriter: Rewriter | Callable[[int], Rewriter]) -> bool:
        """Rewrite every schedule; whether one changed.

        Args:
            rewriter: One for all, or from a request's position to its own.
        """
        changed = False
        for position, schedule in enumerate(self.schedules):
            one = rewriter if isinstance(rewriter, Rewriter) else rewriter(position)
            if type(one) is Rewriter:
                continue  # it changes nothing, and need not look
            self.schedules[position] = one.schedule(schedule)
            changed = changed or self.schedules[position] is not schedule
        return changed

    def note(self, caveat: str) -> None:
        """Say something once."""
        if caveat not in self.caveats:
            self.caveats.append(caveat)
