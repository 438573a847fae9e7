"""The master's part in one test: from the first worker's hello to the last word of each."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

import gevent

from lgprof.errors import TargetFailedError
from lgprof.load import messages as wire
from lgprof.load.live import live_state
from lgprof.load.losses import Losses
from lgprof.load.outcome import Outcome
from lgprof.load.plan import TestPlan
from lgprof.load.processes import LocalWorker
from lgprof.load.roster import Roster
from lgprof.load.waiting import in_thread
from lgprof.load.watcher import Watcher
from lgprof.load.web_page import WebPage
from lgprof.model.live import Phase
from lgprof.target import Inputs

BASELINE_REQUESTS = 5
BASELINE_WITHIN_S = 1.0
"""Requests made one by one for the unloaded latency, as long as this time is not over."""
START_IN_S = 0.1
DRAIN_S = 30.0
"""How long after the schedule's end what waits may still start."""
_CONNECT_WITHIN_S = 60.0
_DONE_WITHIN_S = 60.0
_POLL_S = 0.05
_SHOW_EVERY_S = 0.25


class Master:
    """Hands out the plan, and sees to it that the test ends.

    Args:
        roster: The workers.
        plan: What they do.
        local: Those of them that are processes of ours.
        inputs: None lets the workers make one from the input schema.
        watch: Told how it stands, and asked before a live provider is loaded.
        page: Shows how it stands, too.
    """

    def __init__(
        self,
        roster: Roster,
        plan: TestPlan,
        local: Sequence[LocalWorker],
        inputs: Inputs | None,
        watch: Watcher,
        page: WebPage | None,
    ) -> None:
        self._roster, self._plan, self._local = roster, plan, local
        self._inputs, self._watch, self._page = inputs, watch, page
        self._losses = Losses(roster, plan, local, watch.tell)
        self._interrupts = 0
        self._phase: Phase = "starting workers"
        self._began_s = self._shown_s = time.monotonic()
        self._origin_s = 0.0
        self._stopped_at_s: float | None = None
        self._abort_reason: str | None = None
        self._drain_expired = False

    def run(self) -> Outcome:
        """The whole test.

        Raises:
            LgprofError: A worker cannot take part, or its graph cannot be loaded.
            KeyboardInterrupt: Ctrl-C, or a no, before the load began.
        """
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

    # --- before the load -----------------------------------------------------------------------

    def _await_workers(self) -> None:
        until_s = None if not self._local else time.monotonic() + _CONNECT_WITHIN_S
        while not self._roster.is_complete:
            self._wait("waiting for workers" if not self._local else "loading the graph")
            if until_s is not None and time.monotonic() > until_s:
                raise TargetFailedError(
                    f"a worker did not answer within {_CONNECT_WITHIN_S:.0f} s",
                    user_traceback="\n".join(worker.last_words() for worker in self._local),
                )
        self._roster.raise_refusal()

    def _set_up(self) -> None:
        salt = secrets.token_bytes(16)
        for member in self._roster.members:
            self._roster.book.worker(member.client, member.hello.host)
            self._roster.send(member, wire.SETUP, self._plan.setup(member.slot, self._inputs, salt))
        while not all(member.ready for member in self._roster.members):
            self._wait("making the first request")

    def _confirm(self) -> None:
        """Ask before a live provider is loaded; heartbeats go on while the user thinks."""
        ready = self._first_ready()
        if not ready.live_hosts:
            return
        text = self._plan.projection(ready)
        if not in_thread(lambda: self._watch.confirm(text), self._raise_interrupt):
            raise KeyboardInterrupt

    def _measure_unloaded(self) -> None:
        wanted = wire.Baseline(self._plan.baseline_index, BASELINE_REQUESTS, BASELINE_WITHIN_S)
        self._roster.send(self._roster.members[0], wire.BASELINE, wanted)
        while self._roster.baseline is None:
            self._wait("measuring without load")

    def _first_ready(self) -> wire.Ready:
        return next(member.ready for member in self._roster.members if member.ready)

    def _wait(self, note: str) -> None:
        """Let a moment pass in which a worker may do its part, or turn out not to be able to."""
        self._pause(note)
        self._raise_interrupt()
        self._check_local()
        self._roster.raise_refusal()

    def _raise_interrupt(self) -> None:
        if self._interrupts:
            raise KeyboardInterrupt

    def _check_local(self) -> None:
        """A worker of ours that ended before the load began takes the test with it."""
        for worker in self._local:
            if worker.ended:
                raise TargetFailedError(
                    f"the graph ended its process before the load began ({worker.how_it_ended()})",
                    user_traceback=worker.last_words() or None,
                )

    # --- under load ----------------------------------------------------------------------------

    def _go(self) -> None:
        baseline, members = self._roster.baseline, self._roster.members
        unloaded_s = baseline.graph_s if baseline else None
        for member in members:
            go = self._plan.go(member.slot, len(members), unloaded_s, START_IN_S)
            self._roster.send(member, wire.GO, go)
        self._began_s = time.monotonic() + START_IN_S
        self._origin_s = self._began_s + self._plan.warmup_s

    def _drive(self) -> None:
        """Until every worker has said its last word, or is lost."""
        hurried_s: float | None = None
        while self._roster.working:
            self._pause()
            self._roster.raise_refusal()
            self._set_phase()
            self._losses.look(self._time_s(), self._stopped_at_s)
            self._stop_if_asked()
            if self._interrupts > 1 or self._drain_expired:
                hurried_s = hurried_s or time.monotonic()
                if time.monotonic() - hurried_s > self._patience_s():
                    self._losses.give_up(self._time_s(), self._stopped_at_s)
        self._losses.look(self._time_s(), self._stopped_at_s)
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
            rule = self._plan.abort_rule_met(self._roster.book)
            if self._interrupts or rule:
                self._stopped_at_s = max(0.0, min(time_s, self._plan.duration_s))
                self._abort_reason = rule
                self._roster.send_all(wire.STOP)
                why = f"stopping: --abort-on {rule} is met"
                asked = "stopping: what runs may end; Ctrl-C again cancels it"
                self._watch.tell(asked if self._interrupts else why)
            elif time_s > self._plan.duration_s + DRAIN_S and not self._drain_expired:
                self._drain_expired = True
                self._roster.send_all(wire.STOP)
        if self._interrupts > 1:
            self._interrupts = 2
            self._roster.send_all(wire.CANCEL)

    # --- to look at ----------------------------------------------------------------------------

    def _pause(self, note: str = "") -> None:
        gevent.sleep(_POLL_S)
        now_s = time.monotonic()
        if now_s - self._shown_s >= _SHOW_EVERY_S:
            self._shown_s = now_s
            self._show(note)

    def _show(self, note: str = "") -> None:
        members, baseline = self._roster.members, self._roster.baseline
        from_s = self._origin_s if self._phase in ("load", "draining") else self._began_s
        state = live_state(
            self._roster.book,
            phase=self._phase,
            elapsed_s=time.monotonic() - from_s,
            plan=self._plan,
            workers=len(members),
            note=note,
        )
        self._watch.show(state)
        if self._page is not None:
            spec = members[0].hello.spec if members else ""
            self._page.show(state, self._roster.book, spec, baseline.nodes_s if baseline else {})

    # --- the end -------------------------------------------------------------------------------

    def _outcome(self) -> Outcome:
        members = self._roster.members
        return Outcome(
            plan=self._plan,
            book=self._roster.book,
            ready=self._first_ready(),
            baseline=self._roster.baseline or wire.Baselined(None, {}),
            done=[member.done for member in members if member.done],
            lost=sum(member.lost for member in members),
            interrupted=self._interrupts > 0,
            stopped_at_s=self._stopped_at_s,
            drain_expired=self._drain_expired,
            abort_reason=self._abort_reason,
            ends=self._losses.ends,
        )
