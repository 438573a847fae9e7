"""What may change between nodes: side by side instead of in a row, a barrier less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from lgprof.model import GraphShape
from lgprof.whatif.changes import Parallel, RemoveBarrier
from lgprof.whatif.levels import levels_side_by_side
from lgprof.whatif.overheads import BESIDE_S, THREAD_START_S
from lgprof.whatif.pieces import Attempt, GraphRun, Hold, Piece, Step, Task, Wait
from lgprof.whatif.rewrite import Rewriter, mapped
from lgprof.whatif.scenario import Scenario


def parallel(change: Parallel, scenario: Scenario) -> None:
    """Nodes of consecutive supersteps start together; what follows starts as early as it can."""
    graphs = scenario.profile.target.graphs
    if not scenario.rewrite(_SideBySide(frozenset(change.nodes), graphs)):
        scenario.note(
            f"{', '.join(change.nodes)} never ran one right after another: nothing changes"
        )


class _SideBySide(Rewriter):
    def __init__(self, nodes: frozenset[str], graphs: Mapping[str, GraphShape]) -> None:
        self._nodes = nodes
        self.within = min(nodes)
        self._graphs = graphs

    def graph(self, run: GraphRun) -> GraphRun:
        spans = [[task.span for task in step.tasks] for step in run.steps]
        levels = levels_side_by_side(spans, self._nodes, self._graphs.get(run.span.path))
        if levels is None:
            return run
        return replace(run, steps=tuple(_regrouped(run, levels)))


def _regrouped(run: GraphRun, levels: Mapping[int, int]) -> Iterator[Step]:
    """The run's tasks by their new superstep."""
    tasks: dict[int, list[tuple[Step, Task]]] = defaultdict(list)
    for step in run.steps:
        for task in step.tasks:
            tasks[levels[task.span.id]].append((step, task))
    for level in range(max(tasks) + 1):
        placed = tasks[level]
        # Where nothing runs but a node that waits, LangGraph's work is that of what follows.
        step = next(tasks[later][0][0] for later in range(level, max(tasks) + 1) if tasks[later])
        if placed and [id(task) for _, task in placed] == [id(task) for task in step.tasks]:
            yield step
            continue
        placed.sort(key=lambda one: one[1].span.name)  # as LangGraph starts them
        crowded = len(placed) > 1
        yield replace(
            step,
            tasks=tuple(
                _beside_others(task, run.on_loop) if crowded and len(before.tasks) == 1 else task
                for before, task in placed
            ),
        )


def _beside_others(task: Task, on_loop: bool) -> Task:
    """A call that is alone in its superstep runs without a task or thread of its own."""
    if not task.attempts:
        return task
    first, *others = task.attempts
    own: Piece = Hold(BESIDE_S, BESIDE_S) if on_loop else Wait(THREAD_START_S)
    first = replace(first, before=(own, *first.before))
    return replace(task, attempts=(first, *others))


def remove_barrier(change: RemoveBarrier, scenario: Scenario) -> None:
    """The later node runs in the place of the earlier one, right after it."""
    if not scenario.rewrite(_NoBarrier(change)):
        scenario.note(
            f"{change.after} never ran in the superstep after {change.before}: nothing changes"
        )


class _NoBarrier(Rewriter):
    def __init__(self, change: RemoveBarrier) -> None:
        self._change = change
        self.within = change.after

    def graph(self, run: GraphRun) -> GraphRun:
        steps: list[Step] = []
        for step in run.steps:
            later = _only(step, self._change.after)
            earlier = _only(steps[-1], self._change.before) if steps else None
            if later is None or earlier is None:
                steps.append(step)
                continue
            steps[-1] = _replaced(steps[-1], earlier, _followed(earlier, later))
            staying = tuple(task for task in step.tasks if task is not later)
            if staying:
                steps.append(replace(step, tasks=staying))
        return run if steps == list(run.steps) else replace(run, steps=tuple(steps))


def _only(step: Step, path: str) -> Task | None:
    """The node's one call in a superstep."""
    found = [task for task in step.tasks if task.path == path]
    return found[0] if len(found) == 1 else None


def _replaced(step: Step, old: Task, new: Task) -> Step:
    return replace(step, tasks=mapped(step.tasks, lambda task: new if task is old else task))


def _followed(earlier: Task, later: Task) -> Task:
    """One node does the work of both: LangGraph's work around the later one falls away."""
    bare = replace(later, attempts=tuple(map(_bare, later.attempts)))
    return replace(earlier, then=(*earlier.then, bare))


def _bare(attempt: Attempt) -> Attempt:
    return replace(attempt, before=(), after=())
