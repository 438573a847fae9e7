"""Prices the model calls of a load test in a thread of its own, and counts tokens not reported.

Neither belongs on the event loop: counting a prompt takes milliseconds. The queue is bounded, so
that no prompt waits for long: of what does not fit, the tokens are unknown.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

from lgprof.analysis.fold import Call
from lgprof.llm.counting import TokenCounter
from lgprof.llm.prices import Prices
from lgprof.llm.usage import counted_tokens, is_cache_hit, service_tier
from lgprof.load.tally import PUSD, Bill, BilledCall, Tally
from lgprof.model import ModelCall
from lgprof.record.digest import counting

MOST_REQUESTS = 20_000
"""Requests that may wait for their bill; each takes less than a millisecond."""
MOST_TEXTS = 500
"""Calls whose tokens have to be counted that may wait."""
_ENDS_WITHIN_S = 10.0

_Count = Callable[[], tuple[int, int] | None]


class _Waiting(NamedTuple):
    calls: Sequence[Call]
    counts: Sequence[_Count | None]
    """Of each call: counts what its provider did not report."""
    is_lost: bool


class Biller:
    """Bills requests in the order in which they ended.

    Args:
        tally: Gets the bills.
        prices: Of the calls.
    """

    def __init__(self, tally: Tally, prices: Prices) -> None:
        self._tally, self._prices = tally, prices
        self._counter = TokenCounter()
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._texts = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="lgprof-biller", daemon=True)

    def start(self) -> None:
        """Begin to bill."""
        self._thread.start()

    def offer(self, calls: Sequence[Call], *, is_lost: bool) -> None:
        """Bill the model calls of a request that is over.

        Args:
            calls: Of the request.
            is_lost: Whether it failed or timed out.
        """
        models = [call for call in calls if call.event is not None]
        if not models:
            self._tally.record_bill(Bill([], is_lost))
        elif self._waiting.qsize() >= MOST_REQUESTS:
            self._tally.record_bill(_unknown(models, is_lost))
        else:
            counts = [self._counting(call) for call in models]
            self._waiting.put(_Waiting(models, counts, is_lost))

    def finish(self) -> None:
        """Bill what waits; what takes too long remains unknown."""
        if not self._thread.is_alive():
            return
        self._waiting.put(None)
        self._thread.join(_ENDS_WITHIN_S)
        while not self._waiting.empty():
            left = self._waiting.get_nowait()
            if left is not None:
                self._tally.record_bill(_unknown(left.calls, left.is_lost))

    def bill(self, calls: Sequence[Call]) -> Bill:
        """Bill a request at once, without a record of it."""
        models = [call for call in calls if call.event is not None]
        return self._bill(_Waiting(models, list(map(self._counting, models)), is_lost=False))

    def _counting(self, call: Call) -> _Count | None:
        """What counts the tokens of a call; None where they are reported, or too many wait."""
        event = call.event
        if event is None or event.usage or event.answer is None:
            return None
        with self._lock:
            if self._texts >= MOST_TEXTS:
                return None
            self._texts += 1
        return counting(self._counter, event)

    def _work(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            self._tally.record_bill(self._bill(waiting))

    def _bill(self, waiting: _Waiting) -> Bill:
        pairs = zip(waiting.calls, waiting.counts, strict=True)
        return Bill([self._billed(call, count) for call, count in pairs], waiting.is_lost)

    def _billed(self, call: Call, count: _Count | None) -> BilledCall:
        event, tokens = call.event, call.tokens
        if event is None:
            return BilledCall(call, None, None)
        if count is not None:
            event.counted = count()
            tokens = counted_tokens(event.counted)
            with self._lock:
                self._texts -= 1
        model = ModelCall(
            name=call.name,
            provider=event.provider,
            tokens=tokens,
            service_tier=service_tier(event.usage),
            llm_cache_hit=is_cache_hit(event.usage),
        )
        cost_usd = self._prices.cost_usd(model, event.model)
        pico = None if cost_usd is None else round(Decimal(cost_usd) * PUSD)
        return BilledCall(call, tokens, pico)


def _unknown(calls: Sequence[Call], is_lost: bool) -> Bill:
    return Bill([BilledCall(call, call.tokens, None) for call in calls], is_lost, overflowed=True)
