"""A request's spans by their parent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lgprof.model import Span


def function_window(attempt: Span) -> tuple[float, float]:
    """Start and end of an attempt's function; the attempt's own where no probe saw it.

    A pool thread may still run when its timed-out attempt is over.
    """
    if attempt.work_start_s is None or attempt.work_end_s is None:
        return attempt.start_s, attempt.end_s
    return attempt.work_start_s, max(attempt.work_start_s, min(attempt.work_end_s, attempt.end_s))


class SpanTree:
    """Spans by their parent."""

    def __init__(self, spans: list[Span]) -> None:
        self.children: dict[int | None, list[Span]] = defaultdict(list)
        for span in spans:
            self.children[span.parent].append(span)

    @property
    def roots(self) -> list[Span]:
        """One graph span for each call of the graph."""
        return self.children[None]

    def of_kind(self, span: Span, kind: str) -> list[Span]:
        """The span's children of one kind."""
        return [child for child in self.children.get(span.id, ()) if child.kind == kind]

    def nodes(self, graph: Span) -> list[Span]:
        """The graph's node calls."""
        return self.of_kind(graph, "node")

    def supersteps(self, graph: Span) -> list[list[Span]]:
        """The graph's node calls by superstep, each in order of start."""
        steps: dict[int, list[Span]] = defaultdict(list)
        for node in self.nodes(graph):
            steps[-1 if node.step is None else node.step].append(node)
        return [sorted(steps[step], key=lambda span: span.start_s) for step in sorted(steps)]

    def attempts(self, node: Span) -> list[Span]:
        """The node call's attempts in order."""
        return self.of_kind(node, "attempt")

    def tasks_below(self, span: Span) -> Iterator[Span]:
        """Calls of functional tasks inside a node's function, at any depth of the same graph."""
        for child in self.children.get(span.id, ()):
            if child.kind == "node":
                yield child
            if child.kind != "graph":
                yield from self.tasks_below(child)
