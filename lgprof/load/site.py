"""A worker's graph: opened, hosted, and called as the plan says. Knows nothing of other workers."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime
from pathlib import Path

from lgprof.analysis.fold import fold
from lgprof.clock import SYSTEM_CLOCK, Clock
from lgprof.errors import TargetFailedError, UsageError
from lgprof.langgraph_adapter.input_schema import input_json_schema
from lgprof.llm.price_table import parse_price_table
from lgprof.llm.prices import Prices
from lgprof.load.async_engine import AsyncEngine
from lgprof.load.biller import Biller
from lgprof.load.desk import Desk
from lgprof.load.graph_caller import GraphCaller
from lgprof.load.keeper import Keeper
from lgprof.load.ledger import Arrival, Ledger, UnderWay, WarmUpCount
from lgprof.load.messages import Baseline, Baselined, Ready, Setup
from lgprof.load.sync_engine import POOL_SIZE, SyncEngine
from lgprof.predicate import parse_predicate
from lgprof.record.connections import watched_connections
from lgprof.record.digest import Digester
from lgprof.record.session import routed_session
from lgprof.run.async_driver import LoopThread
from lgprof.run.described import described
from lgprof.run.environment import describe_environment
from lgprof.run.failures import FailureGroups, input_complaint, is_input_error
from lgprof.run.host import chosen_mode, hosted, is_checkpointed, pool_size, request_plan
from lgprof.run.options import RunOptions
from lgprof.target import Inputs, TargetSource, inputs_from_schema, substitute

Engine = AsyncEngine | SyncEngine

_POLL_S = 0.05
_STUCK_AFTER_S = 5.0


class Site:
    """Where requests are made.

    Args:
        source: The loaded target.
        setup: How requests are made.
        folder: The project's folder.
        clock: The source of all times.
    """

    def __init__(
        self, source: TargetSource, setup: Setup, folder: Path, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._source, self._setup, self._folder, self._clock = source, setup, folder, clock
        failed_when = parse_predicate(setup.failed_when) if setup.failed_when else None
        self.options = RunOptions(**setup.request, failed_when=failed_when)
        self._cleanup = ExitStack()
        self.failures = FailureGroups()
        self.engine: Engine | None = None
        self._asked: str | None = None
        """``stop`` or ``cancel``, whichever came last."""
        self.lag_from_ns: int | None = None
        """From when on the event loop's lag counts; None for not at all."""
        self.desk = Desk(setup.max_concurrent, setup.max_in_flight)
        self.thread = LoopThread()
        self._cleanup.callback(self.thread.close)

    def open(self) -> Ready:
        """Open the graph and make the first request.

        Raises:
            LgprofError: The target cannot be built, or an option does not fit it.
        """
        stack = AsyncExitStack()
        self._cleanup.callback(lambda: self.thread.finish(stack.aclose()))
        options = self.options
        config = {"configurable": {}, **substitute(options.config, 0)}
        opened = self.thread.call(self._source.open(config, stack))
        self.mode = chosen_mode(opened, options)
        self._target = self.thread.call(hosted(opened, options, self.mode, stack))
        self._inputs = self._made_inputs()
        self._plan = request_plan(self._target, self._inputs, self.options, names_runs=False)
        self.recording, self._probes = self._cleanup.enter_context(routed_session(self._clock))
        self.keeper = self._made_keeper()
        self.ledger = self._made_ledger()
        self.biller = self._made_biller()
        self.caller = GraphCaller(self._target, self._plan, self.ledger)
        return self._first_request()

    def close(self) -> None:
        """Undo everything; a graph that hangs is left to the process's end."""
        self._cleanup.close()

    # --- making it -----------------------------------------------------------------------------

    def _made_inputs(self) -> Inputs:
        setup = self._setup
        if setup.inputs is None:
            return inputs_from_schema(input_json_schema(self._target.graph))
        return Inputs(setup.inputs, setup.inputs_source)

    def _made_keeper(self) -> Keeper:
        digester = Digester(self.options.failed_when, salt=self._setup.salt)
        return Keeper(self._setup.keep, digester, self._setup.seed)

    def _made_ledger(self) -> Ledger:
        return Ledger(
            self.recording,
            self._clock,
            self.keeper,
            timeout_s=self.options.timeout_s,
            failed_when=self.options.failed_when,
            deletes_threads=is_checkpointed(self._target),
            pool_size=pool_size(self.thread.loop if self.mode == "async" else None),
            on_failure=self.failures.add,
        )

    def _made_biller(self) -> Biller:
        own = parse_price_table(self._setup.prices, "the master's prices")
        biller = self.ledger.biller = Biller(self.ledger.tally, Prices(own, datetime.now(UTC)))
        biller.start()
        self._cleanup.callback(biller.finish)
        return biller

    # --- without load --------------------------------------------------------------------------

    def _first_request(self) -> Ready:
        with watched_connections() as hosts:
            made = self._one_by_one([self._setup.cold_index])[0]
        calls = fold(made.events, made.log.legs[-1].end_ns if made.log.legs else 0).calls
        bill = self.biller.bill(calls)  # which also loads what counts and prices, in good time
        tokens = [call.tokens for call in bill.calls if call.tokens]
        self._refuse_unfit_input(made.error)
        return Ready(
            target=described(self._source.spec, self._target, self._inputs, self.mode),
            environment=describe_environment(self._folder),
            mode=self.mode,
            cold_s=_latency_s(made) if made.log.outcome == "ok" else None,
            live_hosts=sorted(hosts),
            llm_calls=sum(call.kind == "model" for call in calls),
            tool_calls=sum(call.kind == "tool" for call in calls),
            tokens=sum((found.input or 0) + (found.output or 0) for found in tokens)
            if tokens
            else None,
            pool_size=self.pool_size,
            cost_usd=bill.cost_usd,
            unpriced_calls=bill.unpriced,
            not_supplied=list(self._source.not_supplied),
            synthesized=self._inputs.synthesized,
        )

    def baseline(self, wanted: Baseline) -> Baselined:
        """Latencies of a few requests made one by one, after a first one that was cold."""
        until_ns = self._clock.now_ns() + int(wanted.within_s * 1e9)
        made = self._one_by_one(
            range(wanted.first_index, wanted.first_index + wanted.most), until_ns
        )
        good = [request for request in made if request.log.outcome == "ok"]
        nodes_s: dict[str, list[float]] = {}
        for request in good:
            for call in fold(request.events, request.log.legs[-1].end_ns).nodes:
                nodes_s.setdefault(call.path, []).append((call.end_ns - call.start_ns) / 1e9)
        return Baselined(
            graph_s=statistics.median(map(_latency_s, good)) if good else None,
            nodes_s={path: statistics.median(found) for path, found in nodes_s.items()},
        )

    def _one_by_one(self, numbers: Iterable[int], until_ns: int | None = None) -> list[UnderWay]:
        """Make unmeasured requests in turn, at least one, until a time."""
        made: list[UnderWay] = []
        left = enumerate(numbers)

        def take() -> Arrival | None:
            now_ns = self._clock.now_ns()
            taken, number = next(left, (0, None))
            is_late = taken > 0 and until_ns is not None and now_ns >= until_ns
            if number is None or is_late:
                return None
            return Arrival(number, now_ns, measured=False)

        self.ledger.on_unmeasured = made.append
        self.finish(self.start_users(1, take, 0.0))
        self.ledger.on_unmeasured = lambda under_way: None
        self.ledger.warm_up = WarmUpCount()
        return made

    def _refuse_unfit_input(self, error: BaseException | None) -> None:
        """An input that the graph refuses before any code of the user's is theirs to mend."""
        if error is not None and is_input_error(error):
            raise UsageError(
                f"the input does not fit the graph: {input_complaint(error)}",
                hint="give one that does with -i '{...}' or -i @inputs.jsonl",
            )

    # --- under load ----------------------------------------------------------------------------

    @property
    def pool_size(self) -> int:
        """Threads of the loop's executor, or that call a sync graph at once."""
        if self.mode == "sync":
            return self._setup.max_concurrent or POOL_SIZE
        return pool_size(self.thread.loop) or 0

    def start_schedule(self, arrivals: Iterator[Arrival]) -> Future[None]:
        """Make the requests of a schedule; done when the last one is over."""
        if self.mode == "async":
            return self.thread.submit(self._async(lambda engine: engine.run(arrivals)))
        return _started_in_thread(
            lambda: self._sync(lambda engine: engine.run(arrivals, self.pool_size))
        )

    def start_users(
        self, users: int, take: Callable[[], Arrival | None], think_s: float
    ) -> Future[None]:
        """The closed model; done when the last request is over."""
        if self.mode == "async":
            return self.thread.submit(
                self._async(lambda engine: engine.run_users(users, take, think_s))
            )
        return _started_in_thread(
            lambda: self._sync(lambda engine: engine.run_users(users, take, think_s))
        )

    def finish(self, running: Future[None]) -> None:
        """Wait until what was started is over.

        Raises:
            TargetFailedError: The graph holds the event loop and does not return.
        """
        while not wait([running], _POLL_S).done:
            if self.is_stuck:
                raise TargetFailedError(
                    "the graph blocks the event loop and does not return",
                    hint="await instead of blocking, or give its client a timeout of its own",
                )
        running.result()

    @property
    def is_stuck(self) -> bool:
        """Whether the event loop stands still for longer than any request may take."""
        engine = self.engine
        if not isinstance(engine, AsyncEngine):
            return False
        idle_s = (self._clock.now_ns() - engine.last_tick_ns) / 1e9
        return idle_s > self.options.timeout_s + _STUCK_AFTER_S

    def stop(self) -> None:
        """Take no more arrivals, let what runs end."""
        self._call_engine("stop")

    def cancel(self) -> None:
        """Stop, and cancel what runs."""
        self._call_engine("cancel")

    def end_stuck(self) -> None:
        """The loop stands still: book what is on it as timed out, and what waits as unsent."""
        for under_way in list(self.ledger.in_flight.values()):
            self.ledger.end(under_way, outcome="timed_out")
        self.ledger.book()
        self.ledger.give_up(sum(arrival.measured for arrival in self.desk.give_up()))

    @property
    def left_behind(self) -> int:
        """Requests that were given up and still run."""
        engine = self.engine
        if engine is None:
            return 0
        return len(engine.left_behind) if isinstance(engine, AsyncEngine) else engine.left_behind

    @property
    def executor_queued(self) -> int:
        """Calls that wait for a thread of the loop's executor."""
        pool = getattr(self.thread.loop, "_default_executor", None)
        waiting = getattr(pool, "_work_queue", None)
        return waiting.qsize() if waiting is not None else 0

    def starved_s(self) -> float:
        """How long the loop's thread was ready to run and other processes had the processor."""
        try:
            text = Path(f"/proc/self/task/{self.thread.native_id}/schedstat").read_text()
            return int(text.split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0

    def _call_engine(self, name: str) -> None:
        self._asked = name
        engine = self.engine
        if isinstance(engine, AsyncEngine):
            self.thread.loop.call_soon_threadsafe(getattr(engine, name))
        elif engine is not None:
            getattr(engine, name)()

    async def _async(self, run: Callable[[AsyncEngine], Awaitable[None]]) -> None:
        self.desk = Desk(self._setup.max_concurrent, self._setup.max_in_flight)
        engine = self.engine = AsyncEngine(
            self.caller.call_async,
            self.caller.forget_async,
            self.ledger,
            self.desk,
            self._clock,
            self.recording,
        )
        if self.lag_from_ns is not None:
            engine.measure_lag_from(self.lag_from_ns)
        if self._asked is not None:  # it came while there was no engine yet
            getattr(engine, self._asked)()
        await run(engine)
        self.caller.left_threads += engine.not_cleared_up

    def _sync(self, run: Callable[[SyncEngine], None]) -> None:
        self.desk = Desk(self.pool_size, self._setup.max_in_flight)
        engine = self.engine = SyncEngine(
            self.caller.call,
            self.caller.forget,
            self.ledger,
            self.desk,
            self._clock,
            self._probes.caller_threads,
        )
        if self._asked is not None:
            getattr(engine, self._asked)()
        run(engine)
        self.caller.left_threads += engine.not_cleared_up


def _latency_s(request: UnderWay) -> float:
    return sum(leg.end_ns - leg.start_ns for leg in request.log.legs) / 1e9


def _started_in_thread(work: Callable[[], None]) -> Future[None]:
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="lgprof-pacer", daemon=True).start()
    return done
