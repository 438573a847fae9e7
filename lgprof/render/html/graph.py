"""The graph as it ran: nodes by superstep, transitions with their counts, nested graphs inside."""

from __future__ import annotations

from typing import Any

from lgprof.analysis.transitions import END, START, Course, Transition, courses
from lgprof.model import NodeRow, Profile
from lgprof.render.graph_marks import Marks, node_mark
from lgprof.render.html.encoding import Names, number
from lgprof.render.html.layered import Box, Path, draw

_CHARACTER = 8.2
_NARROWEST, _NARROWEST_MARKED, _WIDEST = 116.0, 148.0, 230.0
_HEIGHT = 50.0
_PILL = (64.0, 26.0)
_PADDING, _HEADER = 16.0, 50.0
_MOST_NODES = 400
"""Of one graph; more cannot be read in a drawing."""


def graph(profile: Profile, names: Names, marks: Marks | None = None) -> dict[str, Any] | None:
    """The outermost graph's picture; None where no node is known, or too many are.

    Args:
        profile: Whose graph it is.
        names: Makes its names printable.
        marks: What differs from another Profile's graph, and both graphs as one.
    """
    all_courses = marks.courses if marks else courses(profile)
    rows = {row.path: row for row in profile.nodes}
    if not all_courses[""].nodes or len(all_courses[""].nodes) > _MOST_NODES:
        return None
    picture = _Picture(profile, all_courses, rows, names, marks)
    return picture.of("", frozenset())


class _Picture:
    def __init__(
        self,
        profile: Profile,
        all_courses: dict[str, Course],
        rows: dict[str, NodeRow],
        names: Names,
        marks: Marks | None,
    ) -> None:
        latency = profile.summary.latency_s
        self.profile = profile
        self.courses = all_courses
        self.rows = rows
        self.names = names
        self.marks = marks
        self.latency_s = latency.mean if latency else 0.0
        self.cost_usd = profile.summary.cost_usd.total or 0.0

    def of(self, path: str, around: frozenset[str]) -> dict[str, Any]:
        """A graph and those in its nodes."""
        course = self.courses[path]
        transitions = _shown(course)
        ends = [
            end
            for end in (_end(path, START), _end(path, END))
            if any(end in (each.source, each.target) for each in transitions)
        ]
        layers = _layers(course, transitions)
        order = sorted(course.nodes, key=lambda node: layers[node])
        inner = {
            node: self.of(node, around | {path})
            for node in order
            if node in self.courses
            and self.courses[node].nodes
            and node not in around
            and len(self.courses[node].nodes) <= _MOST_NODES
        }
        keys = [*order, *ends]
        boxes = [self._box(key, layers, course, inner.get(key)) for key in keys]
        index = {key: at for at, key in enumerate(keys)}
        drawing = draw(boxes, [(index[each.source], index[each.target]) for each in transitions])
        placed = list(zip(keys, drawing.boxes, strict=True))
        return {
            "width": number(drawing.width),
            "height": number(drawing.height),
            "nodes": [self._node(key, box, course, inner.get(key)) for key, box in placed],
            "edges": [
                _edge(each, way, self.names, self.marks)
                for each, way in zip(transitions, drawing.paths, strict=True)
            ],
        }

    def _box(
        self, key: str, layers: dict[str, int], course: Course, inner: dict[str, Any] | None
    ) -> Box:
        if _is_end(key):
            return Box(*_PILL, layers[key])
        label = self.names.of(course.name_of(key))
        narrowest = _NARROWEST_MARKED if self.marks else _NARROWEST
        width = min(max(len(label) * _CHARACTER + 26, narrowest), _WIDEST)
        if inner is None:
            return Box(width, _HEIGHT, layers[key])
        return Box(
            max(inner["width"] + 2 * _PADDING, width),
            inner["height"] + _HEADER + _PADDING,
            layers[key],
        )

    def _node(
        self, key: str, box: Box, course: Course, inner: dict[str, Any] | None
    ) -> dict[str, Any]:
        place = {
            "x": number(box.x),
            "y": number(box.y),
            "w": number(box.width),
            "h": number(box.height),
        }
        if _is_end(key):
            return {**place, "end": "start" if key.endswith(START) else "end"}
        row = self.rows.get(key)
        node: dict[str, Any] = {
            **place,
            "path": self.names.of(key),
            "label": self.names.of(course.name_of(key)),
            "calls": row.calls if row else 0,
            "steps": sorted(course.nodes[key]),
        }
        if row is not None:
            node["time"] = number(min(row.critical_s / self.latency_s, 1)) if self.latency_s else 0
            node["cost"] = number((row.cost_usd or 0) / self.cost_usd) if self.cost_usd else 0
            node["errors"], node["retries"] = row.errors, row.retries
        if self.marks and (mark := self.marks.nodes.get(key)):
            node["diff"] = node_mark(mark)
        if inner is not None:
            scale_x = (box.width - inner["width"]) / 2
            node["inner"] = {**inner, "dx": number(scale_x), "dy": _HEADER}
        return node


def _shown(course: Course) -> list[Transition]:
    """Transitions between nodes that are there; self-made ones to the end where nothing led out."""
    known = {*course.nodes, _end(course.path, START), _end(course.path, END)}
    return [
        each
        for each in course.transitions.values()
        if each.source in known and each.target in known
    ]


def _layers(course: Course, transitions: list[Transition]) -> dict[str, int]:
    """Nodes by the superstep in which they first ran; those that never did, below their source."""
    steps = sorted(set(course.first_step.values()))
    layers = {node: steps.index(step) + 1 for node, step in course.first_step.items()}
    layers[_end(course.path, START)] = 0
    for _ in course.nodes:
        waiting = [each for each in transitions if each.source in layers]
        new = {
            each.target: layers[each.source] + 1
            for each in waiting
            if each.target not in layers and not _is_end(each.target)
        }
        if not new:
            break
        layers.update(new)
    deepest = max(layers.values())
    for node in course.nodes:
        layers.setdefault(node, max(deepest, 1))
    layers[_end(course.path, END)] = max(layers.values()) + 1
    if not any(each.source == _end(course.path, START) for each in transitions):
        layers = {key: layer - 1 for key, layer in layers.items()}
    return layers


def _edge(each: Transition, way: Path, names: Names, marks: Marks | None) -> dict[str, Any]:
    edge: dict[str, Any] = {
        "from": names.of(each.source),
        "to": names.of(each.target),
        "count": each.count,
        "d": way.d,
        "x": number(way.label_x),
        "y": number(way.label_y),
    }
    if each.conditional:
        edge["conditional"] = True
    if not each.declared:
        edge["inferred"] = True
    if marks and (presence := marks.edges.get((each.source, each.target))):
        edge["presence"] = presence
    return edge


def _end(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _is_end(key: str) -> bool:
    return key.rpartition("/")[2] in (START, END)
