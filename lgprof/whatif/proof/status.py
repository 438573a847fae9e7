"""From what a proof showed to a status, and the reasons that it rests on.

The rules of each status, and why they are as they are:

- **unsafe**: the edges forbid the change, a node reads or writes what another writes, or an output
  differed while the original never differed from itself.
- **unproven**: the original differs from itself, so that equality cannot be claimed; a node shares
  state or touches the world, which no comparison of outputs sees; the inputs are too few; the
  machine was too noisy; or prediction and measurement do not agree.
- **proven**: none of these, in all schedules. What a change does for other requests may
  show with several at once only.

No difference in n runs bounds the rate of differing inputs at 1 - 0.05^(1/n) with 95 % confidence:
14 % for 20, 5 % for 59. Repeats of one key say nothing of other keys.
"""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.model import AdviceStatus
from lgprof.readable import duration
from lgprof.whatif.proof.evidence import Crowded, Evidence, Timing

ENOUGH_INPUTS = 20
ENOUGH_REPEATS = 59
ENOUGH_KEYS = 5
NOISE_SHARE = 0.02
"""Of the latency: what two runs of the same graph may differ by, and a prediction err."""

Status = tuple[AdviceStatus, list[str]]


def judged(evidence: Evidence, predicted_s: float | None, *, is_cache: bool) -> Status:
    """The status of a change that was tried.

    Args:
        evidence: What the runs showed.
        predicted_s: The mean saving that was predicted; None for no prediction.
        is_cache: Whether a node was cached: then equal calls are to be answered alike too.
    """
    facts = list(_facts(evidence, is_cache))
    wrong = list(_wrong(evidence, is_cache))
    if wrong:
        return "unsafe", [*wrong, *facts, *evidence.notes]
    doubts = [
        *_doubts(evidence),
        *(_cache_doubts(evidence) if is_cache else ()),
        *_timing_doubts(evidence, predicted_s),
    ]
    return "unproven" if doubts else "proven", [*doubts, *facts, *evidence.notes]


def _facts(evidence: Evidence, is_cache: bool) -> Iterator[str]:
    if evidence.control.differing == 0:
        yield f"{_of(evidence.control.runs)} of the unchanged graph against itself differed"
    if evidence.natural.differing == 0:
        yield f"{_of(evidence.natural.runs)} of the changed copy differed"
    delayed = evidence.all_delayed
    if delayed.runs and not delayed.differing:
        yield f"{_of(delayed.runs)} differed with a delay on either side"
    repeats = evidence.repeats
    if is_cache and repeats is not None and not repeats.differing:
        yield f"{repeats.calls} repeats of {repeats.keys} keys were answered alike"
        if repeats.again and not repeats.again_differing:
            yield f"{repeats.again} later ones, with the config of other requests, too"
    if evidence.crowded is not None:
        yield _in_a_crowd(evidence.crowded)
    if evidence.is_normalised:
        yield "random ids and times were left out of the comparison"
    yield from (f"{label} never changed" for label in evidence.still)


def _in_a_crowd(crowded: Crowded) -> str:
    timing = crowded.timing
    low, high = timing.saved_ci_s
    return (
        f"with {crowded.at_once} requests at once each took {duration(timing.saved_s)} less "
        f"({duration(low)} to {duration(high)}) of {duration(timing.baseline_s)}"
    )


def _of(runs: int) -> str:
    return f"0 of {runs} runs"


def _wrong(evidence: Evidence, is_cache: bool) -> Iterator[str]:
    yield from evidence.overlap
    repeats = evidence.repeats
    if is_cache and repeats is not None:
        if repeats.differing:
            yield f"{repeats.differing} of {repeats.calls} repeats were answered otherwise"
        if repeats.again_differing:
            yield (
                f"{repeats.again_differing} of {repeats.again} later repeats, with the config of "
                "other requests, were answered otherwise"
            )
        yield from (f"{one}: a hit would leave that out" for one in evidence.effects)
    if evidence.control.differing or evidence.loop_bound or evidence.untold:
        return
    if evidence.natural.differing:
        yield f"{_part(evidence.natural.differing, evidence.natural.runs)} gave another output"
    for node, found in evidence.delayed.items():
        if found.differing:
            yield f"{_part(found.differing, found.runs)} did when {node} started late"


def _part(differing: int, runs: int) -> str:
    return f"{differing} of {runs} runs"


def _doubts(evidence: Evidence) -> Iterator[str]:
    if evidence.untold:
        yield f"{evidence.untold} outputs hold objects whose content cannot be compared"
    elif evidence.control.differing:
        yield (
            f"the unchanged graph differs from itself in {evidence.control.differing} of "
            f"{evidence.control.runs} runs, so that equal outputs cannot be claimed"
        )
    if evidence.loop_bound:
        yield "a client that belongs to the event loop cannot be moved to a thread by a copy"
    yield from (f"{one}: outputs do not show all that it does" for one in evidence.shared)
    yield from (f"{one}: outputs do not show that" for one in evidence.effects)
    if evidence.distinct < ENOUGH_INPUTS:
        inputs_are = "input is" if evidence.distinct == 1 else "inputs are"
        yield (
            f"{evidence.distinct} distinct {inputs_are} fewer than {ENOUGH_INPUTS}: give more with "
            "-i @inputs.jsonl"
        )
    if evidence.failed:
        yield f"{evidence.failed} of {evidence.inputs} requests of the unchanged graph failed"


def _cache_doubts(evidence: Evidence) -> Iterator[str]:
    yield from evidence.impure
    if evidence.is_normalised:
        yield "outputs hold random ids or times, which a cache would repeat"
    repeats = evidence.repeats
    if repeats is None:
        return
    if repeats.untold:
        yield f"{repeats.untold} answers hold objects whose content cannot be compared"
    if repeats.calls < ENOUGH_REPEATS or repeats.keys < ENOUGH_KEYS:
        yield (
            f"{repeats.calls} repeats of {repeats.keys} keys are fewer than {ENOUGH_REPEATS} of "
            f"{ENOUGH_KEYS}: give more inputs of real traffic"
        )
    if not repeats.again:
        yield "no call could be repeated later"


def _timing_doubts(evidence: Evidence, predicted_s: float | None) -> Iterator[str]:
    timing = evidence.timing
    if timing is None:
        yield "no request succeeded in all copies, so that nothing could be timed"
        return
    noise = abs(timing.control_s) / timing.baseline_s
    if noise > NOISE_SHARE:
        yield (
            f"two runs of the unchanged graph differ by {noise:.1%} of the latency: measure on a "
            "quieter machine, or with more requests"
        )
    if evidence.crowded is None or not evidence.crowded.is_gain:
        yield from _no_gain(timing)
    if predicted_s is not None and not agrees(timing, predicted_s):
        error = abs(predicted_s - timing.saved_s) / timing.baseline_s
        yield f"prediction and measurement differ by {error:.1%} of the latency"
        yield from evidence.unmeasured


def _no_gain(timing: Timing) -> Iterator[str]:
    low, high = timing.saved_ci_s
    if low <= 0 <= high:
        yield "the interval of the measured saving includes zero"
    elif high < 0:
        yield "the changed copy was slower"


def agrees(timing: Timing, predicted_s: float) -> bool:
    """Whether a prediction errs by no more than the noise: 2 % of the latency, or A/A."""
    allowed_s = max(NOISE_SHARE * timing.baseline_s, abs(timing.control_s))
    return abs(predicted_s - timing.saved_s) <= allowed_s
