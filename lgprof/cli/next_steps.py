"""What to type next, after a run or a load test."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lgprof.readable import significant

if TYPE_CHECKING:
    from lgprof.model import Load, Profile

_NOT_AGAIN = ("-o", "--output")
_LONGEST_COMMAND = 80
_ENOUGH = 20
"""Requests of a run that make a histogram."""
_WITHIN = 0.8
"""Of what a saturated graph served: so much it can serve without a queue that grows."""


def next_steps(profile: Profile, *, failures: int, verbosity: int) -> list[str]:
    """Commands with what each is for.

    Args:
        profile: What was measured.
        failures: Kinds of failures, of which the report shows one in full.
        verbosity: How much was shown.
    """
    steps: list[str] = []
    summary = profile.summary
    if profile.load is not None and not profile.interrupted:
        steps += _after_load(profile.load)
    elif profile.load is None and summary.succeeded and summary.requests < _ENOUGH:
        steps.append(
            f"{_again(('-n', '--requests'), '50')}    more runs: a histogram and a firmer p95"
        )
    if failures > 1 and not verbosity:
        steps.append(f"{_again(('-v',))}    every traceback")
    return steps


def _after_load(load: Load) -> Iterator[str]:
    """Another rate, where one rate was asked for: below what the graph serves, or above."""
    found = load.saturation
    if load.target_rps is None or len(load.stages) > 1 or load.abort_reason is not None:
        return
    if found is not None and found.max_rps:
        rps = significant(_WITHIN * found.max_rps, 2)
        yield f"{_again(('--rps',), rps)}    within its limit: latencies without the queue"
    elif found is None and load.completed and load.fidelity.verdict != "invalid":
        rps = significant(2 * load.target_rps, 2)
        yield f"{_again(('--rps',), rps)}    twice the load: where is its limit?"


def _again(names: tuple[str, ...], value: str | None = None) -> str:
    """The command as it was typed, with this option in place of what it says of it.

    Args:
        names: Of the option, the one to type first.
        value: Its value; None for a flag.
    """
    more = [names[0]] if value is None else [names[0], value]
    arguments = sys.argv[1:]
    for name in (*_NOT_AGAIN, *(names if value else ())):
        while name in arguments:
            at = arguments.index(name)
            del arguments[at : at + 2]
        arguments = [found for found in arguments if not found.startswith(f"{name}=")]
    command = shlex.join(["lgprof", *arguments, *more])
    return command if len(command) <= _LONGEST_COMMAND else f"the same with {shlex.join(more)}"
