"""Drives an async graph: a stock asyncio loop in a thread of its own.

The main thread only waits. So Ctrl-C and timeouts work even while a node blocks the loop.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, TypeVar

from lgprof.run.conduct import Conductor, InFlight
from lgprof.run.plan import GetState, Invoke
from lgprof.target import OpenTarget

T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]

POOL_THREADS = "lgprof-pool"
"""How the names of the loop's executor threads begin."""

_POLL_S = 0.05
_STUCK_AFTER_S = 5.0
_CLOSE_WITHIN_S = 1.0


class LoopThread:
    """An event loop that runs in a daemon thread until it is closed."""

    def __init__(self, factory: LoopFactory = asyncio.SelectorEventLoop) -> None:
        self.loop = factory()
        self.stuck = False
        """A node holds the loop or a thread of its executor and does not return."""
        # As asyncio would make it, but ours: its own shutdown waits for ever.
        self._pool = ThreadPoolExecutor(thread_name_prefix=POOL_THREADS)
        self.loop.set_default_executor(self._pool)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="lgprof-loop", daemon=True)
        self._thread.start()

    @property
    def native_id(self) -> int | None:
        """The operating system's number of the loop's thread."""
        return self._thread.native_id

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._closing:
            # A node that raises SystemExit throws it through the loop as well as at its caller.
            with suppress(SystemExit, KeyboardInterrupt):
                self.loop.run_forever()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result."""
        future = self.submit(coroutine)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def cancel_tasks(self) -> None:
        """End what runs on the loop; if it does not end soon, the loop is `stuck`."""
        self.finish(_cancel_others())

    def finish(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that clears up; if it does not end soon, the loop is `stuck`."""
        if self.stuck:
            coroutine.close()
            return
        try:
            self.submit(coroutine).result(_CLOSE_WITHIN_S)
        except TimeoutError:
            self.stuck = True

    def close(self) -> None:
        """Close the loop; a stuck one is left to the process's end."""
        self.cancel_tasks()
        if self.stuck:
            return
        self._closing = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.stuck = not _pool_ended()


async def _cancel_others() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _pool_ended() -> bool:
    """Whether all executor threads end soon: one in which a node hangs does not."""
    deadline_s = time.monotonic() + _CLOSE_WITHIN_S
    for thread in threading.enumerate():
        if thread.name.startswith(POOL_THREADS):
            thread.join(max(0.0, deadline_s - time.monotonic()))
            if thread.is_alive():
                return False
    return True


class AsyncDriver:
    """Sends requests through ``ainvoke``, ``concurrency`` of them at once."""

    def __init__(self, target: OpenTarget, conductor: Conductor, thread: LoopThread) -> None:
        self._target = target
        self._conductor = conductor
        self._thread = thread

    def drive(self, indices: Iterable[int]) -> None:
        """Run the requests; returns when all are over or the loop had to be given up."""
        future = self._thread.submit(self._all(iter(indices)))
        try:
            while not wait([future], _POLL_S).done:
                if self._is_stuck():
                    return
            future.result()
        except KeyboardInterrupt:
            self._conductor.cancel_all()
            self._thread.cancel_tasks()
            raise

    def _is_stuck(self) -> bool:
        """Give up requests whose timeout cannot fire since the loop does not run."""
        overdue = list(self._conductor.overdue(_STUCK_AFTER_S))
        if not overdue:
            return False
        self._thread.stuck = True
        for request in overdue:
            self._conductor.end(request, timed_out=True)
        self._conductor.cancel_all()
        return True

    async def _all(self, indices: Iterator[int]) -> None:
        async def worker() -> None:
            for index in indices:
                for request in self._conductor.requests(index):
                    await self._one(request)

        await asyncio.gather(*(worker() for _ in range(self._conductor.concurrency)))

    async def _one(self, request: InFlight) -> None:
        conductor = self._conductor
        timeout = asyncio.timeout(conductor.timeout_s)
        try:
            async with timeout:
                await self._converse(request)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                await self._forget(request)
                raise
            conductor.end(request, error=error)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a user's graph may even raise SystemExit
            conductor.end(request, error=error, timed_out=timeout.expired())
        else:
            conductor.end(request)
        await self._forget(request)

    async def _converse(self, request: InFlight) -> None:
        conductor = self._conductor
        conversation = conductor.plan.conversation(request.log.index, conductor.unanswered.add)
        reply: Any = None
        while True:
            try:
                step = conversation.send(reply)
            except StopIteration:
                return
            if isinstance(step, GetState):
                reply = await self._target.graph.aget_state(step.config)
            else:
                reply = request.output = await self._invoke(request, step)

    async def _invoke(self, request: InFlight, step: Invoke) -> Any:
        extra = {} if step.context is None else {"context": step.context}
        leg = self._conductor.begin_leg(request, step)
        try:
            return await self._target.runnable.ainvoke(step.payload, step.config, **extra)
        finally:
            self._conductor.end_leg(leg)

    async def _forget(self, request: InFlight) -> None:
        saver: Any = self._target.graph.checkpointer
        for thread in request.own_threads:
            with self._conductor.clearing_up():
                await saver.adelete_thread(thread)
