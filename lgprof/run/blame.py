"""Which nodes fail only because lgprof gives them a tracked state in place of a plain dict."""

from __future__ import annotations

from lgprof.record.trial import Trial


class TrackingBlame:
    """Judges by requests that were made again with the plain state, and once more as a control.

    An error is the user's until a node that failed with its tracked state has returned with the
    plain one; and, where the error does not speak of tracking by itself, has failed once more with
    the tracked one. So a node that fails now and then is not blamed on us, nor its error hidden.
    """

    def __init__(self) -> None:
        self.guilty: set[str] = set()
        """Nodes that are not tracked any more."""
        self.cleared: set[str] = set()
        """Nodes that failed with the plain state as well, or not again."""
        self.repeats = 0
        """Requests that were made again to find out."""
        self._worked: set[str] = set()
        self._evident: set[str] = set()
        """Nodes with an error that speaks of tracking."""
        self._users_own: set[tuple[str, str]] = set()

    def trial(self, plain: frozenset[str] = frozenset()) -> Trial:
        """For a request whose nodes are tracked but for those known guilty and these."""
        return Trial(plain | self.guilty)

    def suspects(self, trial: Trial) -> frozenset[str]:
        """Nodes that failed in a request, and never worked with a tracked state."""
        self._worked |= trial.returned - trial.untracked
        tracked = {node: trial.failed[node] for node in trial.failed.keys() - trial.untracked}
        self._evident |= {node for node, failure in tracked.items() if failure.speaks_of_tracking}
        return frozenset(
            node
            for node, failure in tracked.items()
            if (node in self._evident or node not in self._worked)
            and (node, failure.error_type) not in self._users_own
        )

    def needs_control(self, plain: Trial, suspects: frozenset[str]) -> bool:
        """Whether the request must be made once more, tracked again, before a verdict."""
        return bool((suspects & plain.returned) - self._evident)

    def judge(
        self, first: Trial, plain: Trial, control: Trial | None, suspects: frozenset[str]
    ) -> bool:
        """Settle the case of the suspects.

        Returns:
            Whether the request with the plain states counts: where tracking is to blame, or where
            the error with a tracked one would speak of what is ours.
        """
        guilty = suspects & plain.returned
        if control is not None and not guilty & (control.failed.keys() - control.returned):
            guilty &= self._evident
        self.guilty |= guilty
        self.cleared |= suspects - guilty
        self._users_own |= {
            (node, failure.error_type)
            for trial in (first, plain)
            for node, failure in trial.failed.items()
            if node in suspects - guilty
        }
        return bool(guilty or suspects & self._evident)
