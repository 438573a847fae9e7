"""A layered drawing of a directed graph, top to bottom, in the manner of Sugiyama et al.

K. Sugiyama, S. Tagawa, M. Toda, "Methods for Visual Understanding of Hierarchical System
Structures", IEEE Trans. SMC 11(2), 1981. The layers are given (the supersteps in which nodes ran);
what is done here is the order within them (barycentres) and the places (least movement that keeps
the order, by pooling adjacent violators). Edges that lead back up are loops: they leave and enter
on the right and pass the layers between in lanes of their own; to the layer above, where something
stands in that way, they go straight up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

GAP = 30.0
"""Between neighbours of a layer."""
LANE = 14.0
"""Width of what an edge needs to pass a layer, or a loop beside its node."""
LAYER_GAP = 58.0
_SWEEPS = 8
_ROUNDS = 12


@dataclass(slots=True)
class Box:
    """A node of the drawing, or a lane of an edge; x and y are of its upper left corner."""

    width: float
    height: float
    layer: int
    x: float = 0.0
    y: float = 0.0
    loops: int = 0
    """Edges that leave or enter on its right; they have the room beside it."""
    lane: bool = False
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)

    @property
    def room(self) -> float:
        """Its width with what runs beside it."""
        return self.width + (self.loops + 1) * LANE if self.loops else self.width

    @property
    def centre(self) -> float:
        """Of the box itself."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Path:
    """An edge as a path of SVG, and where its label stands."""

    d: str
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes in the order given, paths in the order of the edges, and the size of it all."""

    boxes: list[Box]
    paths: list[Path]
    width: float
    height: float


def draw(boxes: Sequence[Box], edges: Sequence[tuple[int, int]]) -> Drawing:
    """Place the boxes and route the edges.

    Args:
        boxes: With their sizes and layers (from 0); their order in a layer is where it starts from.
        edges: Indices of source and target; both may be the same.
    """
    chart = _Chart([*boxes], edges)
    chart.order()
    chart.place()
    paths = [chart.path(number) for number in range(len(edges))]
    real = chart.boxes[: len(boxes)]
    right = max((box.x + box.room for box in chart.boxes), default=0.0)
    bottom = max((box.y + box.height for box in chart.boxes), default=0.0)
    return Drawing(real, paths, right, bottom)


class _Chart:
    def __init__(self, boxes: list[Box], edges: Sequence[tuple[int, int]]) -> None:
        self.boxes = boxes
        self.edges = edges
        self.lanes: list[list[int]] = []
        """For each edge, the lanes that it passes, from the top."""
        for source, target in edges:
            self.lanes.append(self._lanes(source, target))
        self.upright: set[int] = set()
        """Loops that go straight up."""
        self.layers: list[list[int]] = [
            [] for _ in range(max((box.layer for box in boxes), default=-1) + 1)
        ]
        for index, box in enumerate(self.boxes):
            self.layers[box.layer].append(index)

    def is_loop(self, number: int) -> bool:
        """Whether an edge does not lead downwards."""
        source, target = self.edges[number]
        return self.boxes[target].layer <= self.boxes[source].layer

    def _lanes(self, source: int, target: int) -> list[int]:
        boxes = self.boxes
        upper, lower = sorted((source, target), key=lambda index: boxes[index].layer)
        if boxes[target].layer <= boxes[source].layer:
            boxes[source].loops += 1
            boxes[target].loops += source != target
        lanes = []
        for layer in range(boxes[upper].layer + 1, boxes[lower].layer):
            boxes.append(Box(LANE, 0.0, layer, lane=True))
            lanes.append(len(boxes) - 1)
        if boxes[upper].layer < boxes[lower].layer:
            for above, below in zip([upper, *lanes], [*lanes, lower], strict=True):
                boxes[above].below.append(below)
                boxes[below].above.append(above)
        return lanes

    def order(self) -> None:
        """Sweep down and up: each box goes to the mean place of its neighbours; best order wins."""
        best, fewest = [list(layer) for layer in self.layers], self._crossings()
        for sweep in range(_SWEEPS):
            downwards = sweep % 2 == 0
            for layer in self.layers if downwards else self.layers[::-1]:
                places = self._places()
                means = {
                    index: _mean(
                        places[other]
                        for other in (
                            self.boxes[index].above if downwards else self.boxes[index].below
                        )
                    )
                    for index in layer
                }
                layer.sort(key=lambda index: _or(means[index], places[index]))
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def _places(self) -> dict[int, float]:
        """Where a box stands in its layer, from 0 to 1."""
        return {
            index: (place + 0.5) / len(layer)
            for layer in self.layers
            for place, index in enumerate(layer)
        }

    def _crossings(self) -> int:
        crossings = 0
        for upper, lower in zip(self.layers, self.layers[1:], strict=False):
            place = {index: at for at, index in enumerate(lower)}
            ends = [
                (at, place[below])
                for at, index in enumerate(upper)
                for below in self.boxes[index].below
                if below in place
            ]
            crossings += sum(
                (a - c) * (b - d) < 0
                for number, (a, b) in enumerate(ends)
                for c, d in ends[number + 1 :]
            )
        return crossings

    def place(self) -> None:
        """Rows from the top; in a row as near as can be to the neighbours above and below."""
        y = 0.0
        for layer in self.layers:
            height = max((self.boxes[index].height for index in layer), default=0.0)
            for index in layer:
                box = self.boxes[index]
                box.y = y + (height - box.height) / 2
                if box.lane:
                    box.y, box.height = y, height
            y += height + LAYER_GAP
        for layer in self.layers:
            self._settle(layer, [0.0 for _ in layer])
        for turn in range(_ROUNDS):
            upwards = turn % 2 == 1
            for layer in self.layers[::-1] if upwards else self.layers:
                self._settle(layer, [self._wish(index, upwards) for index in layer])
        left = min((box.x for box in self.boxes), default=0.0)
        for box in self.boxes:
            box.x -= left
        self.upright = {number for number in range(len(self.edges)) if self._is_blocked(number)}

    def _is_blocked(self, number: int) -> bool:
        """Whether something stands on the right of its ends, of a loop to the layer above."""
        source, target = (self.boxes[index] for index in self.edges[number])
        if target.layer != source.layer - 1:
            return False
        reach = max(end.x + end.room for end in (source, target))
        return any(
            end.x < box.x < reach
            for end in (source, target)
            for box in (self.boxes[index] for index in self.layers[end.layer])
        )

    def _wish(self, index: int, upwards: bool) -> float:
        """Where a box would like its left edge: centred on the neighbours placed before it."""
        box = self.boxes[index]
        near = _mean(self.boxes[other].centre for other in (box.below if upwards else box.above))
        return _or(near, box.centre) - box.width / 2

    def _settle(self, layer: Sequence[int], wishes: Sequence[float]) -> None:
        boxes = [self.boxes[index] for index in layer]
        offsets, at = [], 0.0
        for box in boxes:
            offsets.append(at)
            at += box.room + GAP
        weights = [3.0 if box.lane else 1.0 for box in boxes]
        spread = _ascending(
            [wish - offset for wish, offset in zip(wishes, offsets, strict=True)], weights
        )
        for box, offset, moved in zip(boxes, offsets, spread, strict=True):
            box.x = offset + moved

    def path(self, number: int) -> Path:
        """The edge's way through its lanes."""
        return self._loop(number) if self._is_beside(number) else self._between_layers(number)

    def _is_beside(self, number: int) -> bool:
        """Whether an edge leaves and enters on the right."""
        return self.is_loop(number) and number not in self.upright

    def _ends(self, number: int) -> tuple[int, int]:
        """The upper and the lower box of an edge between layers."""
        source, target = self.edges[number]
        return (target, source) if number in self.upright else (source, target)

    def _between_layers(self, number: int) -> Path:
        upper, lower = self._ends(number)
        lanes = [self.boxes[index] for index in self.lanes[number]]
        top, bottom = self.boxes[upper], self.boxes[lower]
        points = [(self._port(upper, self._at_bottom(upper), number), top.y + top.height)]
        for lane in lanes:
            points += [(lane.centre, lane.y), (lane.centre, lane.y + lane.height)]
        points.append((self._port(lower, self._at_top(lower), number), bottom.y))
        if number in self.upright:
            points.reverse()
        return _smooth(points, len(points) // 2 - 1 if len(lanes) % 2 else len(points) - 2)

    def _at_bottom(self, index: int) -> list[int]:
        """Edges at the lower side of a box, from the left."""
        found = [n for n in self._vertical() if self._ends(n)[0] == index]
        return sorted(found, key=lambda n: self._next(n, below=True).centre)

    def _at_top(self, index: int) -> list[int]:
        """Edges at the upper side of a box, from the left."""
        found = [n for n in self._vertical() if self._ends(n)[1] == index]
        return sorted(found, key=lambda n: self._next(n, below=False).centre)

    def _vertical(self) -> Iterable[int]:
        return (number for number in range(len(self.edges)) if not self._is_beside(number))

    def _next(self, number: int, *, below: bool) -> Box:
        lanes = self.lanes[number]
        upper, lower = self._ends(number)
        if lanes:
            return self.boxes[lanes[0 if below else -1]]
        return self.boxes[lower if below else upper]

    def _port(self, index: int, numbers: list[int], number: int) -> float:
        """Edges of one side share its middle part, in the order of where they lead."""
        box = self.boxes[index]
        span = min(box.width * 0.5, 26.0 * (len(numbers) - 1))
        if len(numbers) < 2:
            return box.centre
        return box.centre - span / 2 + span * numbers.index(number) / (len(numbers) - 1)

    def _loop(self, number: int) -> Path:
        source, target = self.edges[number]
        start_x, start_y = self._side(source, number, leaving=True)
        end_x, end_y = self._side(target, number, leaving=False)
        lanes = [self.boxes[index] for index in reversed(self.lanes[number])]
        out = LANE * (1.2 + 0.8 * self._rank(source, number))
        back = LANE * (1.2 + 0.8 * self._rank(target, number))
        if not lanes:
            bulge = max(start_x + out, end_x + back)
            d = f"M{_n(start_x)} {_n(start_y)}"
            middle = (start_y + end_y) / 2
            reach = bulge + (bulge - max(start_x, end_x)) / 3
            d += f"C{_n(reach)} {_n(start_y)} {_n(reach)} {_n(end_y)} {_n(end_x)} {_n(end_y)}"
            return Path(d, max(start_x, end_x) + (reach - max(start_x, end_x)) * 0.75, middle)
        points = [(start_x + out, start_y - LANE)]
        for lane in lanes:
            points += [(lane.centre, lane.y + lane.height), (lane.centre, lane.y)]
        points.append((end_x + back, end_y + LANE))
        smooth = _smooth(points, len(points) // 2)
        first_x, first_y = points[0]
        last_x = points[-1][0]
        d = (
            f"M{_n(start_x)} {_n(start_y)}Q{_n(first_x)} {_n(start_y)} {_n(first_x)} {_n(first_y)}"
            + smooth.d[smooth.d.index("C") :]
            + f"Q{_n(last_x)} {_n(end_y)} {_n(end_x)} {_n(end_y)}"
        )
        central = lanes[len(lanes) // 2]
        return Path(d, central.centre, central.y + central.height / 2)

    def _sides(self, index: int) -> list[tuple[int, bool]]:
        """Loops at the right of a box, from the top: what enters above what leaves."""
        enter = [(n, False) for n, (_, t) in enumerate(self.edges) if t == index]
        leave = [(n, True) for n, (s, _) in enumerate(self.edges) if s == index]
        return [(n, leaving) for n, leaving in [*leave, *enter] if self._is_beside(n)]

    def _rank(self, index: int, number: int) -> int:
        return [n for n, _ in self._sides(index)].index(number)

    def _side(self, index: int, number: int, *, leaving: bool) -> tuple[float, float]:
        box, sides = self.boxes[index], self._sides(index)
        place = sides.index((number, leaving)) + 1
        return box.x + box.width, box.y + box.height * place / (len(sides) + 1)


def _smooth(points: Sequence[tuple[float, float]], label_at: int) -> Path:
    """A curve through the points that passes each of them vertically."""
    (x, y), *rest = points
    d = f"M{_n(x)} {_n(y)}"
    label = (x, y)
    for number, (to_x, to_y) in enumerate(rest):
        middle = (y + to_y) / 2
        d += f"C{_n(x)} {_n(middle)} {_n(to_x)} {_n(middle)} {_n(to_x)} {_n(to_y)}"
        if number == label_at:
            label = ((x + to_x) / 2, middle)
        x, y = to_x, to_y
    return Path(d, *label)


def _ascending(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The nearest values (least squares) that never fall: pooling adjacent violators."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            later, earlier = pools.pop(), pools.pop()
            weight = earlier[1] + later[1]
            mean = (earlier[0] * earlier[1] + later[0] * later[1]) / weight
            pools.append((mean, weight, earlier[2] + later[2]))
    return [value for value, _, size in pools for _ in range(size)]


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
