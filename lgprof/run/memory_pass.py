"""A pass over the inputs that tells the memory of each node."""

from __future__ import annotations

from lgprof.model import Warn
from lgprof.run.further_pass import FurtherPasses, Repeated


def add_memory(passes: FurtherPasses) -> None:
    """Track the memory of some of the requests."""
    # memray, which is not installed everywhere
    from lgprof.analysis.memory import memory_of
    from lgprof.record.memory import Allocations, memory_traced

    profile = passes.profile

    def keep(allocations: Allocations, repeated: Repeated) -> None:
        if allocations.peak_bytes:
            around, requests = repeated.builder.span_around, len(repeated.requests)
            profile.memory = memory_of(allocations, around, requests)

    passes.make("memory", memory_traced, keep, _failed)


def _failed(error: Exception) -> Warn:
    return Warn(
        code="memory_failed",
        message=f"no memory by node: the pass for it ended in {type(error).__name__}",
        fix="leave out --memory",
    )
