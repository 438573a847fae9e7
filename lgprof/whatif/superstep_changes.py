"""What may change between nodes: side by side instead of in a row, a barrier less."""

from __future__ import annotations

from msgspec.structs import replace

from lgprof.whatif.changes import Parallel, RemoveBarrier
from lgprof.whatif.overheads import BESIDE_S, THREAD_START_S
from lgprof.whatif.pieces import Attempt, GraphRun, Hold, Piece, Step, Task, Wait
from lgprof.whatif.rewrite import Rewriter, mapped
from lgprof.whatif.scenario import Scenario


def parallel(change: Parallel, scenario: Scenario) -> None:
    """Consecutive supersteps with the nodes become one."""
    if not scenario.rewrite(_SideBySide(frozenset(change.nodes))):
        scenario.note(
            f"{', '.join(change.nodes)} never ran one right after another: nothing changes"
        )


class _SideBySide(Rewriter):
    def __init__(self, nodes: frozenset[str]) -> None:
        self._nodes = nodes

    def graph(self, run: GraphRun) -> GraphRun:
        steps: list[Step] = []
        group: int | None = None
        """Where the superstep is that the next one may join."""
        for step in run.steps:
            ours = tuple(task for task in step.tasks if task.path in self._nodes)
            if group is not None and ours and not _share_a_node(ours, steps[group].tasks):
                steps[group] = _joined(steps[group], ours, step, run.on_loop)
                staying = tuple(task for task in step.tasks if task.path not in self._nodes)
                if staying:
                    steps.append(replace(step, tasks=staying))
                continue
            group = len(steps) if ours else None
            steps.append(step)
        return run if len(steps) == len(run.steps) else replace(run, steps=tuple(steps))


def _share_a_node(tasks: tuple[Task, ...], others: tuple[Task, ...]) -> bool:
    """In the next turn of a loop the same nodes come again."""
    return not {task.path for task in tasks}.isdisjoint(task.path for task in others)


def _joined(group: Step, joining: tuple[Task, ...], step: Step, on_loop: bool) -> Step:
    if len(group.tasks) == 1:
        group = replace(group, tasks=(_beside_others(group.tasks[0], on_loop),))
    if len(step.tasks) == 1:
        joining = (_beside_others(joining[0], on_loop),)
    return replace(group, tasks=(*group.tasks, *joining))


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
