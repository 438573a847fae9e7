"""Runs a graph recorded, plain twice and changed, and compares what was predicted and measured.

All arms of a round get the same input and the same draws, in random order.
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from lgprof.analysis.spans import Leg, RequestLog, SpanBuilder
from lgprof.clock import SYSTEM_CLOCK
from lgprof.langgraph_adapter.rewire import with_checkpointer
from lgprof.model import Profile, Request
from lgprof.record.digest import Digester
from lgprof.record.event_log import ID_MASK
from lgprof.record.session import recording_session
from lgprof.run.host import pool_size
from lgprof.whatif import Change, Prediction, predict
from tests.profiling import profile_graph

_TRIM = 0.05
"""Of the runs of each arm that are left out on either side: what the machine did, not the graph."""


@dataclass(frozen=True)
class Case:
    """A graph, a change to it, and what the change makes of the graph."""

    name: str
    what: str
    graph: Callable[[], Any]
    changes: Sequence[Change]
    changed: Callable[[Any], Any]
    """From the graph to the changed one."""
    options: dict[str, Any] = field(default_factory=dict)
    """How the graph is called."""
    changed_options: dict[str, Any] | None = None
    """How the changed one is; None for likewise."""
    inputs: Callable[[int], dict[str, Any]] = lambda i: {"seed": i}
    rounds: int = 30
    threads: int | None = None
    """Of the loop's executor; None for asyncio's own number."""
    changed_threads: int | None = None
    sync: bool = False
    on_disk: bool = False
    """Its checkpoints go to SQLite."""
    at_once: int = 1
    """Requests that run side by side."""
    answers: int = 0
    """How often it is resumed after an interrupt."""


@dataclass(frozen=True)
class Outcome:
    """One row of the table. Times are seconds, errors shares of the baseline latency."""

    case: Case
    base_s: float
    predicted_s: float
    measured_s: float
    control: float
    recorded: float
    """By how much the recorded runs took longer."""
    prediction: Prediction

    @property
    def unproven(self) -> bool:
        """lgprof does not claim to predict it."""
        return bool(self.prediction.unmeasured)

    @property
    def error(self) -> float:
        return abs(self.predicted_s - self.measured_s) / self.base_s


def compare(case: Case, rounds: int) -> Outcome:
    """Run all arms of a case so many times."""
    return _Arms(case, rounds).outcome()


class _Arms:
    def __init__(self, case: Case, rounds: int) -> None:
        self._case = case
        self._number = rounds
        self._graph = case.graph()
        self._changed: Any = None
        self._digester = Digester()
        self._last_id = 0
        self._plain: dict[str, list[float]] = {"base": [], "again": [], "changed": []}
        self._recorded: list[Request] = []
        self._pools = {
            number: ThreadPoolExecutor(number)
            for number in (case.threads, case.changed_threads)
            if number
        }

    def outcome(self) -> Outcome:
        case = self._case
        template = profile_graph(
            self._graph,
            case.inputs(0),
            requests=1,
            warmup=1,
            mode="sync" if case.sync else "async",
            resumes=["yes"] * case.answers,
        ).profile
        asyncio.run(self._run())
        profile = self._profile(template)
        prediction = predict(profile, case.changes)
        base, again = self._plain["base"], self._plain["again"]
        rounds = list(zip(base, again, self._plain["changed"], strict=True))
        saved = zip(prediction.recorded_s, prediction.predicted_s, strict=True)
        base_s = _trimmed_mean([*base, *again])
        return Outcome(
            case,
            base_s=base_s,
            predicted_s=_trimmed_mean([before - after for before, after in saved]),
            measured_s=_trimmed_mean([(a + b) / 2 - changed for a, b, changed in rounds]),
            control=abs(_trimmed_mean([a - b for a, b, _ in rounds])) / base_s,
            recorded=_trimmed_mean(prediction.recorded_s) / base_s - 1,
            prediction=prediction,
        )

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            if self._case.on_disk:
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                opened = AsyncSqliteSaver.from_conn_string(f"{folder}/checkpoints.db")
                saver = await stack.enter_async_context(opened)
                self._graph = with_checkpointer(self._graph, saver)
            self._changed = self._case.changed(self._graph)
            await self._rounds()

    async def _rounds(self) -> None:
        case, rng = self._case, random.Random(1)
        for arm in ("recorded", "base", "changed"):
            for number in range(2):
                await self._arm(arm, [case.inputs(-1 - number)], counted=False)
        for number in range(self._number):
            arms = ["recorded", "base", "again", "changed"]
            rng.shuffle(arms)
            first = number * case.at_once
            payloads = [case.inputs(first + one) for one in range(case.at_once)]
            for arm in arms:
                await self._arm(arm, payloads, counted=True)
            if number % 10 == 0:
                gc.collect()

    async def _arm(self, arm: str, payloads: list[dict[str, Any]], *, counted: bool) -> None:
        case = self._case
        changed = arm == "changed"
        threads = case.changed_threads if changed else case.threads
        if threads:
            asyncio.get_running_loop().set_default_executor(self._pools[threads])
        options = case.options
        if changed and case.changed_options is not None:
            options = case.changed_options
        random.seed(payloads[0]["seed"])  # LangGraph draws the jitter of a retry
        if arm == "recorded":
            requests = await self._record(payloads, options)
            if counted:
                self._recorded += requests
            return
        graph = self._changed if changed else self._graph
        calls = [self._call(graph, payload, options) for payload in payloads]
        answered = await asyncio.gather(*calls)
        if counted:
            self._plain[arm] += map(_latency_s, answered)

    async def _call(self, graph: Any, payload: Any, options: dict[str, Any]) -> list[Leg]:
        """Call the graph, and answer it where it asks."""
        more = dict(options)
        config = {"configurable": {"thread_id": str(uuid4())}, **more.pop("config", {})}
        legs = []
        for _ in range(1 + self._case.answers):
            config["run_id"] = run_id = uuid4()
            leg = Leg(run_id.int & ID_MASK, SYSTEM_CLOCK.now_ns(), 0)
            if self._case.sync:
                graph.invoke(payload, config, **more)
            else:
                await graph.ainvoke(payload, config, **more)
            leg.end_ns = SYSTEM_CLOCK.now_ns()
            legs.append(leg)
            payload = Command(resume="yes")
        return legs

    async def _record(
        self, payloads: list[dict[str, Any]], options: dict[str, Any]
    ) -> list[Request]:
        loop = None if self._case.sync else asyncio.get_running_loop()
        with recording_session(SYSTEM_CLOCK, probes=True, loop=loop) as session:
            assert session.probes is not None
            session.probes.caller_threads.add(threading.get_ident())
            # The first run of a session pays for its probes: `lgprof run` warms up as well.
            await self._call(self._graph, self._case.inputs(-1), options)
            random.seed(payloads[0]["seed"])
            calls = [self._call(self._graph, payload, options) for payload in payloads]
            answered = await asyncio.gather(*calls)
        self._digester.digest(session.recording)
        first = len(self._recorded)
        logs = [
            RequestLog(
                index=first + number,
                legs=legs,
                outcome="ok",
                max_concurrency=options.get("config", {}).get("max_concurrency"),
                pool_size=pool_size(loop),
            )
            for number, legs in enumerate(answered)
        ]
        builder = SpanBuilder(
            session.recording, 0, in_loop=not self._case.sync, last_id=self._last_id
        )
        requests = builder.requests(logs)
        self._last_id = builder.last_id
        return requests

    def _profile(self, template: Profile) -> Profile:
        template.requests = self._recorded
        return template


def _latency_s(legs: Sequence[Leg]) -> float:
    return sum(leg.end_ns - leg.start_ns for leg in legs) / 1e9


def _trimmed_mean(values: Sequence[float]) -> float:
    ordered = sorted(values)
    cut = int(len(ordered) * _TRIM)
    return statistics.fmean(ordered[cut : len(ordered) - cut])
