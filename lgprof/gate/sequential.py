"""When a comparison may stop, and what it may then say: pure statistics, no measuring.

A gate looks at its pairs several times. Each look spends a part of the error that is allowed in
all, by a spending function of Pocock's type: ``alpha * log(1 + (e - 1) * t)`` where ``t`` is the
share of the pairs made (Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials").
The nominal level of each look follows by recursive integration over a Gaussian random walk
(Armitage, McPherson and Rowe 1969); used with Student's t at the pairs made so far.

Over several metrics, FAIL goes by Holm's step-down procedure (Holm 1979), and PASS needs all of
them, which asks for no correction (intersection-union test, Berger 1982).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from lgprof.distributions import chi2_quantile_below, t_quantile_above, t_tail

_Key = TypeVar("_Key")

LOOKS = (4, 6, 8, 12, 16, 24)
"""After how many pairs to look."""
FAIL_LEVELS = (0.00252, 0.00171, 0.00173, 0.00250, 0.00263, 0.00367)
"""Nominal one-sided levels of the looks that spend 1 % in all."""
PASS_LEVELS = (0.01259, 0.00974, 0.01029, 0.01468, 0.01606, 0.02222)
"""The same for 5 % in all."""
INTERVAL_LEVELS = (0.00630, 0.00458, 0.00474, 0.00679, 0.00729, 0.01011)
"""The same for 2.5 % in all: both ends of a 95 % interval that holds at all looks at once
(repeated confidence interval, Jennison and Turnbull 1989)."""

DETECTION_POWER = 0.9
_SD_ASSURANCE = 0.2
_SMALLEST_SE = 1e-12


class Levels(NamedTuple):
    """One-sided levels of a look."""

    fail: float
    passing: float
    interval: float


def levels_at(pairs: int) -> Levels:
    """The levels after so many pairs; between two looks, where time is up, those of the later."""
    look = min(bisect_left(LOOKS, pairs), len(LOOKS) - 1)
    return Levels(FAIL_LEVELS[look], PASS_LEVELS[look], INTERVAL_LEVELS[look])


@dataclass(frozen=True, slots=True)
class Estimate:
    """A log ratio of the candidate to the base, with its standard error."""

    mean: float
    se: float
    df: int
    """Degrees of freedom of ``se``."""

    def lower(self, level: float) -> float:
        """The one-sided lower confidence bound."""
        return self.mean - t_quantile_above(level, self.df) * self.se

    def upper(self, level: float) -> float:
        """The one-sided upper confidence bound."""
        return self.mean + t_quantile_above(level, self.df) * self.se

    def p_above(self, margin: float) -> float:
        """p-value of the hypothesis that the true log ratio is at most ``margin``."""
        return t_tail((self.mean - margin) / self.se, self.df)

    def detectable(self, level: float, margin: float) -> float:
        """The smallest true log ratio that a test at ``level`` finds in nine of ten cases.

        The spread between pairs enters at the upper bound of its own 80 % confidence interval:
        that of a few pairs is itself uncertain, and with the plain one the promise holds in seven
        of ten.
        """
        spread = math.sqrt(self.df / chi2_quantile_below(_SD_ASSURANCE, self.df))
        quantiles = t_quantile_above(level, self.df) + t_quantile_above(
            1 - DETECTION_POWER, self.df
        )
        return margin + quantiles * self.se * spread


def estimate(log_ratios: Sequence[float]) -> Estimate:
    """The mean of one log ratio per pair: processes differ, so the pair is the unit.

    Raises:
        ValueError: Fewer than two pairs.
    """
    count = len(log_ratios)
    if count < 2:
        raise ValueError(f"{count} pairs give no spread")
    mean = math.fsum(log_ratios) / count
    variance = math.fsum((value - mean) ** 2 for value in log_ratios) / (count - 1)
    return Estimate(mean, max(math.sqrt(variance / count), _SMALLEST_SE), count - 1)


State = Literal["pass", "fail", "inconclusive"]


class Finding(NamedTuple):
    """One metric at a look."""

    p: float
    """p-value of "not slower by more than the margin"."""
    tolerable: bool
    """It is shown to be within the tolerance."""


def weigh(found: Estimate, *, tolerance: float, margin: float, passing: float) -> Finding:
    """Test an estimate against its tolerance and margin, both as log ratios."""
    return Finding(found.p_above(margin), found.upper(passing) < tolerance)


def holm(p_values: Mapping[_Key, float], level: float) -> set[_Key]:
    """The hypotheses that are rejected, with an error of ``level`` over all of them."""
    rejected: set[_Key] = set()
    ordered = sorted(p_values, key=p_values.__getitem__)
    for place, key in enumerate(ordered):
        if p_values[key] > level / (len(ordered) - place):
            break
        rejected.add(key)
    return rejected


def states(family: Mapping[_Key, Finding], level: float) -> dict[_Key, State]:
    """What each metric of a family comes to at a look.

    FAIL: proven to be worse by more than its margin, and not proven tolerable.
    """
    rejected = holm({key: test.p for key, test in family.items()}, level)
    return {
        key: "pass" if test.tolerable else "fail" if key in rejected else "inconclusive"
        for key, test in family.items()
    }
