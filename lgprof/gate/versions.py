"""``lgprof gate --against REV``: is this version slower or dearer than that one?"""

from __future__ import annotations

import math
import random
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import lgprof
from lgprof.config import Settings
from lgprof.errors import TargetError, TargetFailedError, UsageError
from lgprof.gate import protocol
from lgprof.gate.duel import Course, Pair, PairRows, block_size, fresh_pair, usable_cores
from lgprof.gate.evidence import Evidence, PairFigures
from lgprof.gate.judgement import Judgement, Rules, Tolerances, judge
from lgprof.gate.process import Version
from lgprof.gate.quantities import COST, CostOf, counted
from lgprof.gate.reasons import culprits, reasons
from lgprof.gate.sequential import LOOKS, levels_at
from lgprof.gate.times import WALL, Metric
from lgprof.gate.trees import Trees, two_trees
from lgprof.llm.prices import Prices
from lgprof.model import Failure, Verdict
from lgprof.run.options import Billing, RunOptions
from lgprof.target import Inputs
from lgprof.target.spec import parse_spec

_ONE_CORE = 1.05
"""CPU time by wall time up to which a graph counts as keeping one core busy at most."""
_SIDE_S = 1.0
"""How long one side's requests of a pair shall take."""
_REQUESTS = (12, 240)
"""At least and at most so many requests per side of a pair, where the time budget allows."""
_LIVE_REQUESTS = 10
_START_S = 2.5
"""About what a pair takes besides its requests."""
_PLANNED_SHARE = 0.7
"""Of the time budget that the pairs up to the first look may take."""
_ENDING = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))


@dataclass(frozen=True, slots=True)
class Against:
    """What to compare with, and how long."""

    revision: str
    base_python: str | None = None
    """Interpreter of the base; None for our own."""
    tolerances: Tolerances = field(default_factory=Tolerances)
    time_budget_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Subject:
    """The graph, as the user named it, and what is sent to it."""

    spec: str | None
    settings: Settings
    inputs: Inputs | None
    """None: made from the input schema of the candidate."""
    options: RunOptions
    billing: Billing
    cwd: Path


class GateProgress(NamedTuple):
    """How far a comparison is."""

    phase: Literal["prepare", "pair"]
    pair: int
    """The one under way, from 1; 0 while preparing."""
    change: float | None
    """Of the latency, so far; relative. None before two pairs."""
    ci: tuple[float, float] | None
    left_s: float
    """At most."""


Progress = Callable[[GateProgress], None]
Confirm = Callable[[str], bool]
"""Shows what will happen and asks whether to go on."""


class DeclinedError(UsageError):
    """The user did not want to go on."""


def compare_versions(
    subject: Subject,
    against: Against,
    *,
    confirm: Confirm,
    progress: Progress = lambda state: None,
    chance: random.Random | None = None,
    now_s: Callable[[], float] = time.monotonic,
) -> Verdict:
    """Compare the working tree with another revision of it, in pairs of fresh processes.

    Args:
        subject: The graph and its inputs.
        against: The base, the tolerances and the time there is.
        confirm: Asked before many requests go to a live provider.
        progress: Told before each pair.
        chance: Orders, hash seeds; None for unforeseeable ones.
        now_s: Monotonic time.

    Raises:
        UsageError: No git repository, no such revision, or the base has no graph that runs.
        TargetFailedError: The candidate is broken.
    """
    with _ended_in_order(), two_trees(subject.cwd, against.revision) as trees:
        comparison = _Comparison(
            subject, against, trees, confirm, progress, chance or random.Random(), now_s
        )
        return comparison.run()


class _Start(NamedTuple):
    """What the first two processes told, which are not measured."""

    inputs: list[Any]
    live_hosts: list[str]
    requests: int
    """Per side of a pair."""
    block: int
    cores: list[int]
    """To keep both sides on, in turn; empty for none."""


