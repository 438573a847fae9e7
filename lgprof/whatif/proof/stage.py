"""Runs requests through several copies of one graph in turns, and compares what comes out."""

from __future__ import annotations

import copy
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lgprof.clock import Clock
from lgprof.langgraph_adapter.entry import entering
from lgprof.langgraph_adapter.graphs import AnyGraph, replace_graph
from lgprof.langgraph_adapter.hosting import default_context
from lgprof.langgraph_adapter.outcomes import type_name
from lgprof.langgraph_adapter.rewire import with_full_output
from lgprof.langgraph_adapter.standins import StandIns
from lgprof.langgraph_adapter.walk import all_graphs
from lgprof.record.tracing import tracing_off
from lgprof.run.async_driver import POOL_THREADS, AsyncDriver
from lgprof.run.conduct import Conductor, InFlight
from lgprof.run.host import is_checkpointed, pool_size, sqlite_saver
from lgprof.run.opening import Opened
from lgprof.run.options import RunOptions
from lgprof.run.plan import RequestPlan
from lgprof.run.sync_driver import SyncDriver
from lgprof.target import Inputs, OpenTarget, substitute
from lgprof.whatif.proof.application import Applied
from lgprof.whatif.proof.contents import UntoldError, exact, normalised

SEED = 20240229
"""Of the order in which copies run: any, but the same each time."""


class StuckError(Exception):
    """A node holds the event loop or a thread and does not return: nothing more can be run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request ended. Its output is kept as text only."""

    latency_s: float
    ok: bool
    exact: str | None
    """Its final state, or its error; None where the content cannot be told."""
    normalised: str | None
    """The same without UUIDs and times."""
    error: str | None = None
    """The error's message."""


@dataclass(slots=True, eq=False)
class Arm:
    """One copy of the graph, with its own stand-ins for what is kept between requests."""

    name: str
    target: OpenTarget
    stand_ins: StandIns
    config: dict[str, Any]
    pool: ThreadPoolExecutor | None
    conductor: Conductor = field(init=False)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    configured_as: int | None = None
    """Take config and context of another request; None for the request's own."""


