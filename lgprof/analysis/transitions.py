"""How requests went through a graph: which node followed which, how often, and in which superstep.

LangGraph does not tell what triggered a task, so a transition is concluded from the supersteps and
from how the graph is wired: a node that runs was triggered by those nodes of the superstep before
that have an edge to it, and by those it waited for. Where the wiring knows none (a ``Command``
whose destinations are not declared), all nodes of the superstep before it are taken, and the
transition is marked as inferred.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lgprof.analysis.tree import SpanTree
from lgprof.model import Edge, Profile, Request, Span

START, END = "__start__", "__end__"


@dataclass(slots=True)
class Transition:
    """An edge of a graph, and how often requests took it."""

    source: str
    """Path of a node, or the graph's path and ``__start__``."""
    target: str
    """Path of a node, or the graph's path and ``__end__``."""
    count: int = 0
    """Calls of the target that it led to."""
    conditional: bool = False
    declared: bool = True
    """False: inferred from the order of the supersteps."""


@dataclass(slots=True)
class Course:
    """What one graph did over all requests; ``path`` is the node's that it runs in."""

    path: str
    nodes: dict[str, set[int]] = field(default_factory=dict)
    """Paths of the nodes, with the supersteps (from 1) in which each ran."""
    first_step: dict[str, int] = field(default_factory=dict)
    """The latest superstep in which a request came to a node for the first time."""
    transitions: dict[tuple[str, str], Transition] = field(default_factory=dict)

    def name_of(self, node: str) -> str:
        """The name in this graph, which may hold slashes, of a node, the start or the end."""
        return node.removeprefix(f"{self.path}/") if self.path else node


def courses(profile: Profile) -> dict[str, Course]:
    """The course of each graph, by its path; ``""`` is the outermost. Nodes that never ran are in.

    Of a load test, it is that of the requests that were kept.
    """
    found = {"": _declared(profile, "")}
    for path in profile.target.graphs:
        found.setdefault(path, _declared(profile, path))
    for request in profile.requests:
        for path, runs in _runs(request).items():
            course = found.setdefault(path, Course(path))
            for steps in runs:
                _follow(course, steps, completed=request.outcome == "ok")
    return found


def _declared(profile: Profile, path: str) -> Course:
    """The graph as it is wired, before any request."""
    course = Course(path)
    shape = profile.target.graphs.get(path)
    names = profile.target.nodes if path == "" else list(shape.nodes if shape else ())
    for name in names:
        course.nodes[_below(path, name)] = set()
    for edge in _edges(profile, path):
        pair = _below(path, edge.source), _below(path, edge.target)
        certain = pair in course.transitions and not course.transitions[pair].conditional
        _transition(course, *pair).conditional = edge.conditional and not certain
    return course


def _edges(profile: Profile, path: str) -> Iterable[Edge]:
    if path == "":
        yield from profile.target.edges
    shape = profile.target.graphs.get(path)
    if shape is None:
        return
    for source, target in shape.edges:
        yield Edge(source=source, target=target)
    for join in shape.joins:
        for source in join.sources:
            yield Edge(source=source, target=join.target)
    for source, targets in shape.branches.items():
        for target in targets:
            yield Edge(source=source, target=target, conditional=True)
    for source, node in shape.nodes.items():
        for target in node.destinations:
            yield Edge(source=source, target=target, conditional=True)


def _transition(course: Course, source: str, target: str) -> Transition:
    return course.transitions.setdefault((source, target), Transition(source, target))


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


_Steps = list[Counter[str]]
"""Calls by the path of their node, for each superstep that one run of a graph made."""


def _runs(request: Request) -> dict[str, list[_Steps]]:
    """The runs of each graph in a request. Resumes go on with the outermost run."""
    tree = SpanTree(request.spans)
    outermost: _Steps = []
    runs: dict[str, list[_Steps]] = {"": [outermost]}
    for span in request.spans:
        if span.kind == "graph":
            steps = [_counted(step) for step in tree.supersteps(span)]
            if span.parent is None:
                outermost += steps
            elif steps:
                runs.setdefault(span.path, []).append(steps)
        elif span.kind == "attempt":
            tasks = list(tree.tasks_below(span))
            if tasks:
                runs.setdefault(span.path, []).append(_waves(tasks))
    return runs


def _counted(nodes: Sequence[Span]) -> Counter[str]:
    return Counter(node.path for node in nodes)


def _waves(tasks: Sequence[Span]) -> _Steps:
    """Functional tasks have no supersteps: those that overlap count as side by side."""
    waves: list[list[Span]] = []
    reach_s = float("-inf")
    for task in sorted(tasks, key=lambda span: span.start_s):
        if task.start_s >= reach_s:
            waves.append([])
        waves[-1].append(task)
        reach_s = max(reach_s, task.end_s)
    return [_counted(wave) for wave in waves]


def _follow(course: Course, steps: _Steps, *, completed: bool) -> None:
    last_ran: dict[str, int] = {_below(course.path, START): -1}
    incoming: dict[str, list[Transition]] = defaultdict(list)
    for transition in course.transitions.values():
        incoming[transition.target].append(transition)
    for step, calls in enumerate(steps):
        for path, number in calls.items():
            taken = [
                transition
                for transition in incoming[path]
                if _triggers(transition, path, step, last_ran)
            ]
            if not taken:
                taken = _inferred(course, path, _before(course, steps, step))
            for transition in taken:
                transition.count += number
        for path in calls:
            if path not in last_ran:
                course.first_step[path] = max(course.first_step.get(path, 0), step + 1)
            course.nodes.setdefault(path, set()).add(step + 1)
            last_ran[path] = step
    end = _below(course.path, END)
    if completed and steps:
        for transition in course.transitions.values():
            if transition.target == end and transition.source in steps[-1]:
                transition.count += 1


def _triggers(transition: Transition, path: str, step: int, last_ran: dict[str, int]) -> bool:
    """Whether the source ran right before.

    Of a plain edge, also earlier: the target then waited for another one, and has not run since.
    """
    ran = last_ran.get(transition.source)
    if ran is None or not transition.declared:
        return ran == step - 1
    if transition.conditional:
        return ran == step - 1
    return ran > last_ran.get(path, -2)


def _before(course: Course, steps: _Steps, step: int) -> list[str]:
    return list(steps[step - 1]) if step else [_below(course.path, START)]


def _inferred(course: Course, path: str, sources: Sequence[str]) -> list[Transition]:
    taken = []
    for source in sources:
        transition = _transition(course, source, path)
        if not transition.count:
            transition.declared = False
        taken.append(transition)
    return taken
