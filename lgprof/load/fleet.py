"""The master: starts workers, hands out the plan, merges what they report, and ends the test."""

from __future__ import annotations

import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import gevent
import msgspec

import lgprof
from lgprof import errors
from lgprof.errors import LgprofError, TargetFailedError, UsageError
from lgprof.load import messages as wire
from lgprof.load.book import Book
from lgprof.load.live import live_state
from lgprof.load.locust_api import Environment, MasterRunner, quiet_locust
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.outcome import Outcome
from lgprof.load.plan import TestPlan
from lgprof.load.processes import LocalWorker, local_workers
from lgprof.load.report import load_profile
from lgprof.load.waiting import in_thread
from lgprof.load.web_page import WebPage, web_page
from lgprof.model import Failure, Profile
from lgprof.model.live import LiveState, Phase
from lgprof.target import Inputs

BASELINE_REQUESTS = 5
BASELINE_WITHIN_S = 1.0
"""Requests made one by one for the unloaded latency, as long as this time is not over."""
START_IN_S = 0.1
DRAIN_S = 30.0
"""How long after the schedule's end what waits may still start."""
TAKE_OVER_IN_S = 1.0
"""From a worker's loss to the first arrival that others take over: time for the news to spread."""
_CONNECT_WITHIN_S = 60.0
_DONE_WITHIN_S = 60.0
_POLL_S = 0.05
_SHOW_EVERY_S = 0.25
_LINGER_MS = 200
"""How long the last words to the workers may take."""


class Watcher(Protocol):
    """Who looks on."""

    def show(self, state: LiveState) -> None:
        """How the test stands; told some four times a second."""

    def confirm(self, text: str) -> bool:
        """Whether to go on, given what it will take."""

    def tell(self, text: str) -> None:
        """Something to know from now on."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """A load test's Profile and what is not for a file."""

    profile: Profile
    failures: list[Failure]
    abandoned: bool = False
    """Of this process: the graph runs in the workers, and none is left to itself here."""


def load_test(
    target: str | None,
    inputs: Inputs | None,
    options: LoadOptions,
    fleet: FleetOptions,
    *,
    folder: Path,
    watch: Watcher,
) -> LoadResult:
    """Load a graph and profile it under load.

    Args:
        target: As typed; the workers resolve it.
        inputs: None lets the workers make one from the input schema.
        options: What to do.
        fleet: Where the workers are.
        folder: The project's folder.
        watch: Told how it stands, and asked before a live provider is loaded.

    Raises:
        LgprofError: The target cannot be loaded, or an option does not fit it.
        KeyboardInterrupt: Ctrl-C, or a no, before the load began.
    """
    quiet_locust()
    with ExitStack() as stack:
        port = fleet.port or _free_port(fleet.host)
        runner = stack.enter_context(_listening(fleet.host, port))
        plan = TestPlan(options, fleet)
        local: list[LocalWorker] = []
        if fleet.expect_workers is None:
            local = stack.enter_context(
                local_workers(plan.workers, target, fleet.host, port, folder)
            )
        page = stack.enter_context(web_page(plan.warmup_s)) if fleet.ui else None
        if page is not None:
            watch.tell(f"Locust's web page: {page.url}")
        master = _Master(runner, plan, local, inputs, watch, page)
        stack.callback(master.dismiss)
        with _interrupts(master.interrupt):
            outcome = master.run()
    return LoadResult(load_profile(outcome, options), outcome.failures)


@contextmanager
def _listening(host: str, port: int) -> Iterator[MasterRunner]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"cannot listen on {host}:{port}: {error.strerror}",
                hint="name another address with --bind HOST:PORT",
            ) from error
    runner = Environment(user_classes=[]).create_master_runner(host, port)
    try:
        yield runner
    finally:
        runner.greenlet.kill(block=False)
        context = runner.server.socket.context
        runner.server.close(linger=_LINGER_MS)  # type: ignore[no-untyped-call]
        context.term()


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _interrupts(handler: Callable[[], None]) -> Iterator[None]:
    watchers = [
        gevent.signal_handler(number, handler) for number in (signal.SIGINT, signal.SIGTERM)
    ]
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.cancel()


