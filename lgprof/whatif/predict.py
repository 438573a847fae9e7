"""What changes to a graph would bring, predicted from a saved Profile.

Each recorded request is turned into its own schedule (`schedule.py`), the changes rewrite it, and
both are played through (`simulate.py`). The predicted latency is the recorded one less the
difference of the two: what the simulation gets wrong about a request cancels out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lgprof.analysis.collector import collector_paused
from lgprof.errors import UsageError
from lgprof.llm.price_table import PriceTable
from lgprof.model import Profile, Saving
from lgprof.whatif import changes as ch
from lgprof.whatif.cache_change import cache
from lgprof.whatif.changes import Change
from lgprof.whatif.checkpoint_changes import durability, swap_checkpointer
from lgprof.whatif.company import CAVEAT, Company
from lgprof.whatif.difference import differing
from lgprof.whatif.lengths import schedule_s
from lgprof.whatif.limit_changes import max_concurrency, pool_size
from lgprof.whatif.long_holds import LongHolds
from lgprof.whatif.model_changes import fewer_output_tokens, prompt_cache_used, swap_model
from lgprof.whatif.node_changes import batch_calls, faster, retry, unblock
from lgprof.whatif.omissions import no_straggler, skip
from lgprof.whatif.pieces import Call, Piece, Schedule
from lgprof.whatif.rewrite import all_pieces
from lgprof.whatif.saving import saving
from lgprof.whatif.scenario import Scenario
from lgprof.whatif.schedule import schedule_of
from lgprof.whatif.superstep_changes import parallel, remove_barrier
from lgprof.whatif.threads import computing_threads

_APPLY: dict[type, Callable[[Any, Scenario], None]] = {
    ch.BatchCalls: batch_calls,
    ch.CacheNode: cache,
    ch.Durability: durability,
    ch.Faster: faster,
    ch.FewerOutputTokens: fewer_output_tokens,
    ch.MaxConcurrency: max_concurrency,
    ch.Parallel: parallel,
    ch.PoolSize: pool_size,
    ch.PromptCacheUsed: prompt_cache_used,
    ch.RemoveBarrier: remove_barrier,
    ch.NoStraggler: no_straggler,
    ch.Retry: retry,
    ch.Skip: skip,
    ch.SwapCheckpointer: swap_checkpointer,
    ch.SwapModel: swap_model,
    ch.Unblock: unblock,
}
_COUNTED = ("ok", "timed_out")
"""Outcomes of requests whose latency counts."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What some changes together would do to the recorded requests."""

    changes: tuple[Change, ...]
    requests: tuple[int, ...]
    """Indices of the requests whose latency counts, in order of arrival."""
    recorded_s: tuple[float, ...]
    """Their latencies."""
    predicted_s: tuple[float, ...]
    """The same after the changes."""
    saving: Saving | None
    """None where the changes would make every request fail."""
    caveats: tuple[str, ...]
    """What the prediction leaves out, or rests on."""
    unmeasured: tuple[str, ...]
    """Why it cannot be relied on before it was measured: the advice is then ``unproven``."""


def predict(
    profile: Profile, changes: Sequence[Change], prices: PriceTable | None = None
) -> Prediction:
    """What the changes together would bring.

    Args:
        profile: With the spans of its requests.
        changes: Applied in turn.
        prices: The user's own, as they were for the Profile; None for listed ones alone.

    Raises:
        UsageError: No request of the Profile can be predicted from.
    """
    return WhatIf(profile, prices).predict(changes)


