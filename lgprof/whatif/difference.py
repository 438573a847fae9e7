"""What a change did to a schedule, so that only this is simulated, billed and looked at.

The next superstep starts when the last task of one is over: what a superstep takes does not depend
on the others, unless checkpoints are written beside them.
"""

from __future__ import annotations

from msgspec.structs import replace

from lgprof.whatif.pieces import GraphRun, Schedule


def differing(before: Schedule, after: Schedule) -> tuple[Schedule, Schedule]:
    """Both schedules without the supersteps that they share.

    Args:
        before: As recorded.
        after: Made from it: what did not change is the same object.
    """
    if before.places != after.places or len(before.runs) != len(after.runs):
        return before, after
    pairs = [
        (_without(old, new), _without(new, old))
        for old, new in zip(before.runs, after.runs, strict=True)
        if old is not new
    ]
    old_runs, new_runs = zip(*pairs, strict=True) if pairs else ((), ())
    return replace(before, runs=old_runs), replace(after, runs=new_runs)


def _without(run: GraphRun, other: GraphRun) -> GraphRun:
    """The run less the supersteps that are also in another."""
    if run.saves_beside or other.saves_beside:
        return run
    if len(run.steps) == len(other.steps):
        pairs = zip(run.steps, other.steps, strict=True)
        return replace(run, steps=tuple(step for step, same in pairs if step is not same))
    known = {id(step) for step in other.steps}
    return replace(run, steps=tuple(step for step in run.steps if id(step) not in known))
