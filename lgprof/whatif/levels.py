"""In which superstep each task would run if some nodes started together.

A task starts in the superstep after the last of those that led to it. Which ones these were is told
by the graph's edges and by what ran in the superstep before; where the edges do not tell (a
``Command``, a router without declared targets), it is taken to be all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from lgprof.model import GraphShape


class Task(Protocol):
    """A call of a node, such as its span."""

    @property
    def id(self) -> int:
        """Its own."""

    @property
    def path(self) -> str:
        """The node's."""

    @property
    def name(self) -> str:
        """The node's, in its graph."""


def levels_side_by_side(
    steps: Sequence[Sequence[Task]], nodes: frozenset[str], shape: GraphShape | None
) -> dict[int, int] | None:
    """The superstep of each task, from 0, by its id; None where nothing changes.

    Args:
        steps: The supersteps of one run of a graph.
        nodes: Paths of the nodes that start together, wherever their supersteps follow one another.
        shape: The graph's edges; None where they are not known.
    """
    levels = _Levels(steps, nodes, shape)
    return levels.of if levels.joined else None


class _Levels:
    def __init__(
        self, steps: Sequence[Sequence[Task]], nodes: frozenset[str], shape: GraphShape | None
    ) -> None:
        self._nodes = nodes
        self._shape = shape
        self.of: dict[int, int] = {}
        self.joined = False
        """Whether a task starts with others that it followed before."""
        self._latest: dict[str, Task] = {}
        """The last call of each node so far, by name."""
        self._group: set[str] = set()
        """Paths that start together, of the supersteps just before."""
        self._group_level = 0
        before: Sequence[Task] = ()
        for tasks in steps:
            self._place(tasks, before)
            before = tasks

    def _place(self, tasks: Sequence[Task], before: Sequence[Task]) -> None:
        ours = {task.path for task in tasks if task.path in self._nodes}
        joins = bool(self._group) and bool(ours) and self._group.isdisjoint(ours)
        for task in tasks:
            if joins and task.path in ours:
                self.joined = True
                self.of[task.id] = self._group_level
            else:
                self.of[task.id] = self._earliest(task, before)
        if ours and not joins:
            self._group_level = max(self.of[t.id] for t in tasks if t.path in ours)
        # In the next turn of a loop the same nodes come again: another group.
        self._group = self._group | ours if joins else ours
        self._latest |= {task.name: task for task in tasks}

    def _earliest(self, task: Task, before: Sequence[Task]) -> int:
        if self._defers(task):
            return 1 + max(self.of.values(), default=-1)
        leading = [*self._leading(task, before)] or before
        return max((self._ready(other) for other in leading), default=0)

    def _ready(self, task: Task) -> int:
        """The superstep after a task; a router that follows a group waits in one of its own."""
        level = self.of[task.id] + 1
        routed = self._shape is not None and bool(self._shape.branches.get(task.name))
        return level + (routed and task.path in self._group and self._is_joined(task))

    def _is_joined(self, task: Task) -> bool:
        return self.joined and self.of[task.id] == self._group_level and len(self._group) > 1

    def _defers(self, task: Task) -> bool:
        node = self._shape.nodes.get(task.name) if self._shape else None
        return node is not None and node.defers

    def _leading(self, task: Task, before: Sequence[Task]) -> Iterator[Task]:
        """What led to a task."""
        shape, name = self._shape, task.name
        if shape is None:
            return
        for other in before:
            targets = shape.branches.get(other.name)
            node = shape.nodes.get(other.name)
            if (
                targets == []
                or node is None
                or (
                    (other.name, name) in map(tuple, shape.edges)
                    or name in (targets or ())
                    or name in node.destinations
                )
            ):
                yield other
        for join in shape.joins:
            if join.target == name and any(b.name in join.sources for b in before):
                yield from (self._latest[s] for s in join.sources if s in self._latest)