class _Comparison:
    def __init__(
        self,
        subject: Subject,
        against: Against,
        trees: Trees,
        confirm: Confirm,
        progress: Progress,
        chance: random.Random,
        now_s: Callable[[], float],
    ) -> None:
        self._subject, self._against, self._trees = subject, against, trees
        self._confirm, self._progress = confirm, progress
        self._chance, self._now_s = chance, now_s
        self._begin_s = now_s()
        base_python = against.base_python or sys.executable
        self._base = self._version("base", trees.base, base_python)
        self._candidate = self._version("candidate", trees.candidate, sys.executable)
        self._cost_of = _pricing(subject.billing)
        self._evidence = Evidence()

    def _version(self, name: str, tree: Path, python: str) -> Version:
        within = self._subject.cwd.resolve().relative_to(self._trees.root)
        folder = tree / within
        if not folder.is_dir():
            raise TargetError(
                f"the {name} has no folder {within}",
                hint="run lgprof from a folder that both versions have",
            )
        return Version(name, tree, folder, self._trees.root, python)

    def run(self) -> Verdict:
        """Prepare, make pairs until there is a decision or no time, and judge."""
        self._tell("prepare")
        start = self._start()
        rules = Rules(self._against.tolerances, times_gated=not start.live_hosts)
        judgement: Judgement | None = None
        longest_s = 0.0
        while judgement is None or judgement.decision is None:
            made = len(self._evidence.pairs)
            if made == LOOKS[-1] or (made > 1 and self._left_s < longest_s / 2):
                judgement = judge(self._evidence, rules, is_last=True)
                break
            self._tell("pair")
            began_s = self._now_s()
            rows = self._pair(start, made)
            self._evidence.add(PairFigures.of(rows, self._cost_of))
            longest_s = max(longest_s, self._now_s() - began_s)
            if made + 1 in LOOKS:
                judgement = judge(self._evidence, rules, is_last=made + 1 == LOOKS[-1])
        return self._verdict(start, rules, judgement)

    @property
    def _left_s(self) -> float:
        return self._against.time_budget_s - (self._now_s() - self._begin_s)

    def _tell(self, phase: Literal["prepare", "pair"]) -> None:
        found = self._evidence.estimate(WALL)
        made = len(self._evidence.pairs)
        interval = None
        if found is not None:
            level = levels_at(made).interval
            interval = _relative(found.lower(level)), _relative(found.upper(level))
        self._progress(
            GateProgress(
                phase,
                0 if phase == "prepare" else made + 1,
                None if found is None else _relative(found.mean),
                interval,
                max(0.0, self._left_s),
            )
        )

    # --- the first processes -------------------------------------------------------------------

    def _start(self) -> _Start:
        """Find out what is needed to plan the pairs; compiles both trees to bytecode by the way."""
        given = self._subject.inputs.items if self._subject.inputs else None
        with self._fresh_pair() as pair:
            base, new = pair.open(lambda version: self._open(version, given))
            self._refuse_foreign(base)
            inputs = given if given is not None else new.inputs
            hosts = sorted({*base.live_hosts, *new.live_hosts})
            if hosts:
                self._ask(hosts, new)
            warm_base, warm_new = pair.warm_up()
            for version, opened, warm in (
                (self._candidate, new, warm_new),
                (self._base, base, warm_base),
            ):
                if opened.first.outcome != "ok" and len(warm.failures) and _all_failed(warm):
                    raise _broken(version, warm.failures)
            latencies_s = [statistics.median(warm.wall_s) for warm in (warm_base, warm_new)]
            keeps_to_one = all(
                warm.cpu_share <= _ONE_CORE and not warm.has_children
                for warm in (warm_base, warm_new)
            )
        block = block_size(max(latencies_s))
        requests = self._planned_requests(sum(latencies_s), block, is_live=bool(hosts))
        cores = usable_cores() if keeps_to_one and not hosts else []
        return _Start(inputs, hosts, requests, block, cores)

    def _planned_requests(self, both_s: float, block: int, *, is_live: bool) -> int:
        """Per side of a pair: for about a second, and so that there is time for the first look."""
        each_s = max(both_s / 2, 1e-6)
        least, most = _REQUESTS
        wanted = _LIVE_REQUESTS if is_live else max(least, min(most, round(_SIDE_S / each_s)))
        pair_s = self._left_s * _PLANNED_SHARE / LOOKS[0] - _START_S
        affordable = max(2, int(pair_s / max(both_s, 1e-6)))
        quad = 2 * block
        return max(1, round(min(wanted, affordable) / quad)) * quad

    def _refuse_foreign(self, base: protocol.Opened) -> None:
        if base.foreign_modules:
            file = base.foreign_modules[0]
            raise UsageError(
                f"the base imports {len(base.foreign_modules)} modules from the working tree, such "
                f"as {file}: the project is installed from there, so both sides would run the same",
                hint="install the base in an environment of its own and name its interpreter with "
                "--base-python",
            )
        if base.lgprof != lgprof.__version__:
            raise UsageError(
                f"--base-python has lgprof {base.lgprof}, this is {lgprof.__version__}",
                hint=f"{self._base.python} -m pip install lgprof=={lgprof.__version__}",
            )

    def _ask(self, hosts: list[str], new: protocol.Opened) -> None:
        first = counted(new.first, self._cost_of)
        requests = 2 * LOOKS[0] * _LIVE_REQUESTS
        cost_usd = first.get(Metric(COST))
        text = (
            f"The first request connected to {', '.join(hosts[:3])}: beyond this machine, it may "
            f"cost money.\nAt least {requests} requests will follow"
        )
        if cost_usd:
            text += f", about ${cost_usd * requests:.2g} of them by the price of the first"
        if not self._confirm(f"{text}; at most {LOOKS[-1] // LOOKS[0]} times as many."):
            raise DeclinedError("nothing was compared")

    # --- pairs ---------------------------------------------------------------------------------

    def _pair(self, start: _Start, number: int) -> PairRows:
        with self._fresh_pair() as pair:
            pair.open(lambda version: self._open(version, start.inputs))
            if not start.live_hosts:
                pair.warm_up()
            rows = pair.run(self._course(start, number))
        if rows.new and all(row.outcome != "ok" for row in rows.new):
            raise _broken(self._candidate, rows.failures)
        return rows

    def _course(self, start: _Start, number: int) -> Course:
        """Each pair makes the same requests, or the next ones where there are more inputs."""
        windows = -(-len(start.inputs) // start.requests)
        core = start.cores[number % len(start.cores)] if start.cores else None
        return Course((number % windows) * start.requests, start.requests, start.block, core)

    @contextmanager
    def _fresh_pair(self) -> Iterator[Pair]:
        timeout_s = self._subject.options.timeout_s
        with fresh_pair(
            self._base, self._candidate, self._trees.root, timeout_s, self._chance
        ) as pair:
            yield pair

    def _open(self, version: Version, inputs: list[Any] | None) -> protocol.Open:
        settings, root = self._subject.settings, self._trees.root
        file = settings.file.resolve() if settings.file else None
        if file is not None and file.is_relative_to(root):
            file = version.tree / file.relative_to(root)
        return protocol.Open(
            spec=_in_tree(self._subject.spec, root, version),
            app=settings.app,
            settings_file=str(file) if file else None,
            inputs=inputs,
            foreign=[] if version.is_candidate else [str(root), str(self._candidate.tree)],
            **protocol.packed_options(self._subject.options),
        )

    # --- the result ----------------------------------------------------------------------------

    def _verdict(self, start: _Start, rules: Rules, judgement: Judgement) -> Verdict:
        assert judgement.decision is not None
        elapsed_s = self._now_s() - self._begin_s
        return Verdict(
            verdict=judgement.decision,
            checks=judgement.checks,
            pairs=len(self._evidence.pairs),
            elapsed_s=elapsed_s,
            reasons=reasons(
                self._evidence,
                judgement,
                elapsed_s=elapsed_s,
                is_same=self._trees.is_same,
                live_hosts=start.live_hosts,
                is_pinned=bool(start.cores),
            ),
            culprits=culprits(self._evidence, judgement),
            against=f"{self._against.revision} ({self._trees.commit})",
        )


def _all_failed(warm: protocol.WarmedUp) -> bool:
    return sum(failure.count for failure in warm.failures) == len(warm.wall_s)


def _broken(version: Version, failures: list[Failure]) -> TargetFailedError | TargetError:
    """Every request failed: there is nothing to compare."""
    first = failures[0] if failures else Failure("an error", "", None, "")
    where = f" in {first.node}" if first.node else ""
    name = first.error_type.removeprefix("builtins.")
    text = version.in_users_words(
        f"the {version.name} fails on every request: {name}: {first.message.strip()}{where}"
    )
    trace = version.in_users_words(first.traceback) or None
    if version.is_candidate:
        return TargetFailedError(text, user_traceback=trace)
    return TargetError(
        text,
        hint="the base must have a graph that runs: name another revision with --against",
        user_traceback=trace,
    )


def _in_tree(spec: str | None, root: Path, version: Version) -> str | None:
    """The target as typed; an absolute path leads into the version's tree."""
    if spec is None or not (parsed := parse_spec(spec)).is_file:
        return spec
    path = Path(parsed.place).expanduser()
    if not path.is_absolute():
        return spec
    if not path.resolve().is_relative_to(root):
        raise UsageError(
            f"{spec} lies outside {root}: the base has no version of it",
            hint="name a target in the repository",
        )
    inside = str(version.tree / path.resolve().relative_to(root))
    return f"{inside}:{parsed.attribute}" if parsed.attribute else inside


def _pricing(billing: Billing) -> CostOf:
    prices = Prices(billing.prices, datetime.now(UTC))
    return lambda model: prices.cost_usd(model.call, model.asked)


def _relative(log_ratio: float) -> float:
    return math.expm1(log_ratio)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """A polite request to end, as CI systems send it, clears up like Ctrl-C."""
    try:
        kept: Mapping[int, Any] = {number: signal.signal(number, _end) for number in _ENDING}
    except ValueError:  # not in the main thread: its signals are others' business
        yield
        return
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _end(number: int, frame: object) -> None:
    raise KeyboardInterrupt
