"""Proves changes: applies them to copies of a graph, runs these beside the original, compares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lgprof.clock import SYSTEM_CLOCK, Clock
from lgprof.langgraph_adapter.hints import node_hints
from lgprof.langgraph_adapter.rewire import CannotRewireError, UnsafeTopologyError
from lgprof.model import AdviceStatus, MeasuredSaving, Profile
from lgprof.run.async_driver import LoopFactory
from lgprof.run.opening import opened
from lgprof.run.options import RunOptions
from lgprof.target import Inputs, OpenTarget, TargetSource
from lgprof.whatif import changes as ch
from lgprof.whatif.predict import Prediction
from lgprof.whatif.proof.evidence import Evidence
from lgprof.whatif.proof.stage import Stage, StuckError
from lgprof.whatif.proof.status import judged
from lgprof.whatif.proof.trial import Progress, Trial, cached_nodes, requests_needed

LATER_S = 1.1
"""Before calls are repeated: past the next full second, which clocks are often cut to."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of trying some changes together."""

    changes: tuple[ch.Change, ...]
    status: AdviceStatus
    reasons: tuple[str, ...]
    """What the status rests on, with counts; the decisive ones first."""
    measured: MeasuredSaving | None
    """None where the changes could not be tried, or nothing could be timed."""
    evidence: Evidence | None = None
    """None where the changes could not be tried."""


@contextmanager
def proving(
    source: TargetSource,
    load_inputs: Callable[[OpenTarget], Inputs],
    options: RunOptions,
    profile: Profile,
    *,
    clock: Clock = SYSTEM_CLOCK,
    loop_factory: LoopFactory | None = None,
    later_s: float = LATER_S,
) -> Iterator[Prover]:
    """Open a target to try changes on copies of it, until the context ends.

    The user's graph, stores and checkpointers are not written: each copy has threads and stand-ins
    of its own, which end with the context, also after Ctrl-C.

    Args:
        source: The loaded target.
        load_inputs: Called with the open target.
        options: How requests are made; one at a time.
        profile: Of the same target: what nodes read, and how long they take.
        clock: The source of all times.
        loop_factory: Makes the event loop; None for asyncio's own.
        later_s: How long to wait before calls of a cached node are repeated.

    Raises:
        LgprofError: The target cannot be built, or an option does not fit it.
    """
    with opened(source, options, loop_factory) as site, ExitStack() as stack:
        inputs = load_inputs(site.target)
        yield Prover(Stage(site, inputs, options, clock, stack), profile, later_s)


class Prover:
    """Tries changes on copies of an open target; made by `proving`."""

    def __init__(self, stage: Stage, profile: Profile, later_s: float) -> None:
        self._stage = stage
        self._profile = profile
        self._later_s = later_s
        self._hints = node_hints(stage.site.target.graph)

    def requests_needed(self, changes: Sequence[ch.Change], requests: int) -> int:
        """How often the graph is called to prove some changes, to tell before providers bill it."""
        return requests_needed(changes, requests, self._stage.site.mode)

    def prove(
        self,
        changes: Sequence[ch.Change],
        *,
        requests: int,
        prediction: Prediction | None = None,
        progress: Progress = lambda done, total: None,
    ) -> Proof:
        """Try some changes together.

        Args:
            changes: Applied in turn to one copy.
            requests: Inputs to run through each copy; best as many as the Profile has requests,
                so that the prediction is of the same.
            prediction: What was predicted of the same changes.
            progress: Told of each request that ended.
        """
        changes = tuple(changes)
        try:
            trial = Trial(self._stage, changes, self._profile, self._hints, self._later_s)
        except UnsafeTopologyError as veto:
            return Proof(changes, "unsafe", (str(veto),), None)
        except CannotRewireError as refusal:
            return Proof(changes, "unproven", (f"not tried: {refusal}",), None)
        try:
            evidence = trial.run(requests, prediction, progress)
        except StuckError:
            why = "a request timed out and would not stop, so that nothing more could be run"
            return Proof(changes, "unproven", (why,), None)
        return _proof(changes, evidence, prediction)


def _proof(
    changes: tuple[ch.Change, ...], evidence: Evidence, prediction: Prediction | None
) -> Proof:
    predicted_s = prediction.saving.mean_s if prediction and prediction.saving else None
    status, reasons = judged(evidence, predicted_s, is_cache=bool(cached_nodes(changes)))
    timing = evidence.timing
    measured = None
    if timing is not None:
        is_comparable = not (evidence.control.differing or evidence.untold)
        differing = evidence.natural.differing + evidence.all_delayed.differing
        expected_s = timing.saved_s if predicted_s is None else predicted_s
        measured = MeasuredSaving(
            mean_s=timing.saved_s,
            mean_ci_s=timing.saved_ci_s,
            prediction_error=(expected_s - timing.saved_s) / timing.baseline_s,
            outputs_equal=differing == 0 if is_comparable else None,
            inputs=evidence.inputs,
            control_error=timing.control_s / timing.baseline_s,
        )
    return Proof(changes, status, tuple(reasons), measured, evidence)
