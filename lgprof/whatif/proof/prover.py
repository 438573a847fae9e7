"""Proves changes: applies them to copies of a graph, runs these beside the original, compares."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lgprof.clock import SYSTEM_CLOCK, Clock
from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.hints import node_hints
from lgprof.langgraph_adapter.rewire import (
    CannotRewireError,
    UnsafeTopologyError,
    delayed,
)
from lgprof.model import AdviceStatus, MeasuredSaving, NodeHints, Profile
from lgprof.record.effects import effects_noted
from lgprof.record.origin import carried_into_threads
from lgprof.run.async_driver import LoopFactory
from lgprof.run.opening import opened
from lgprof.run.options import RunOptions
from lgprof.target import Inputs, OpenTarget, TargetSource
from lgprof.whatif import changes as ch
from lgprof.whatif.predict import Prediction
from lgprof.whatif.proof.application import Applied, StateKey, applied, cache_keys
from lgprof.whatif.proof.audit import Audit
from lgprof.whatif.proof.evidence import Comparison, Evidence, compared, timed
from lgprof.whatif.proof.overlap import overlap
from lgprof.whatif.proof.stage import Arm, Stage, StuckError, in_blocks
from lgprof.whatif.proof.status import judged
from lgprof.whatif.proof.watch import SharedWatch

Progress = Callable[[int, int], None]
"""Told (done, total) as requests end."""

LATER_S = 1.1
"""Before calls are repeated: past the next full second, which clocks are often cut to."""
_LONGEST_DELAY_S = 10.0
_LEAST_DELAY_S = 0.005
_WARM_UP = 2


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
        self.stage = stage
        self.profile = profile
        self.later_s = later_s
        self.graph: AnyGraph = stage.site.target.graph
        self.hints: Mapping[str, NodeHints] = node_hints(self.graph)

    def requests_needed(self, changes: Sequence[ch.Change], requests: int) -> int:
        """How often the graph is called to prove some changes, to tell before providers bill it."""
        arms = 3 + len(_started_late(changes)) + 2 * bool(_cached(changes))
        return _WARM_UP + arms * requests

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
            trial = _Trial(self, changes)
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
    status, reasons = judged(evidence, predicted_s, is_cache=bool(_cached(changes)))
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


class _Trial:
    """The copies of one trial, and what they showed."""

    def __init__(self, prover: Prover, changes: tuple[ch.Change, ...]) -> None:
        self._prover = prover
        self._changes = changes
        self._stage = prover.stage
        graph, profile, mode = prover.graph, prover.profile, self._stage.site.mode
        made = applied(graph, changes, profile, mode=mode)
        self._reordered = _reordered(changes)
        self._cached = _cached(changes)
        self._audits = [
            Audit(change.node, StateKey(cache_keys(change, profile))) for change in self._cached
        ]
        self._nodes = [*self._reordered, *(change.node for change in self._cached)]
        self._watch = SharedWatch(graph, self._nodes)

        self._base = self._stage.arm("original", Applied(graph))
        self._control = self._stage.arm("original again", Applied(graph))
        self._changed = self._stage.arm("changed", made)
        self._late = {
            node: self._stage.arm(f"{node} late", self._delayed(made, node))
            for node in _started_late(changes)
        }
        listening = graph
        for audit in self._audits:
            listening = audit.audited(listening)
        self._audit = self._stage.arm("audited", Applied(listening)) if self._audits else None

    def _delayed(self, made: Applied, node: str) -> Applied:
        """The changed copy with a node that starts when the others have ended."""
        graph = delayed(made.graph, node, self._delay_s(node))
        return Applied(graph, made.config, made.pool_threads)

    def _delay_s(self, node: str) -> float:
        """Longer than the others nearly always take."""
        takes_s = [
            row.latency_s.p95
            for row in self._prover.profile.nodes
            if row.path in self._reordered and row.path != node and row.latency_s is not None
        ]
        longest_s = 1.2 * max(takes_s, default=0.05)
        return min(_LONGEST_DELAY_S, longest_s + _LEAST_DELAY_S)

    def run(self, requests: int, prediction: Prediction | None, progress: Progress) -> Evidence:
        """Run all copies over the inputs."""
        indices = range(requests)
        arms = [self._base, self._control, self._changed, *self._late.values()]
        arms += [self._audit] if self._audit else []
        total = self._prover.requests_needed(self._changes, requests)
        done = 0
        with effects_noted() as effects, carried_into_threads():
            for _ in self._warm_up(requests):
                done += 1
                progress(done, total)
            for arm, index in in_blocks(indices, arms):
                self._serve(arm, index)
                done += 1
                progress(done, total)
            for _ in self._repeat_later(requests):
                done += 1
                progress(done, total)
        seen = [
            f"{node} was seen to {effect}" for node in self._nodes for effect in effects.of(node)
        ]
        return self._evidence(requests, prediction, tuple(seen))

    def _serve(self, arm: Arm, index: int, *, configured_as: int | None = None) -> None:
        for audit in self._audits:
            audit.index = index
        self._stage.run(arm, index, configured_as=configured_as)
        self._watch.look()

    def _warm_up(self, requests: int) -> Iterator[None]:
        """Pools, imports and connections, in a copy whose times do not count."""
        arm = self._stage.arm("warm-up", Applied(self._prover.graph))
        for index in range(_WARM_UP):
            self._stage.run(arm, index % requests)
            yield

    def _repeat_later(self, requests: int) -> Iterator[None]:
        """Call cached nodes once more with all keys, as another request would."""
        if self._audit is None:
            return
        time.sleep(self._prover.later_s)
        for audit in self._audits:
            audit.is_later = True
        for index in range(requests):
            self._serve(self._audit, index, configured_as=(index + 1) % requests)
            yield

    def _evidence(
        self, requests: int, prediction: Prediction | None, effects: tuple[str, ...]
    ) -> Evidence:
        base, control, changed = (
            arm.outcomes for arm in (self._base, self._control, self._changed)
        )
        is_normalised = compared(base, control, normalised=False).differing > 0
        arms = [self._base, self._control, self._changed, *self._late.values()]
        outcomes = [outcome for arm in arms for outcome in arm.outcomes.values()]
        own = min(requests, len(self._stage.inputs.items))
        repeats = [audit.repeats(own) for audit in self._audits]
        delayed_runs: dict[str, Comparison] = {
            node: compared(base, arm.outcomes, normalised=is_normalised)
            for node, arm in self._late.items()
        }
        return Evidence(
            inputs=requests,
            distinct=len({self._stage.input_text(index) for index in range(own)}),
            control=compared(base, control, normalised=is_normalised),
            natural=compared(base, changed, normalised=is_normalised),
            delayed=delayed_runs,
            untold=sum(outcome.exact is None for outcome in outcomes),
            is_normalised=is_normalised,
            timing=timed(base, control, changed),
            failed=sum(not outcome.ok for outcome in base.values()),
            repeats=min(repeats, key=lambda found: found.calls) if repeats else None,
            overlap=overlap(self._prover.profile, self._changes),
            shared=self._shared(),
            impure=self._impure(),
            effects=effects,
            loop_bound=any(_is_loop_bound(o.error) for o in changed.values()),
            unmeasured=prediction.unmeasured if prediction is not None else (),
            notes=tuple(sorted({note for arm in arms for note in arm.stand_ins.notes})),
        )

    def _shared(self) -> tuple[str, ...]:
        """State that nodes share, but for what never changed while they ran."""
        if not self._nodes:
            return ()
        changed = [f"{label} changed while requests ran" for label in sorted(self._watch.changed)]
        hidden = [f"{label} cannot be looked into" for label in self._watch.hidden]
        stores = [
            f"{node} uses its {what}"
            for node in self._reordered
            for what in self._hints_of(node).context
            if what in ("store", "runtime", "writer")
        ]
        reads = {row.path: row.reads for row in self._prover.profile.nodes}
        unknown = [
            f"what {node} reads was not recorded"
            for node in self._reordered
            if reads.get(node) is None
        ]
        return (*changed, *hidden, *stores, *unknown)

    def _impure(self) -> tuple[str, ...]:
        """Why a cached node's answer may depend on more than its key."""
        found: list[str] = []
        for change in self._cached:
            hints = self._hints_of(change.node)
            found += [f"{change.node} uses {clock}" for clock in hints.clocks]
            found += [f"{change.node} uses its {what}" for what in hints.context]
            found += [f"{change.node} reads {label}" for label in hints.shared]
            if hints.opaque:
                found.append(f"the code of {change.node} could not be read")
        return tuple(found)

    def _hints_of(self, node: str) -> NodeHints:
        return self._prover.hints.get(node) or NodeHints(opaque=True)


def _cached(changes: Sequence[ch.Change]) -> list[ch.CacheNode]:
    return [change for change in changes if isinstance(change, ch.CacheNode)]


def _reordered(changes: Sequence[ch.Change]) -> list[str]:
    """Nodes that may now run at the same time as others that they used to wait for."""
    nodes: list[str] = []
    for change in changes:
        match change:
            case ch.Parallel(members):
                nodes += members
            case ch.Unblock(node):
                nodes.append(node)
            case ch.RemoveBarrier(before, after):
                nodes += (before, after)
    return list(dict.fromkeys(nodes))


def _started_late(changes: Sequence[ch.Change]) -> list[str]:
    """Those of them to delay: a node that another one runs starts with it."""
    run_by_others = {change.after for change in changes if isinstance(change, ch.RemoveBarrier)}
    return [node for node in _reordered(changes) if node not in run_by_others]


def _is_loop_bound(error: str | None) -> bool:
    return error is not None and ("different loop" in error or "different event loop" in error)
