"""Python's global interpreter lock, as threads and the event loop compete for it.

A thread that waits gets the lock when its holder waits for something else, or after one switch
interval (``sys.getswitchinterval()``). The event loop keeps it from callback to callback for as
long as callbacks are ready.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from lgprof.whatif.timeline import Timeline

SWITCH_INTERVAL_S = 0.005
_NOTHING_S = 1e-9
"""Less is a rounding error of sums."""


class LockClient:
    """A thread."""

    __slots__ = ("done", "remaining_s")

    def __init__(self) -> None:
        self.remaining_s = 0.0
        self.done: Callable[[], None]


class InterpreterLock:
    """One lock, handed over in simulated time."""

    def __init__(self, time: Timeline) -> None:
        self._time = time
        self._holder: LockClient | None = None
        self._queue: deque[LockClient] = deque()
        self._turn = 0
        """Counts the times that the lock changed hands."""
        self._burst = 0
        """Counts the stretches of computing; a holder's turn may have several."""
        self._burst_start_s = 0.0

    def request(self, client: LockClient, cpu_s: float, done: Callable[[], None]) -> None:
        """Compute for so long, then call back. A client that asks again then keeps the lock."""
        if cpu_s <= _NOTHING_S:
            done()
            return
        client.remaining_s, client.done = cpu_s, done
        if self._holder is client:
            self._compute(client)
        elif self._holder is None:
            self._grant(client)
        else:
            self._queue.append(client)
            self._time.at(SWITCH_INTERVAL_S, self._hand_over, self._turn)

    def _grant(self, client: LockClient) -> None:
        self._turn += 1
        self._holder = client
        self._compute(client)
        if self._queue:
            self._time.at(SWITCH_INTERVAL_S, self._hand_over, self._turn)

    def _compute(self, client: LockClient) -> None:
        self._burst += 1
        self._burst_start_s = self._time.now_s
        self._time.at(client.remaining_s, self._computed, self._burst)

    def _computed(self, burst: int) -> None:
        client = self._holder
        if burst != self._burst or client is None:
            return
        client.remaining_s = 0.0
        done = client.done
        del client.done  # it holds the process that holds the client
        done()
        if client.remaining_s <= 0:
            self._holder = None
            if self._queue:
                self._grant(self._queue.popleft())

    def _hand_over(self, turn: int) -> None:
        """A client has waited for one switch interval."""
        holder = self._holder
        if turn != self._turn or holder is None or not self._queue:
            return
        left_s = holder.remaining_s - (self._time.now_s - self._burst_start_s)
        if left_s > _NOTHING_S:
            holder.remaining_s = left_s
            self._queue.append(holder)
            self._grant(self._queue.popleft())
