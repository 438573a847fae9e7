"""Drives a sync graph: worker threads call ``invoke``, the main thread watches.

A thread cannot be stopped from outside: one whose request timed out is left behind, and another
takes its place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextvars import copy_context
from typing import Any

from lgprof.run.conduct import Conductor, InFlight
from lgprof.run.plan import GetState, Invoke
from lgprof.target import OpenTarget

_POLL_S = 0.05


class SyncDriver:
    """Sends requests through ``invoke``, ``concurrency`` of them at once."""

    def __init__(self, target: OpenTarget, conductor: Conductor, caller_threads: set[int]) -> None:
        self._target = target
        self._conductor = conductor
        self._caller_threads = caller_threads
        self._lock = threading.Lock()
        self.left_behind = 0
        """Threads that still run a request which was given up."""

    def drive(self, indices: Iterable[int]) -> None:
        """Run the requests; returns when all are over or given up."""
        remaining = iter(indices)
        workers = [self._start_worker(remaining) for _ in range(self._conductor.concurrency)]
        try:
            while any(worker.is_alive() for worker in workers):
                for worker in workers:
                    worker.join(_POLL_S / len(workers))
                for request in list(self._conductor.overdue(grace_s=0.0)):
                    self._conductor.end(request, timed_out=True)
                    workers = [worker for worker in workers if not worker.gave_up(request)]
                    workers.append(self._start_worker(remaining))
                    self.left_behind += 1
        except KeyboardInterrupt:
            self.left_behind += len(self._conductor.in_flight)
            self._conductor.cancel_all()
            for worker in workers:
                worker.stopped = True
            raise
        for worker in workers:
            if worker.defect is not None:
                raise worker.defect

    def _start_worker(self, remaining: Iterator[int]) -> _Worker:
        worker = _Worker(self, remaining)
        worker.start()
        return worker

    def next_index(self, remaining: Iterator[int]) -> int | None:
        """The next request to make; None at the end."""
        with self._lock:
            return next(remaining, None)

    def requests(self, index: int) -> Iterator[InFlight]:
        """The request of an index; more of them where it must be made again."""
        return self._conductor.requests(index)

    def one(self, request: InFlight) -> None:
        """Make one request in the calling thread."""
        conductor = self._conductor
        self._caller_threads.add(threading.get_ident())
        try:
            self._converse(request)
        except BaseException as error:  # a user's graph may even raise SystemExit
            conductor.end(request, error=error)
        else:
            conductor.end(request)
        saver: Any = self._target.graph.checkpointer
        for thread in request.own_threads:
            with conductor.clearing_up():
                saver.delete_thread(thread)

    def _converse(self, request: InFlight) -> None:
        conductor = self._conductor
        conversation = conductor.plan.conversation(request.log.index, conductor.unanswered.add)
        reply: Any = None
        while not request.done:
            try:
                step = conversation.send(reply)
            except StopIteration:
                return
            if isinstance(step, GetState):
                reply = self._target.graph.get_state(step.config)
            else:
                reply = request.output = self._invoke(request, step)

    def _invoke(self, request: InFlight, step: Invoke) -> Any:
        extra = {} if step.context is None else {"context": step.context}
        leg = self._conductor.begin_leg(request, step)
        try:
            return self._target.runnable.invoke(step.payload, step.config, **extra)
        finally:
            if not request.done:
                self._conductor.end_leg(leg)


class _Worker(threading.Thread):
    def __init__(self, driver: SyncDriver, remaining: Iterator[int]) -> None:
        super().__init__(name="lgprof-caller", daemon=True)
        self._module_context = copy_context()
        """What the user's modules set when they were imported."""
        self._driver = driver
        self._remaining = remaining
        self.request: InFlight | None = None
        self.stopped = False
        self.defect: BaseException | None = None

    def gave_up(self, request: InFlight) -> bool:
        """Whether this is the thread of a request that was given up; it stops after it."""
        if self.request is request:
            self.stopped = True
        return self.stopped

    def run(self) -> None:
        self._module_context.run(self._make_requests)

    def _make_requests(self) -> None:
        try:
            while not self.stopped:
                index = self._driver.next_index(self._remaining)
                if index is None:
                    return
                for request in self._driver.requests(index):
                    self.request = request
                    self._driver.one(request)
        except BaseException as error:
            self.defect = error