class Stage:
    """Where copies of an open target run.

    Args:
        site: The open target.
        inputs: Its inputs.
        options: How requests are made; how many run at once is for each copy to say.
        clock: The source of all times.
        stack: Closes what the copies opened.
    """

    def __init__(
        self, site: Opened, inputs: Inputs, options: RunOptions, clock: Clock, stack: ExitStack
    ) -> None:
        self.site = site
        self.inputs = inputs
        self._options = options
        self._clock = clock
        self._stack = stack
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lgprof-")))
        self._files = 0
        self._rendered: dict[int, tuple[Any, dict[str, Any], Any]] = {}
        self._current: Arm | None = None
        context = options.context
        self._context = default_context(site.target.graph) if context is None else context
        stack.enter_context(tracing_off())
        stack.enter_context(entering(lambda graph, run_id: self._prepared(graph)))

    def arm(self, name: str, applied: Applied, *, at_once: int = 1) -> Arm:
        """A copy that is ready to run, so many requests at once."""
        site = self.site
        stand_ins = StandIns(self._saver)
        whole = site.target.runnable is site.target.graph
        changed = with_full_output(applied.graph) if whole else applied.graph
        for inner in all_graphs(changed):
            stand_ins.prepare(inner)
        graph = stand_ins.prepare(changed)
        runnable = replace_graph(site.target.runnable, site.target.graph, graph)
        target = replace(site.target, runnable=runnable, graph=graph)
        pool = None
        if applied.pool_threads is not None:
            pool = ThreadPoolExecutor(applied.pool_threads, thread_name_prefix=POOL_THREADS)
            self._stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        arm = Arm(name, target, stand_ins, applied.config, pool)
        arm.conductor = self._conductor(arm, at_once)
        return arm

    def run(self, arm: Arm, index: int, *, configured_as: int | None = None) -> Outcome:
        """Make one request.

        Args:
            arm: The copy that serves it.
            index: The request's index.
            configured_as: Take config and context of another request.

        Raises:
            StuckError: It timed out and would not stop.
        """
        arm.configured_as = configured_as
        self.run_together(arm, range(index, index + 1))
        return arm.outcomes[index]

    def run_together(self, arm: Arm, indices: range) -> None:
        """Make some requests, as many at once as the copy is made for.

        Raises:
            StuckError: One timed out and would not stop.
        """
        self._current = arm
        if self.site.mode == "async":
            with self._pool_of(arm):
                AsyncDriver(arm.target, arm.conductor, self.site.thread).drive(indices)
        else:
            SyncDriver(arm.target, arm.conductor, set()).drive(indices)
        if self.site.thread.stuck or not all(index in arm.outcomes for index in indices):
            raise StuckError
        arm.conductor.forget_finished()

    @contextmanager
    def _pool_of(self, arm: Arm) -> Iterator[None]:
        loop: Any = self.site.thread.loop
        before = loop._default_executor
        if arm.pool is not None:
            loop.set_default_executor(arm.pool)
        try:
            yield
        finally:
            if arm.pool is not None:
                loop.set_default_executor(before)

    def input_text(self, index: int) -> str:
        """What a request is given, to tell equal ones."""
        return exact(self._render(index)[0])

    def _prepared(self, graph: AnyGraph) -> AnyGraph:
        return graph if self._current is None else self._current.stand_ins.prepare(graph)

    def _render(self, index: int) -> tuple[Any, dict[str, Any], Any]:
        """Input, config and context of a request: rendered once, so that all copies get equal."""
        if index not in self._rendered:
            config = dict(substitute(self._options.config, index) or {})
            configurable = dict(config.get("configurable") or {})
            configurable.pop("thread_id", None)  # each request gets a thread of its own
            config["configurable"] = configurable
            context = substitute(self._context, index)
            self._rendered[index] = self.inputs.render(index), config, context
        return copy.deepcopy(self._rendered[index])

    def _conductor(self, arm: Arm, at_once: int) -> Conductor:
        def config(index: int) -> dict[str, Any]:
            _, own, _ = self._render(index if arm.configured_as is None else arm.configured_as)
            laid_over = {**own, **arm.config}
            both = {**own["configurable"], **arm.config.get("configurable", {})}
            return {**laid_over, "configurable": both}

        def context(index: int) -> Any:
            return self._render(index if arm.configured_as is None else arm.configured_as)[2]

        def note(request: InFlight, done: int) -> None:
            arm.outcomes[request.log.index] = _outcome(request)

        options = self._options
        plan = RequestPlan(
            render_input=lambda index: self._render(index)[0],
            render_config=config,
            render_context=context,
            resumes=options.resumes,
            checkpointed=is_checkpointed(arm.target),
            recursion_limit=options.recursion_limit,
        )
        return Conductor(
            plan,
            self._clock,
            concurrency=at_once,
            timeout_s=options.timeout_s,
            failed_when=options.failed_when,
            pool_size=lambda: pool_size(None),
            after_request=note,
            idle=lambda: None,
        )

    def _saver(self, saver: Any) -> Any:
        """A checkpointer of the same kind on a file of ours; None for kinds that need a server."""
        kind = type(saver).__name__
        if kind not in ("SqliteSaver", "AsyncSqliteSaver"):
            return None
        self._files += 1
        file = self._folder / f"{self._files}.sqlite"
        mode = "async" if kind.startswith("Async") else "sync"
        return self.site.thread.call(sqlite_saver(file, mode, self.site.stack))


def _outcome(request: InFlight) -> Outcome:
    log = request.log
    latency_s = sum(leg.end_ns - leg.start_ns for leg in log.legs) / 1e9
    if request.error is not None:
        message = str(request.error)
        kind = type_name(request.error)
        told = normalised([kind, message])
        return Outcome(latency_s, False, told, told, message)
    if log.outcome == "timed_out":
        return Outcome(latency_s, False, "timed out", "timed out", "timed out")
    is_ok = log.outcome == "ok"
    return Outcome(latency_s, is_ok, _told(exact, request), _told(normalised, request))


def _told(tell: Callable[[Any], str], request: InFlight) -> str | None:
    output = request.output
    if isinstance(output, dict) and "__interrupt__" in output:
        waiting = [getattr(one, "value", one) for one in output["__interrupt__"]]
        output = {**output, "__interrupt__": waiting}  # without their random ids
    try:
        return tell(output)
    except UntoldError:
        return None
    except Exception:  # a user's object may raise anything while it is read
        return None


def in_blocks(indices: Sequence[int], arms: Sequence[Arm]) -> Iterator[tuple[Arm, int]]:
    """The order in which copies serve requests.

    Inputs come in pairs, and a copy serves both before the next one does. So no request follows
    one with the same input, which would have left just the state that it needs; all copies see the
    inputs in the same order; and as the order of the copies is drawn for each pair, a machine that
    gets slower does so for all of them.
    """
    draw = random.Random(SEED)
    for block in _pairs(indices):
        order = list(arms)
        draw.shuffle(order)
        for arm in order:
            for index in block:
                yield arm, index


def _pairs(indices: Sequence[int]) -> list[list[int]]:
    pairs = [list(indices[i : i + 2]) for i in range(0, len(indices), 2)]
    if len(pairs) > 1 and len(pairs[-1]) == 1:
        alone = pairs.pop()
        pairs[-1] += alone
    return pairs
