"""What differs between two Profiles besides the graph, and keeps figures from being compared."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.model import Environment, Profile

_ALWAYS = {
    "python": "Python",
    "langgraph": "langgraph",
    "langchain_core": "langchain-core",
    "cpu_count": "CPUs",
    "prices_source": "prices",
    "prices_date": "prices of",
}


def environment_differences(base: Environment, new: Environment, *, kernel: bool) -> list[str]:
    """In words: ``Python 3.11.7, now 3.12.1``.

    Args:
        base: The one before.
        new: The one now.
        kernel: Whether another release of the same system counts.
    """
    return list(_differences(base, new, kernel=kernel))


def _differences(base: Environment, new: Environment, *, kernel: bool) -> Iterator[str]:
    for field, name in _ALWAYS.items():
        before, now = getattr(base, field), getattr(new, field)
        known = before is not None and now is not None
        if before != now and (known or not field.startswith("prices")):
            yield f"{name} {before}, now {now}"
    before, now = _system(base, kernel=kernel), _system(new, kernel=kernel)
    if before != now:
        yield f"platform {before}, now {now}"


def _system(environment: Environment, *, kernel: bool) -> str:
    words = environment.platform.split()
    return environment.platform if kernel or len(words) < 3 else f"{words[0]} {words[-1]}"


def same_inputs(base: Profile, new: Profile) -> bool:
    """Whether both had the same inputs."""
    return base.target.inputs.sha256 == new.target.inputs.sha256


def are_paired(base: Profile, new: Profile) -> bool:
    """Whether each request has a counterpart with the same input: by its index, in runs."""
    if base.kind != "run" or new.kind != "run" or not same_inputs(base, new):
        return False
    return {r.index for r in base.requests} == {r.index for r in new.requests}


def caveats(base: Profile, new: Profile) -> list[str]:
    """What a reader of both must know."""
    found = environment_differences(base.environment, new.environment, kernel=True)
    if base.kind != new.kind:
        found.append(f"a {base.kind} before, now a {new.kind}")
    if base.target.spec != new.target.spec:
        found.append(f"target {base.target.spec}, now {new.target.spec}")
    if not same_inputs(base, new):
        found.append("the inputs differ")
    if base.summary.requests != new.summary.requests:
        found.append(f"{base.summary.requests} requests, now {new.summary.requests}")
    if base.summary.concurrency != new.summary.concurrency:
        found.append(f"concurrency {base.summary.concurrency}, now {new.summary.concurrency}")
    if base.load and new.load and base.load.target_rps != new.load.target_rps:
        found.append(f"{base.load.target_rps} requests per second, now {new.load.target_rps}")
    for side, profile in (("the base", base), ("the new one", new)):
        if profile.interrupted:
            found.append(f"{side} was interrupted")
    return found
