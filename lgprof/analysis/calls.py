"""From when to when a node's call lasted."""

from __future__ import annotations

from lgprof.analysis.queueing import Stretch, queue_waits
from lgprof.analysis.tree import SpanTree, function_window
from lgprof.model import Request, Span


class NodeCalls:
    """How long the node calls of one request took, and how long they stood in line.

    A call lasts from the start of its first attempt's function to the end of its last one's; where
    it waited for a place or a thread before, from the begin of that wait. What LangGraph does
    around the function is not the node's. Without probes, all that is known is when the attempts
    began and ended.
    """

    def __init__(self, request: Request, tree: SpanTree) -> None:
        self._tree = tree
        self._before = queue_waits(request, tree)
        self._in_loop = any(root.thread == "loop" for root in tree.roots)

    def bounds(self, node: Span) -> Stretch:
        """Start and end of a node's call."""
        attempts = self._tree.attempts(node)
        if not attempts:
            return Stretch(node.start_s, node.end_s)
        queue = self._before.get(node.id) or self._thread_queue(attempts[0])
        start_s, _ = queue or function_window(attempts[0])
        _, end_s = function_window(attempts[-1])
        return Stretch(start_s, end_s)

    def queues(self, node: Span) -> list[Stretch]:
        """When a node's call stood in line: for a place, and for each attempt's thread."""
        before = self._before.get(node.id)
        queues = [self._thread_queue(attempt) for attempt in self._tree.attempts(node)]
        return [queue for queue in (before, *queues) if queue]

    def _thread_queue(self, attempt: Span) -> Stretch | None:
        """A sync function of an async run waits for a thread when its attempt has begun."""
        if not self._in_loop or attempt.thread != "pool" or attempt.work_start_s is None:
            return None
        return Stretch(attempt.start_s, attempt.work_start_s)
