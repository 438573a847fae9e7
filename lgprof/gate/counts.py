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


class Outcomes(NamedTuple):
    """How often one request failed on each side, of so many times."""

    base_failed: int
    base: int
    new_failed: int
    new: int


def p_more_errors(requests: Iterable[Outcomes]) -> float:
    """p-value of "the candidate fails no more often", one-sided.

    Exact, given how often each request failed on both sides together: Fisher's test, stratified by
    request (Mehta, Patel and Gray 1985, "Computing an exact confidence interval for the common odds
    ratio in several 2 x 2 contingency tables"). So one input that fails every time is soon told
    from errors that strike at random, however many other inputs there are.
    """
    failed, chances = 0, [1.0]
    for request in requests:
        failed += request.new_failed
        chances = _sums(chances, _failures_of_new(request))
    return math.fsum(chances[failed:])


def _failures_of_new(request: Outcomes) -> list[float]:
    """The chance of each number of failures of the candidate, if sides made no difference."""
    failures = request.base_failed + request.new_failed
    ways = math.comb(request.base + request.new, failures)
    return [
        math.comb(request.new, k) * math.comb(request.base, failures - k) / ways
        for k in range(min(failures, request.new) + 1)
    ]


def _sums(one: list[float], other: list[float]) -> list[float]:
    """The chances of each sum of two independent numbers."""
    found = [0.0] * (len(one) + len(other) - 1)
    for i, p in enumerate(one):
        for k, q in enumerate(other):
            found[i + k] += p * q
    return found
