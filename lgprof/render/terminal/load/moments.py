"""The test's intervals as columns of a chart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lgprof.model import LoadInterval

_WIDEST = 4
"""Cells for one interval at most: a short test is a short chart."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One column: an interval, or several. Of latencies, counts and lag the worst is kept."""

    t_s: float
    end_s: float
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    offered_rps: float
    rps: float
    errors_rps: float
    in_flight: int
    queued: int
    cpu_share: float | None
    loop_lag_s: float | None


@dataclass(frozen=True, slots=True)
class Columns:
    """Moments in order, each so many cells wide."""

    moments: list[Moment]
    cells_each: int
    intervals_each: int

    @property
    def width(self) -> int:
        """Cells of all of them."""
        return len(self.moments) * self.cells_each

    def cell_of(self, at_s: float) -> int:
        """The cell in which a moment of the test lies."""
        for index, moment in enumerate(self.moments):
            if at_s < moment.end_s:
                part = (at_s - moment.t_s) / max(moment.end_s - moment.t_s, 1e-9)
                return index * self.cells_each + int(max(part, 0.0) * self.cells_each)
        return self.width


def columns_in(series: Sequence[LoadInterval], room: int) -> Columns:
    """The intervals in at most ``room`` cells, several to a column where there are more."""
    each = -(-len(series) // room)
    moments = [_moment(series[at : at + each]) for at in range(0, len(series), each)]
    return Columns(moments, max(min(room // max(len(moments), 1), _WIDEST), 1), each)


def _moment(intervals: Sequence[LoadInterval]) -> Moment:
    def worst(of: Callable[[LoadInterval], float | None]) -> float | None:
        return max(_known(map(of, intervals)), default=None)

    def even(of: Callable[[LoadInterval], float | None]) -> float | None:
        """The mean over time."""
        found = [(of(each) or 0.0, each.duration_s) for each in intervals if of(each) is not None]
        total_s = sum(duration_s for _, duration_s in found)
        return sum(value * duration_s for value, duration_s in found) / total_s if total_s else None

    first, last = intervals[0], intervals[-1]
    return Moment(
        t_s=first.t_s,
        end_s=last.t_s + last.duration_s,
        p50_s=worst(lambda each: each.p50_s),
        p95_s=worst(lambda each: each.p95_s),
        p99_s=worst(lambda each: each.p99_s),
        offered_rps=even(lambda each: each.offered_rps) or 0.0,
        rps=even(lambda each: each.rps) or 0.0,
        errors_rps=even(lambda each: each.errors / each.duration_s if each.duration_s else None)
        or 0.0,
        in_flight=max(each.in_flight for each in intervals),
        queued=max(each.queued for each in intervals),
        cpu_share=even(lambda each: each.cpu_share),
        loop_lag_s=worst(lambda each: each.loop_lag_max_s),
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]
