"""What must be known before pairs can be planned, from a first pair that is not measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

import lgprof
from lgprof.analysis.comparability import environment_differences
from lgprof.errors import UsageError
from lgprof.gate import protocol
from lgprof.gate.duel import block_size, usable_cores
from lgprof.gate.quantities import COST, CostOf, counted
from lgprof.gate.sequential import LOOKS
from lgprof.gate.stage import Stage, broken
from lgprof.gate.times import Metric

_ONE_CORE = 1.05
"""CPU time by wall time up to which a graph counts as keeping one core busy at most."""
_SIDE_S = 1.0
"""How long one side's requests of a pair shall take."""
_LEAST_REQUESTS, _MOST_REQUESTS = 12, 240
"""Per side of a pair, where the time budget allows. More than 250 would add less than more pairs
do (Kalibera and Jones 2013, "Rigorous Benchmarking in Reasonable Time")."""
_LIVE_REQUESTS = 10
_START_S = 2.5
"""About what a pair takes besides its requests."""
_PLANNED_SHARE = 0.7
"""Of the time that is left, for the pairs up to the first look."""

Confirm = Callable[[str], bool]
"""Shows what will happen and asks whether to go on."""


class DeclinedError(UsageError):
    """The user did not want to go on."""


class Preparation(NamedTuple):
    """What the first two processes told."""

    inputs: list[Any]
    live_hosts: list[str]
    environment: list[str]
    """What differs between the environments of the two sides, in words."""
    requests: int
    """Per side of a pair."""
    block: int
    """So many requests of one side in a row."""
    cores: list[int]
    """To keep both sides on, one for each pair in turn; empty for none."""


def prepare(
    stage: Stage,
    given: list[Any] | None,
    cost_of: CostOf,
    confirm: Confirm,
    left_s: Callable[[], float],
) -> Preparation:
    """Open both versions once, which compiles both trees to bytecode by the way.

    Args:
        stage: Where they are started.
        given: The inputs; None for one made from the candidate's schema.
        cost_of: Prices a model call.
        confirm: Asked before many requests go to a live provider.
        left_s: How much time there is.

    Raises:
        LgprofError: One of the versions cannot be used, or the user declined.
    """
    with stage.open_pair(given) as (pair, base, new):
        _refuse_another_lgprof(stage, base)
        _refuse_foreign(base)
        hosts = sorted({*base.live_hosts, *new.live_hosts})
        if hosts and not confirm(_projection(hosts, new, cost_of)):
            raise DeclinedError("nothing was compared")
        warm = pair.warm_up()
    for version, opened, warmed in zip(
        (stage.candidate, stage.base), (new, base), reversed(warm), strict=True
    ):
        if opened.first.outcome != "ok" and not warmed.succeeded:
            raise broken(version, [*opened.failures, *warmed.failures])
    latencies_s = [statistics.median(each.wall_s) for each in warm]
    block = block_size(max(latencies_s))
    on_one_core = all(each.cpu_share <= _ONE_CORE and not each.has_children for each in warm)
    return Preparation(
        inputs=given if given is not None else new.inputs,
        live_hosts=hosts,
        environment=environment_differences(base.environment, new.environment, kernel=False),
        requests=planned_requests(sum(latencies_s), block, left_s(), is_live=bool(hosts)),
        block=block,
        cores=usable_cores() if on_one_core and not hosts else [],
    )


def planned_requests(both_s: float, block: int, left_s: float, *, is_live: bool) -> int:
    """How many requests each side of a pair makes: for about a second, in whole quads of blocks.

    Args:
        both_s: Latency of one request on both sides together.
        block: Requests of one side in a row; a quad (A B B A) has two of each side.
        left_s: Time there is: it should do for the pairs of the first look.
        is_live: They may cost money.
    """
    both_s = max(both_s, 1e-6)
    wanted = max(_LEAST_REQUESTS, min(_MOST_REQUESTS, round(2 * _SIDE_S / both_s)))
    affordable = int((left_s * _PLANNED_SHARE / LOOKS[0] - _START_S) / both_s)
    requests = min(_LIVE_REQUESTS if is_live else wanted, max(affordable, 0))
    return max(1, requests // (2 * block)) * 2 * block


def _refuse_another_lgprof(stage: Stage, base: protocol.Opened) -> None:
    if base.lgprof != lgprof.__version__:
        raise UsageError(
            f"--base-python has lgprof {base.lgprof}, this is {lgprof.__version__}",
            hint=f"{stage.base.python} -m pip install lgprof=={lgprof.__version__}",
        )


def _refuse_foreign(base: protocol.Opened) -> None:
    if base.foreign_modules:
        raise UsageError(
            f"the base imports {len(base.foreign_modules)} modules from the working tree, such as "
            f"{base.foreign_modules[0]}: the project is installed from there, so both sides would "
            "run the same code",
            hint="install the base in an environment of its own and name its interpreter with "
            "--base-python",
        )


def _projection(hosts: list[str], new: protocol.Opened, cost_of: CostOf) -> str:
    """What will be asked of a live provider, in words."""
    requests = 2 * LOOKS[0] * _LIVE_REQUESTS
    cost_usd = counted(new.first, cost_of).get(Metric(COST))
    price = f", about ${cost_usd * requests:.2g} by the price of the first one" if cost_usd else ""
    return (
        f"The first request connected to {', '.join(hosts[:3])}: beyond this machine, it may cost "
        f"money.\nAt least {requests} requests will follow{price}, and at most "
        f"{LOOKS[-1] // LOOKS[0]} times as many."
    )
