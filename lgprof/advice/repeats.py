"""Calls that repeat one another."""

from __future__ import annotations

from collections import defaultdict
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
    known: dict[str, list[Call]] = defaultdict(list)
    found = Repeats()
    for call in sorted(calls, key=lambda call: call.span.start_s):
        key = key_of(call)
        if key is None:
            continue
        earlier = [one.request for one in known[key] if one.span.end_s <= call.span.start_s]
        if call.request in earlier:
            found.within.append(call)
        elif call.request.index in observed.given and any(
            request.index in observed.given for request in earlier
        ):
            found.across.append(call)
        known[key].append(call)
    return found
