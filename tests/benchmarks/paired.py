"""Paired, interleaved measurement in one process, and the statistics of it.

Every round runs one block per instrument in random order. Blocks of one round see the same state
of the machine, so what is compared are differences within rounds; their median and its bootstrap
interval shrug off the rounds that something else disturbed.
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench_graphs import Workload

BARE, BARE_AGAIN = "bare", "bare, again"
_BLOCK_S = 0.01
_RESAMPLES = 2000


class Interval(NamedTuple):
    """A median and its 95 % bootstrap interval."""

    median: float
    low: float
    high: float


class Block(NamedTuple):
    """What one block took, in seconds."""

    wall_s: float
    cpu_s: float
    """Of all threads of the process."""
    later_cpu_s: float
    """For what the instrument does after the runs: hashing, flushing, exporting."""

    @property
    def all_cpu_s(self) -> float:
        return self.cpu_s + self.later_cpu_s


@dataclass
class Instrument:
    """Something that watches graphs run.

    ``active`` is entered before each block; ``config`` goes into each call.
    """

    name: str
    active: Callable[[asyncio.AbstractEventLoop], AbstractContextManager[Any]] = field(
        default=lambda loop: nullcontext()
    )
    config: dict[str, Any] | None = None
    finish: Callable[[], Any] = lambda: None
    clear: Callable[[], Any] = lambda: None
    spans: Callable[[], int] = lambda: 0


class Measured:
    """All rounds of one workload."""

    def __init__(self, workload: Workload, nodes_per_block: int) -> None:
        self.workload = workload
        self.nodes_per_block = nodes_per_block
        self.rounds: list[dict[str, Block]] = []

    def us_per_node(self, name: str, base: str, of: Callable[[Block], float]) -> Interval:
        """Microseconds per node more than the base, as paired differences."""
        scale = 1e6 / self.nodes_per_block
        return interval(
            (of(blocks[name]) - _base(blocks, base, of)) * scale for blocks in self.rounds
        )

    def share(self, name: str, of: Callable[[Block], float]) -> Interval:
        """How much more than the bare graph, as a part of it."""
        return interval(of(blocks[name]) / _base(blocks, BARE, of) - 1 for blocks in self.rounds)

    def bare_us_per_node(self, of: Callable[[Block], float]) -> float:
        """Of the graph that nothing watches."""
        return statistics.median(
            _base(blocks, BARE, of) * 1e6 / self.nodes_per_block for blocks in self.rounds
        )


def _base(blocks: dict[str, Block], base: str, of: Callable[[Block], float]) -> float:
    """Two bare blocks run in each round: one is the control of the other, both are the base."""
    if base == BARE:
        return (of(blocks[BARE]) + of(blocks[BARE_AGAIN])) / 2
    return of(blocks[base])


def wall(block: Block) -> float:
    return block.wall_s


def cpu(block: Block) -> float:
    return block.cpu_s


def all_cpu(block: Block) -> float:
    return block.all_cpu_s


def interval(values: Iterable[float]) -> Interval:
    """The median of the values, and between which bounds it lies."""
    return _bootstrap(list(values), statistics.median)


def interval_of_ratio(pairs: list[tuple[float, float]]) -> Interval:
    """The median of the firsts divided by the median of the seconds."""

    def ratio(sample: list[tuple[float, float]]) -> float:
        firsts, seconds = zip(*sample, strict=True)
        return statistics.median(firsts) / statistics.median(seconds)

    return _bootstrap(pairs, ratio)


def _bootstrap(sample: list[Any], figure: Callable[[list[Any]], float]) -> Interval:
    chance = random.Random(len(sample))
    figures = sorted(figure(chance.choices(sample, k=len(sample))) for _ in range(_RESAMPLES))
    low, high = figures[round(0.025 * _RESAMPLES)], figures[round(0.975 * _RESAMPLES) - 1]
    return Interval(figure(sample), low, high)


def measure(workload: Workload, instruments: Sequence[Instrument], rounds: int) -> Measured:
    """Run the rounds. The first instrument must be the bare graph."""
    loop = asyncio.SelectorEventLoop()
    try:
        runs = _runs_per_block(workload, instruments[0], loop)
        for instrument in instruments:
            _block(workload, instrument, max(1, runs // 4), loop)
        # Imports and graphs out of the collector's way, for all alike.
        gc.collect()
        gc.freeze()
        measured = Measured(workload, runs * workload.nodes)
        chance = random.Random(rounds)
        for _ in range(rounds):
            order = chance.sample(instruments, k=len(instruments))
            measured.rounds.append({i.name: _block(workload, i, runs, loop) for i in order})
        return measured
    finally:
        gc.unfreeze()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _runs_per_block(workload: Workload, bare: Instrument, loop: asyncio.AbstractEventLoop) -> int:
    _block(workload, bare, 3, loop)
    return max(1, round(_BLOCK_S / (_block(workload, bare, 5, loop).wall_s / 5)))


def _block(
    workload: Workload, instrument: Instrument, runs: int, loop: asyncio.AbstractEventLoop
) -> Block:
    """One run to warm up, then the timed ones."""
    gc.collect()
    with instrument.active(loop):
        workload.run(instrument.config, 1, loop)
        instrument.finish()
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        workload.run(instrument.config, runs, loop)
        cpu_end_s = time.process_time()
        wall_s = time.perf_counter() - wall_s
        instrument.finish()
        later_cpu_s = time.process_time() - cpu_end_s
    instrument.clear()
    return Block(wall_s, cpu_end_s - cpu_s, later_cpu_s)
