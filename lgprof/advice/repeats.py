"""Calls that repeat one another."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from lgprof.advice.observed import Call, Observed
from lgprof.whatif.changes import Skip

FEWEST_REPEATS = 5
"""Of what other requests had asked; fewer may be chance."""


@dataclass(slots=True)
class Repeats:
    """Calls that repeat an earlier one, which had ended by then."""

    within: list[Call] = field(default_factory=list)
    """Of the same request."""
    across: list[Call] = field(default_factory=list)
    """Of another request, where neither repeats an input of the user's."""

    @property
    def calls(self) -> list[Call]:
        """Both, as far as they count: few repeats of other requests may be chance."""
        return [*self.within, *(self.across if len(self.across) >= FEWEST_REPEATS else [])]

    @property
    def skipped(self) -> Skip:
        """The change that leaves them out."""
        return Skip(frozenset((call.request.index, call.span.id) for call in self.calls))

    @property
    def whereabouts(self) -> str:
        """In words, whose calls are repeated."""
        own = len(self.within)
        if not own:
            return "of other requests"
        return "of the same request" if own == len(self.calls) else f"{own} of the same request"


def repeats(observed: Observed, calls: list[Call], key_of: Callable[[Call], str | None]) -> Repeats:
    """The repeats among calls.

    Args:
        observed: Where the calls are from.
        calls: Of one node.
        key_of: Equal for equal calls; None for calls that do not count.
    """
    own_end_s: dict[tuple[str, int], float] = {}
    given_end_s: dict[str, float] = {}
    found = Repeats()
    for call in sorted(calls, key=lambda call: call.span.start_s):
        key, index = key_of(call), call.request.index
        if key is None:
            continue
        start_s, end_s = call.span.start_s, call.span.end_s
        if own_end_s.get((key, index), math.inf) <= start_s:
            found.within.append(call)
        elif index in observed.given and given_end_s.get(key, math.inf) <= start_s:
            found.across.append(call)
        own_end_s[key, index] = min(end_s, own_end_s.get((key, index), math.inf))
        if index in observed.given:
            given_end_s[key] = min(end_s, given_end_s.get(key, math.inf))
    return found
