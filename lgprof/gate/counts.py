"""Comparing what is counted: calls, tokens, cost and errors."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lgprof.gate.sequential import Estimate

_SMALLEST_SE = 1e-12


class Paired(NamedTuple):
    """The same request on both sides."""

    number: int
    """Of the request: those of one number have the same input."""
    base: float
    new: float


@dataclass(frozen=True, slots=True)
class Totals:
    """A count over all paired requests."""

    base: float
    new: float
    exact: bool
    """Each side gave the same for the same request every time, so that the change is known."""
    estimate: Estimate | None
    """Of the log ratio of the totals; None where it is exact or cannot be told."""

    @property
    def change(self) -> float | None:
        """Relative; None where there was nothing before."""
        if self.base:
            return self.new / self.base - 1
        return 0.0 if not self.new else None


def totals(requests: Sequence[Paired]) -> Totals:
    """Add a count up, and see whether it is exact.

    Where it varies between repetitions of a request, the ratio of the totals has the standard
    error of the delta method for paired samples (Cochran 1977, "Sampling Techniques", 6.4).
    """
    base = math.fsum(request.base for request in requests)
    new = math.fsum(request.new for request in requests)
    equal = all(request.base == request.new for request in requests)
    exact = equal or _repeats_agree(requests)
    return Totals(base, new, exact, None if exact else _log_ratio(requests, base, new))


def _repeats_agree(requests: Iterable[Paired]) -> bool:
    """Whether there were repetitions, and each had the same count on the same side."""
    counts: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for request in requests:
        counts[request.number].append((request.base, request.new))
    repeated = [found for found in counts.values() if len(found) > 1]
    return bool(repeated) and all(len(set(found)) == 1 for found in repeated)


def _log_ratio(requests: Sequence[Paired], base: float, new: float) -> Estimate | None:
    count = len(requests)
    if count < 2 or not base or not new:
        return None
    ratio = new / base
    squares = math.fsum((request.new - ratio * request.base) ** 2 for request in requests)
    se = math.sqrt(squares / (count - 1) / count) / (base / count) / ratio
    return Estimate(math.log(ratio), max(se, _SMALLEST_SE), count - 1)


def p_more_errors(base_errors: int, base: int, new_errors: int, new: int) -> float:
    """p-value of "the candidate fails no more often": Fisher's exact test, one-sided.

    Args:
        base_errors: Failed requests of the base.
        base: All of its requests.
        new_errors: Failed requests of the candidate.
        new: All of its requests.
    """
    errors = base_errors + new_errors
    ways = math.comb(base + new, errors)
    worse = sum(
        math.comb(new, k) * math.comb(base, errors - k)
        for k in range(new_errors, min(errors, new) + 1)
        if errors - k <= base
    )
    return worse / ways
