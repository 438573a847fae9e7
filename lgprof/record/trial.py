"""How a request's nodes fared with tracked states, noted while it runs."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from lgprof.langgraph_adapter.outcomes import outcome_of, type_name
from lgprof.record.tracked_dict import speaks_of_tracking


@dataclass(frozen=True, slots=True)
class NodeFailure:
    """How a node failed."""

    error_type: str
    speaks_of_tracking: bool


@dataclass(slots=True, eq=False)
class Trial:
    """What is noted of one request, by node name."""

    untracked: frozenset[str] = frozenset()
    """Nodes that get their plain state."""
    returned: set[str] = field(default_factory=set)
    """Nodes that returned at least once."""
    failed: dict[str, NodeFailure] = field(default_factory=dict)
    _last_error: Exception | None = None

    def note_failure(self, node: str, error: Exception) -> None:
        """A node raised; nodes around it, that the error passes through, are not to blame."""
        if error is not self._last_error and outcome_of(error) == "failed":
            self._last_error = error
            self.failed[node] = NodeFailure(type_name(error), speaks_of_tracking(error))

    def end(self) -> None:
        """The request is over: let go of what its error holds."""
        self._last_error = None


TRIAL: ContextVar[Trial | None] = ContextVar("lgprof_trial", default=None)
"""That of the request that the current code belongs to."""
