"""What need not be waited for: calls that are not made, the slowest of many alike."""

from __future__ import annotations

from msgspec.structs import replace

from lgprof.model import Request
from lgprof.stats import percentile
from lgprof.whatif.changes import NoStraggler, Skip
from lgprof.whatif.node_changes import scaled
from lgprof.whatif.pieces import Call, GraphRun, Piece, Step, Task
from lgprof.whatif.rewrite import Rewriter, mapped
from lgprof.whatif.scenario import Scenario


def skip(change: Skip, scenario: Scenario) -> None:
    """Leave out single calls."""
    by_request: dict[int, set[int]] = {}
    for request, span in change.spans:
        by_request.setdefault(request, set()).add(span)
    rewriters = [
        _Skipped(by_request[request.index], request) if request.index in by_request else Rewriter()
        for request in scenario.requests
    ]
    scenario.rewrite(rewriters.__getitem__)


class _Skipped(Rewriter):
    def __init__(self, spans: set[int], request: Request) -> None:
        self._spans = spans
        skipped = [span for span in request.spans if span.id in spans]
        paths = {span.path for span in skipped}
        self.within = paths.pop() if len(paths) == 1 else None
        self._whole_tasks = any(span.kind == "node" for span in skipped)

    def call(self, call: Call) -> Piece:
        if call.span.id not in self._spans:
            return call
        model = call.model
        if model is not None and model.cost_usd is not None:
            model = replace(model, cost_usd=0.0)
        return replace(call, pieces=(), model=model)

    def graph(self, run: GraphRun) -> GraphRun:
        if not self._whole_tasks:
            return run
        steps = []
        for step in run.steps:
            staying = tuple(task for task in step.tasks if task.span.id not in self._spans)
            if len(staying) == len(step.tasks):
                steps.append(step)
            elif staying:
                steps.append(replace(step, tasks=staying))
        return run if len(steps) == len(run.steps) else replace(run, steps=tuple(steps))


def no_straggler(change: NoStraggler, scenario: Scenario) -> None:
    """Bring the slow calls of a superstep down to the median of it."""
    scenario.rewrite(_Even(change.node))


class _Even(Rewriter):
    def __init__(self, node: str) -> None:
        self._node = node
        self.within = node

    def graph(self, run: GraphRun) -> GraphRun:
        steps = mapped(run.steps, self._evened)
        return run if steps is run.steps else replace(run, steps=steps)

    def _evened(self, step: Step) -> Step:
        lengths_s = sorted(_length_s(task) for task in step.tasks if task.path == self._node)
        if len(lengths_s) < 2:
            return step
        most_s = percentile(lengths_s, 50)
        tasks = mapped(step.tasks, lambda task: self._capped(task, most_s))
        return step if tasks is step.tasks else replace(step, tasks=tasks)

    def _capped(self, task: Task, most_s: float) -> Task:
        length_s = _length_s(task)
        if task.path != self._node or length_s <= most_s:
            return task
        factor = most_s / length_s
        attempts = tuple(
            replace(attempt, body=scaled(attempt.body, factor)) for attempt in task.attempts
        )
        return replace(task, attempts=attempts)


def _length_s(task: Task) -> float:
    return task.span.end_s - task.span.start_s
