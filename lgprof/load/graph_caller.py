"""Calls the graph for one request, resumes included, and deletes the threads that it made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lgprof.load.ledger import Ledger, UnderWay
from lgprof.run.plan import GetState, Invoke, RequestPlan, Unanswered
from lgprof.target import OpenTarget


class GraphCaller:
    """Makes requests; whatever the graph raises passes through.

    Args:
        target: The hosted graph.
        plan: What a request sends.
        ledger: Told when the graph is called and when it returns.
    """

    def __init__(self, target: OpenTarget, plan: RequestPlan, ledger: Ledger) -> None:
        self._target, self._plan, self._ledger = target, plan, ledger
        self.unanswered: set[Unanswered] = set()
        """Interrupts at which requests ended for want of answers."""
        self.left_threads = 0
        """Threads of ours that the checkpointer kept."""

    async def call_async(self, under_way: UnderWay) -> None:
        """Make a request on the event loop."""
        conversation = self._plan.conversation(under_way.arrival.number, self.unanswered.add)
        reply: Any = None
        while not under_way.done:
            try:
                step = conversation.send(reply)
            except StopIteration:
                return
            if isinstance(step, GetState):
                reply = await self._target.graph.aget_state(step.config)
                continue
            leg = self._ledger.begin_leg(under_way, step)
            try:
                reply = under_way.output = await self._target.runnable.ainvoke(
                    step.payload, step.config, **_context(step)
                )
            finally:
                self._ledger.end_leg(under_way, leg)

    def call(self, under_way: UnderWay) -> None:
        """Make a request in the calling thread."""
        conversation = self._plan.conversation(under_way.arrival.number, self.unanswered.add)
        reply: Any = None
        while not under_way.done:
            try:
                step = conversation.send(reply)
            except StopIteration:
                return
            if isinstance(step, GetState):
                reply = self._target.graph.get_state(step.config)
                continue
            leg = self._ledger.begin_leg(under_way, step)
            try:
                reply = under_way.output = self._target.runnable.invoke(
                    step.payload, step.config, **_context(step)
                )
            finally:
                self._ledger.end_leg(under_way, leg)

    async def forget_async(self, under_way: UnderWay) -> None:
        """Delete the threads that a request made."""
        saver: Any = self._target.graph.checkpointer
        for thread in under_way.own_threads:
            with self._clearing_up():
                await saver.adelete_thread(thread)

    def forget(self, under_way: UnderWay) -> None:
        """Delete the threads that a request made."""
        saver: Any = self._target.graph.checkpointer
        for thread in under_way.own_threads:
            with self._clearing_up():
                saver.delete_thread(thread)

    @contextmanager
    def _clearing_up(self) -> Iterator[None]:
        """A checkpointer that cannot delete a thread of ours costs no result."""
        try:
            yield
        except Exception:
            self.left_threads += 1


def _context(step: Invoke) -> dict[str, Any]:
    return {} if step.context is None else {"context": step.context}
