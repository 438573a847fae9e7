"""One trial: the copies that some changes need, run over the same inputs, and what they showed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.rewire import delayed
from lgprof.model import NodeHints, Profile
from lgprof.record.effects import effects_noted
from lgprof.record.origin import carried_into_threads
from lgprof.whatif import changes as ch
from lgprof.whatif.predict import Prediction
from lgprof.whatif.proof.application import Applied, StateKey, applied, cache_keys
from lgprof.whatif.proof.audit import Audit
from lgprof.whatif.proof.crowd import AT_ONCE, Crowd, needs_crowd
from lgprof.whatif.proof.evidence import Comparison, Evidence, compared, timed
from lgprof.whatif.proof.overlap import overlap
from lgprof.whatif.proof.stage import Arm, Stage, in_blocks
from lgprof.whatif.proof.watch import SharedWatch

Progress = Callable[[int, int], None]
"""Told (done, total) as requests end."""

_LONGEST_DELAY_S = 10.0
_LEAST_DELAY_S = 0.005
_WARM_UP = 2


class Trial:
    """The copies of one trial, and what they showed.

    Args:
        stage: Where they run.
        changes: Applied in turn to one copy.
        profile: What nodes read, and how long they take.
        hints: What the code of nodes may touch.
        later_s: How long to wait before calls of a cached node are repeated.

    Raises:
        CannotRewireError: No copy can show a change; a subclass where the edges forbid it.
    """

    def __init__(
        self,
        stage: Stage,
        changes: tuple[ch.Change, ...],
        profile: Profile,
        hints: Mapping[str, NodeHints],
        later_s: float,
    ) -> None:
        self._stage = stage
        self._changes = changes
        self._profile = profile
        self._hints = hints
        self._later_s = later_s
        self._graph: AnyGraph = stage.site.target.graph
        graph, mode = self._graph, stage.site.mode
        made = applied(graph, changes, profile, mode=mode)
        self._reordered = _reordered(changes)
        self._cached = cached_nodes(changes)
        self._audits = [
            Audit(change.node, StateKey(cache_keys(change, profile))) for change in self._cached
        ]
        self._nodes = [*self._reordered, *(change.node for change in self._cached)]
        self._watch = SharedWatch(graph, self._nodes)
        self._file_readers: list[str] = []

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
        self._crowd = None
        if needs_crowd(changes, mode):
            at_once = profile.settings.get("concurrency", 1)
            at_once = at_once if at_once > 1 else AT_ONCE
            self._crowd = Crowd(stage, Applied(graph), made, at_once)

    def _delayed(self, made: Applied, node: str) -> Applied:
        """The changed copy with a node that starts when the others have ended."""
        graph = delayed(made.graph, node, self._delay_s(node))
        return Applied(graph, made.config, made.pool_threads)

    def _delay_s(self, node: str) -> float:
        """Longer than the others nearly always take."""
        takes_s = [
            row.latency_s.p95
            for row in self._profile.nodes
            if row.path in self._reordered and row.path != node and row.latency_s is not None
        ]
        longest_s = 1.2 * max(takes_s, default=0.05)
        return min(_LONGEST_DELAY_S, longest_s + _LEAST_DELAY_S)

    def run(self, requests: int, prediction: Prediction | None, progress: Progress) -> Evidence:
        """Run all copies over the inputs."""
        total = requests_needed(self._changes, requests, self._stage.site.mode)
        made = chain(
            self._warm_up(requests),
            self._compare(requests),
            self._repeat_later(requests),
            self._crowd.run(requests) if self._crowd else (),
        )
        with effects_noted() as effects, carried_into_threads():
            for done, _ in enumerate(made, 1):
                progress(done, total)
        seen = [
            f"{node} was seen to {effect}"
            for node in self._nodes
            for effect in dict.fromkeys([*effects.of(node), *self._recorded_hints(node).effects])
        ]
        return self._evidence(requests, prediction, tuple(seen))

    def _serve(self, arm: Arm, index: int, *, configured_as: int | None = None) -> None:
        for audit in self._audits:
            audit.index = index
        self._stage.run(arm, index, configured_as=configured_as)
        self._watch.look()

    def _warm_up(self, requests: int) -> Iterator[None]:
        """Pools, imports and connections, in a copy whose times do not count."""
        arm = self._stage.arm("warm-up", Applied(self._graph))
        for index in range(_WARM_UP):
            self._stage.run(arm, index % requests)
            yield

    def _compare(self, requests: int) -> Iterator[None]:
        """Serve all inputs with each copy, in turns."""
        arms = [self._base, self._control, self._changed, *self._late.values()]
        arms += [self._audit] if self._audit else []
        for arm, index in in_blocks(range(requests), arms):
            self._serve(arm, index)
            yield

    def _repeat_later(self, requests: int) -> Iterator[None]:
        """Call cached nodes once more with all keys, as another request would."""
        if self._audit is None:
            return
        time.sleep(self._later_s)
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
            overlap=overlap(self._profile, self._changes),
            shared=self._shared(),
            still=tuple(self._watch.still),
            impure=self._impure(),
            effects=effects,
            loop_bound=any(_is_loop_bound(o.error) for o in changed.values()),
            unmeasured=prediction.unmeasured if prediction is not None else (),
            crowded=self._crowd.outcome(requests) if self._crowd else None,
            notes=self._notes(arms),
        )

    def _notes(self, arms: Sequence[Arm]) -> tuple[str, ...]:
        return tuple(sorted({note for arm in arms for note in arm.stand_ins.notes}))

    def _shared(self) -> tuple[str, ...]:
        """State that nodes share, but for what never changed while they ran."""
        if not self._nodes:
            return ()
        changed = [f"{label} changed while requests ran" for label in sorted(self._watch.changed)]
        unwatched = [
            label
            for node in self._nodes
            for label in self._recorded_hints(node).shared
            if label not in self._watch
        ]
        hidden = [
            f"{label} cannot be looked into"
            for label in dict.fromkeys([*self._watch.hidden, *unwatched])
        ]
        stores = [
            f"{node} uses its {what}"
            for node in self._reordered
            for what in self._hints_of(node).context
            if what in ("store", "writer")
        ]
        reads = {row.path: row.reads for row in self._profile.nodes}
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
            files = ["a file"] if change.node in self._file_readers else []
            found += [
                f"{change.node} is given {what}, which no key holds"
                for what in (*hints.context, *files)
            ]
            found += [f"{change.node} reads {label}" for label in hints.shared]
            if hints.opaque:
                found.append(f"the code of {change.node} could not be read")
        return tuple(found)

    def _recorded_hints(self, node: str) -> NodeHints:
        """Of the Profile: what was imported by then, what was done to the world once only."""
        return self._profile.target.hints.get(node) or NodeHints()

    def _hints_of(self, node: str) -> NodeHints:
        return self._hints.get(node) or NodeHints(opaque=True)


def requests_needed(changes: Sequence[ch.Change], requests: int, mode: str) -> int:
    """How often the graph is called to try some changes with so many inputs."""
    arms = 3 + len(_started_late(changes)) + 2 * bool(cached_nodes(changes))
    arms += 3 * needs_crowd(changes, mode)
    return _WARM_UP + arms * requests


def cached_nodes(changes: Sequence[ch.Change]) -> list[ch.CacheNode]:
    """The changes that cache a node."""
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
