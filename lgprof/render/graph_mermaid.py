"""The graph in Mermaid's language, for Markdown: heat on the nodes, counts on the edges."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.analysis.transitions import END, START, Course, courses
from lgprof.model import Profile
from lgprof.readable import count, whole_percent
from lgprof.render.terminal.text import clean

_HEAT = ("#fdf1e7", "#fad7b8", "#f4a973", "#e5743c")
"""From a little of the critical path to most of it; dark text can be read on all."""
_HEAT_FROM = (0.0, 0.1, 0.25, 0.5)


def graph_mermaid(profile: Profile) -> str:
    """The graph as a flowchart; nested graphs are boxes in it."""
    drawn = _Flowchart(profile)
    lines = ["flowchart TD", *drawn.graph("", "    "), *drawn.classes()]
    return "\n".join([*lines, ""])


class _Flowchart:
    def __init__(self, profile: Profile) -> None:
        latency = profile.summary.latency_s
        self._courses = courses(profile)
        self._rows = {row.path: row for row in profile.nodes}
        self._latency_s = latency.mean if latency else 0.0
        self._ids: dict[str, str] = {}
        self._heat: dict[int, list[str]] = {}

    def graph(self, path: str, indent: str) -> Iterator[str]:
        course = self._courses[path]
        for node in course.nodes:
            inner = self._courses.get(node)
            label = self._label(node, course.name_of(node))
            if inner is not None and inner.nodes and node != path:
                yield f'{indent}subgraph {self._id(node)}["{label}"]'
                yield from self.graph(node, f"{indent}    ")
                yield f"{indent}end"
            else:
                yield f'{indent}{self._id(node)}["{label}"]'
                self._note_heat(node)
        yield from self._edges(course, indent)

    def _edges(self, course: Course, indent: str) -> Iterator[str]:
        for each in course.transitions.values():
            ends = [self._end(path) or self._id(path) for path in (each.source, each.target)]
            arrow = "-.->" if each.conditional or not each.declared else "-->"
            times = f"|{count(each.count)}|" if each.count else ""
            yield f"{indent}{ends[0]} {arrow}{times} {ends[1]}"

    def _end(self, path: str) -> str | None:
        name = path.rpartition("/")[2]
        if name not in (START, END):
            return None
        return f'{self._id(path)}(["{"start" if name == START else "end"}"])'

    def _id(self, path: str) -> str:
        return self._ids.setdefault(path, f"n{len(self._ids)}")

    def _label(self, node: str, name: str) -> str:
        name = _escaped(clean(name).strip() or "(unnamed)")
        row = self._rows.get(node)
        if row is None or not row.calls:
            return name
        return f"{name}<br/>{whole_percent(self._share(node))}, {count(row.calls)} calls"

    def _share(self, node: str) -> float:
        row = self._rows.get(node)
        return row.critical_s / self._latency_s if row and self._latency_s else 0.0

    def _note_heat(self, node: str) -> None:
        share = self._share(node)
        if share > 0:
            level = max(index for index, least in enumerate(_HEAT_FROM) if share >= least)
            self._heat.setdefault(level, []).append(self._id(node))

    def classes(self) -> Iterator[str]:
        for level, ids in sorted(self._heat.items()):
            yield f"    classDef heat{level} fill:{_HEAT[level]},stroke:#b0602f,color:#101010"
            yield f"    class {','.join(ids)} heat{level}"


def _escaped(name: str) -> str:
    """Characters that Mermaid or HTML would read are written as entities."""
    return "".join(
        character if character.isalnum() or character in " _-.,:/" else f"#{ord(character)};"
        for character in name
    )