@dataclass(slots=True)
class _Member:
    """One worker as the master sees it."""

    client: str
    hello: wire.Hello
    slot: int = 0
    ready: wire.Ready | None = None
    done: wire.Done | None = None
    lost: bool = False


class _Master:
    """One test, from the workers' hello to the last word of each."""

    def __init__(
        self,
        runner: MasterRunner,
        plan: TestPlan,
        local: list[LocalWorker],
        inputs: Inputs | None,
        watch: Watcher,
        page: WebPage | None = None,
    ) -> None:
        self._runner, self._plan, self._local, self._watch = runner, plan, local, watch
        self._page = page
        self._inputs = inputs
        self._members: dict[str, _Member] = {}
        self._refusal: wire.Refusal | None = None
        self._baseline: wire.Baselined | None = None
        self._interrupts = 0
        self._phase: Phase = "starting workers"
        self._began_s = self._shown_s = time.monotonic()
        self._origin_s = 0.0
        self._stopped_at_s: float | None = None
        self._abort_reason: str | None = None
        self._drain_expired = False
        self.book = Book()
        self._ends: list[str] = []
        handlers: dict[str, Callable[[str, bytes], None]] = {
            wire.HELLO: self._on_hello,
            wire.READY: self._on_ready,
            wire.REFUSED: self._on_refused,
            wire.BASELINED: self._on_baselined,
            wire.BATCH: self._on_batch,
            wire.DONE: self._on_done,
        }
        for name, handler in handlers.items():
            runner.register_message(name, partial(self._receive, handler))

    def run(self) -> Outcome:
        """The whole test."""
        self._await_workers()
        self._set_up()
        self._confirm()
        self._measure_unloaded()
        self._go()
        self._drive()
        return self._outcome()

    def interrupt(self) -> None:
        """Ctrl-C: first stop and drain, then cancel."""
        self._interrupts += 1

    def dismiss(self) -> None:
        """Let all workers go."""
        for client in list(self._runner.clients):
            self._send(wire.QUIT, None, client)
        gevent.sleep(_POLL_S)

    # --- messages ------------------------------------------------------------------------------

    def _send(self, name: str, message: Any, client: str) -> None:
        self._runner.send_message(name, wire.envelope(message), client_id=client)

    def _send_all(self, name: str, message: Any = None) -> None:
        for member in self._present():
            self._send(name, message, member.client)

    def _receive(
        self, handler: Callable[[str, bytes], None], environment: Any, msg: Any, **_: Any
    ) -> None:
        try:
            handler(msg.node_id, wire.body_of(msg.data))
        except msgspec.DecodeError as error:
            self._refusal = self._refusal or wire.Refusal(
                "UsageError",
                f"a worker sent what this lgprof {lgprof.__version__} cannot read: {error}",
                "install the same version on all machines",
            )

    def _present(self) -> list[_Member]:
        return [member for member in self._members.values() if not member.lost]

    def _on_hello(self, client: str, data: bytes) -> None:
        hello = wire.decode(data, wire.Hello)
        if self._phase != "starting workers" or len(self._members) >= self._plan.workers:
            self._send(wire.QUIT, None, client)
            return
        self._members[client] = _Member(client, hello, slot=len(self._members))
        self._refusal = self._refusal or hello.refusal or self._mismatch(hello)

    def _mismatch(self, hello: wire.Hello) -> wire.Refusal | None:
        if hello.version != lgprof.__version__:
            return wire.Refusal(
                "UsageError",
                f"the worker on {hello.host} runs lgprof {hello.version}, "
                f"the master {lgprof.__version__}",
                "install the same version on both",
            )
        first = next(iter(self._members.values())).hello
        if hello.target_hash != first.target_hash:
            return wire.Refusal(
                "UsageError",
                f"the workers on {first.host} and {hello.host} load different targets or "
                f"different code: {first.spec} and {hello.spec}",
                "bring both to the same commit and name the same target",
            )
        return None

    def _on_ready(self, client: str, data: bytes) -> None:
        member = self._members.get(client)
        if member is not None:
            member.ready = wire.decode(data, wire.Ready)

    def _on_refused(self, client: str, data: bytes) -> None:
        self._refusal = self._refusal or wire.decode(data, wire.Refusal)

    def _on_baselined(self, client: str, data: bytes) -> None:
        self._baseline = wire.decode(data, wire.Baselined)

    def _on_batch(self, client: str, data: bytes) -> None:
        member = self._members.get(client)
        if member is None or member.lost:
            self._send(wire.QUIT, None, client)  # it fell silent, and others do its work now
            return
        self.book.add(client, wire.decode(data, wire.Batch))

    def _on_done(self, client: str, data: bytes) -> None:
        member = self._members.get(client)
        if member is None or member.lost:
            return
        member.done = wire.decode(data, wire.Done)
        self.book.add(client, member.done.batch)
        if member.done.stuck:
            self._lose(member)

    # --- before the load -----------------------------------------------------------------------

    def _await_workers(self) -> None:
        until_s = None if not self._local else time.monotonic() + _CONNECT_WITHIN_S
        while len(self._members) < self._plan.workers and self._refusal is None:
            self._pause("waiting for workers" if not self._local else "loading the graph")
            self._check_local()
            if until_s is not None and time.monotonic() > until_s:
                raise TargetFailedError(
                    f"a worker did not answer within {_CONNECT_WITHIN_S:.0f} s",
                    user_traceback="\n".join(worker.last_words() for worker in self._local),
                )
        self._raise_refusal()

    def _set_up(self) -> None:
        salt = secrets.token_bytes(16)
        for member in self._members.values():
            self.book.worker(member.client, member.hello.host)
            self._send(wire.SETUP, self._plan.setup(member.slot, self._inputs, salt), member.client)
        while not all(member.ready for member in self._members.values()):
            self._pause("making the first request")
            self._check_local()
            self._raise_refusal()

    def _confirm(self) -> None:
        """Ask before a live provider is loaded; heartbeats go on while the user thinks."""
        ready = self._first_ready()
        if not ready.live_hosts:
            return
        text = self._plan.projection(ready)
        if not in_thread(lambda: self._watch.confirm(text), self._raise_interrupt):
            raise KeyboardInterrupt

    def _raise_interrupt(self) -> None:
        if self._interrupts and not self._origin_s:
            raise KeyboardInterrupt

    def _measure_unloaded(self) -> None:
        first = next(iter(self._members.values()))
        wanted = wire.Baseline(self._plan.baseline_index, BASELINE_REQUESTS, BASELINE_WITHIN_S)
        self._send(wire.BASELINE, wanted, first.client)
        while self._baseline is None:
            self._pause("measuring without load")
            self._check_local()
            self._raise_refusal()

    def _first_ready(self) -> wire.Ready:
        return next(member.ready for member in self._members.values() if member.ready)

    def _check_local(self) -> None:
        """A worker of ours that ended before the load began takes the test with it."""
        for worker in self._local:
            if worker.ended:
                raise TargetFailedError(
                    "the graph ended its process before the load began "
                    f"(exit code {worker.process.returncode})",
                    user_traceback=worker.last_words() or None,
                )

    def _raise_refusal(self) -> None:
        found = self._refusal
        if found is not None:
            kind: type[LgprofError] = getattr(errors, found.kind, UsageError)
            raise kind(found.message, hint=found.hint, user_traceback=found.user_traceback)

    def _pause(self, note: str = "") -> None:
        gevent.sleep(_POLL_S)
        self._raise_interrupt()
        now_s = time.monotonic()
        if now_s - self._shown_s >= _SHOW_EVERY_S:
            self._shown_s = now_s
            self._show(note)

    # --- under load ----------------------------------------------------------------------------

    def _go(self) -> None:
        unloaded_s = self._baseline.graph_s if self._baseline else None
        for member in self._members.values():
            go = self._plan.go(member.slot, len(self._members), unloaded_s, START_IN_S)
            self._send(wire.GO, go, member.client)
        self._began_s = time.monotonic() + START_IN_S
        self._origin_s = self._began_s + self._plan.warmup_s

    def _drive(self) -> None:
        """Until every worker has said its last word, or is lost."""
        silent_from_s: float | None = None
        while any(member.done is None for member in self._present()):
            self._pause()
            self._raise_refusal()
            self._set_phase()
            self._look_for_losses()
            self._stop_if_asked()
            now_s = time.monotonic()
            if self._interrupts > 1 or self._drain_expired:
                silent_from_s = silent_from_s or now_s
                if now_s - silent_from_s > self._patience_s():
                    for member in self._present():
                        if member.done is None:
                            self._lose(member)
        self._show()

    def _patience_s(self) -> float:
        """How long a worker may take over its last word: what runs may run to its time limit."""
        runs_s = 0.0 if self._interrupts > 1 else self._plan.options.request.timeout_s
        return runs_s + _DONE_WITHIN_S

    def _set_phase(self) -> None:
        time_s = self._time_s()
        if self._stopped_at_s is not None or time_s >= self._plan.duration_s:
            self._phase = "draining"
        else:
            self._phase = "warm-up" if time_s < 0 else "load"

    def _time_s(self) -> float:
        """Seconds since the first measured arrival was due."""
        return time.monotonic() - self._origin_s

    def _stop_if_asked(self) -> None:
        time_s = self._time_s()
        if self._stopped_at_s is None:
            rule = self._plan.abort_rule_met(self.book)
            if self._interrupts or rule:
                self._stopped_at_s = max(0.0, min(time_s, self._plan.duration_s))
                self._abort_reason = rule
                self._send_all(wire.STOP)
            elif time_s > self._plan.duration_s + DRAIN_S and not self._drain_expired:
                self._drain_expired = True
                self._send_all(wire.STOP)
        if self._interrupts > 1:
            self._interrupts = 2
            self._send_all(wire.CANCEL)

    def _look_for_losses(self) -> None:
        missing = {client.id for client in self._runner.clients.missing}
        ended = {worker.process.pid: worker for worker in self._local if worker.ended}
        for member in self._present():
            process = ended.get(member.hello.pid)
            if member.done is None and (
                member.client in missing
                or member.client not in self._runner.clients
                or process is not None
            ):
                if process is not None:
                    self._report_end(process)
                self._lose(member)

    def _report_end(self, worker: LocalWorker) -> None:
        """What it printed is for the user's eyes alone, how it ended is for the Profile too."""
        how, words = worker.how_it_ended(), worker.last_words()
        self._ends.append(how)
        self._watch.tell(f"a worker ended in mid-load: {how}" + (f"\n{words}" if words else ""))

    def _lose(self, member: _Member) -> None:
        """It is gone, or stands still: the others take over its share of what is to come."""
        member.lost = True
        if self._stopped_at_s is None:
            first = self._plan.first_untouched(self._time_s() + TAKE_OVER_IN_S)
        else:
            first = self._plan.due_by(self._stopped_at_s)
        taken_over = bool(self._survivors()) or self._stopped_at_s is not None
        last = self.book.worker(member.client).last
        unreported = self._plan.share_between(
            member.slot, last.consumed if last else 0, first if taken_over else None
        )
        self.book.lose(member.client, unreported)
        self._plan.assignments.hand_over(first, [other.slot for other in self._survivors()])
        for place, other in enumerate(self._survivors()):
            share = wire.ShareOf(first, place, len(self._survivors()))
            self._send(wire.SHARE, share, other.client)

    def _survivors(self) -> list[_Member]:
        return [member for member in self._present() if member.done is None]

    def _show(self, note: str = "") -> None:
        state = live_state(
            self.book,
            phase=self._phase,
            elapsed_s=time.monotonic() - self._began_s
            if self._phase in ("starting workers", "warm-up")
            else self._time_s(),
            plan=self._plan,
            workers=len(self._members),
            note=note,
        )
        self._watch.show(state)
        if self._page is not None:
            spec = next((member.hello.spec for member in self._members.values()), "")
            self._page.show(
                state, self.book, spec, self._baseline.nodes_s if self._baseline else {}
            )

    # --- the end -------------------------------------------------------------------------------

    def _outcome(self) -> Outcome:
        done = [member.done for member in self._members.values() if member.done]
        return Outcome(
            plan=self._plan,
            book=self.book,
            ready=self._first_ready(),
            baseline=self._baseline or wire.Baselined(None, {}),
            done=done,
            lost=sum(member.lost for member in self._members.values()),
            interrupted=self._interrupts > 0,
            stopped_at_s=self._stopped_at_s,
            drain_expired=self._drain_expired,
            abort_reason=self._abort_reason,
            ends=self._ends,
        )