class WhatIf:
    """Predicts several changes to one Profile: its schedules are worked out once.

    Args:
        profile: With the spans of its requests.
        prices: The user's own, as they were for the Profile; None for listed ones alone.

    Raises:
        UsageError: No request of the Profile can be predicted from.
    """

    def __init__(self, profile: Profile, prices: PriceTable | None = None) -> None:
        self._profile = profile
        self._prices = prices or PriceTable()
        self._requests = sorted(
            (r for r in profile.requests if r.spans and r.sampled is not False),
            key=lambda request: request.start_s,
        )
        if not any(request.outcome in _COUNTED for request in self._requests):
            raise UsageError(
                "the Profile holds the spans of no request that succeeded, so nothing can be "
                "predicted from it",
                hint="make one with `lgprof run`",
            )
        threads = min(32, profile.environment.cpu_count + 4)
        with collector_paused():
            holds = LongHolds(self._requests)
            self._schedules = [schedule_of(one, threads, holds) for one in self._requests]
        self._before = [_Played() for _ in self._requests]
        self._company = Company(self._requests, self._schedules)

    def predict(self, changes: Sequence[Change]) -> Prediction:
        """What the changes together would bring, applied in turn."""
        scenario = Scenario(self._profile, self._prices, self._requests, list(self._schedules))
        with collector_paused():
            for change in changes:
                _APPLY[type(change)](change, scenario)
            effects = list(map(_effect, self._schedules, scenario.schedules, self._before))
        stuck = {at for at, effect in enumerate(effects) if math.isinf(effect.saved_s)}
        if stuck:
            scenario.failing |= stuck
            scenario.note(
                f"{len(stuck)} of {len(self._requests)} requests would never end: tasks hold all "
                "places that those they wait for need"
            )
        counted = [
            position
            for position, request in enumerate(self._requests)
            if request.outcome in _COUNTED and position not in scenario.failing
        ]
        recorded = [self._requests[position].latency_s for position in counted]
        saved = [effects[position].saved_s for position in counted]
        predicted = [max(0.0, before - less) for before, less in zip(recorded, saved, strict=True)]
        saved_usd = self._saved_usd(effects) if scenario.cost_known else None
        unmeasured = [*scenario.unmeasured, *_thread_warnings(effects)]
        if self._company.at_once and any(saved):
            scenario.note(CAVEAT)
            unmeasured += [self._company.doubt] if self._company.doubt else []
        return Prediction(
            changes=tuple(changes),
            requests=tuple(self._requests[position].index for position in counted),
            recorded_s=tuple(recorded),
            predicted_s=tuple(predicted),
            saving=saving(recorded, predicted, saved_usd) if counted else None,
            caveats=tuple(scenario.caveats),
            unmeasured=tuple(unmeasured),
        )

    def _saved_usd(self, effects: Sequence[_Effect]) -> float | None:
        """Mean over all requests, also those that failed; None where it is not known."""
        if any(effect.saved_usd is None for effect in effects):
            return None
        return math.fsum(effect.saved_usd or 0.0 for effect in effects) / len(effects)


class _Effect(NamedTuple):
    """What the changes did to one request."""

    saved_s: float = 0.0
    saved_usd: float | None = 0.0
    """None where it is not known."""
    computing: tuple[str, ...] = ()
    """Nodes that now compute in a thread beside others."""


class _Played:
    """What parts of a recorded request take and cost: changes to one node concern the same ones."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[int, ...], ...], tuple[float, _Bill]] = {}

    def outcome(self, part: Schedule) -> tuple[float, _Bill]:
        """Seconds and bill.

        Args:
            part: Runs of the recorded schedule, each with some of its supersteps.
        """
        key = tuple((run.span.id, *map(id, run.steps)) for run in part.runs)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = schedule_s(part), _bill(all_pieces(part.runs))
        return found


def _effect(recorded: Schedule, changed: Schedule, played: _Played) -> _Effect:
    if changed is recorded:
        return _Effect()
    before, after = differing(recorded, changed)
    before_s, bill = played.outcome(before)
    pieces = all_pieces(after.runs)
    new_bill = _bill(pieces)
    told = bill.unpriced == new_bill.unpriced
    return _Effect(
        before_s - schedule_s(after),
        bill.usd - new_bill.usd if told else None,
        tuple(computing_threads(pieces)),
    )


def _thread_warnings(effects: Sequence[_Effect]) -> list[str]:
    nodes = dict.fromkeys(node for effect in effects for node in effect.computing)
    if not nodes:
        return []
    return [
        f"{', '.join(nodes)} would compute in threads beside other nodes: threads share one "
        "interpreter lock, and how long a hand-over takes depends on how busy the machine is"
    ]


class _Bill(NamedTuple):
    usd: float
    unpriced: int
    """Model calls whose cost is not known."""


def _bill(pieces: Iterable[Piece]) -> _Bill:
    calls = [piece.model for piece in pieces if type(piece) is Call and piece.model]
    costs = [model.cost_usd for model in calls if model.cost_usd is not None]
    return _Bill(math.fsum(costs), len(calls) - len(costs))
