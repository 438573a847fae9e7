"""Workers that die, fall silent or stand still in mid-load: others take over their share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lgprof.load import messages as wire
from lgprof.load.plan import TestPlan
from lgprof.load.processes import LocalWorker
from lgprof.load.roster import Member, Roster

TAKE_OVER_IN_S = 1.0
"""From a worker's loss to the first arrival that others take over: time for the news to spread."""


class Losses:
    """Notices them, and shares out what they leave.

    Args:
        roster: The workers.
        plan: Whose share is whose.
        local: Those workers that are processes of ours.
        tell: Told what became of one.
    """

    def __init__(
        self,
        roster: Roster,
        plan: TestPlan,
        local: Sequence[LocalWorker],
        tell: Callable[[str], None],
    ) -> None:
        self._roster, self._plan, self._local, self._tell = roster, plan, local, tell
        self.ends: list[str] = []
        """How lost workers ended, but for those whose event loop stands still."""

    def look(self, time_s: float, stopped_at_s: float | None) -> None:
        """Whether another one is lost.

        Args:
            time_s: Since the first measured arrival was due.
            stopped_at_s: When the test was stopped early; None while it goes on.
        """
        ended = {worker.process.pid: worker for worker in self._local if worker.ended}
        silent = self._roster.silent
        for member in self._roster.working:
            process = ended.get(member.hello.pid)
            if process is not None:
                self._report_end(process)
            elif member.client in silent:
                self._report_silence(member)
            else:
                continue
            self._lose(member, time_s, stopped_at_s)
        for member in self._roster.members:
            if member.done is not None and member.done.stuck and not member.lost:
                self._lose(member, time_s, stopped_at_s)

    def give_up(self, time_s: float, stopped_at_s: float | None) -> None:
        """Wait for no last word any more."""
        for member in self._roster.working:
            self._report_silence(member)
            self._lose(member, time_s, stopped_at_s)

    def _report_end(self, worker: LocalWorker) -> None:
        """What it printed is for the user's eyes alone, how it ended is for the Profile too."""
        how, words = worker.how_it_ended(), worker.last_words()
        self.ends.append(how)
        self._tell(f"a worker ended in mid-load: {how}" + (f"\n{words}" if words else ""))

    def _report_silence(self, member: Member) -> None:
        host = member.hello.host
        self.ends.append(f"no word from {host}")
        self._tell(f"a worker fell silent: process {member.hello.pid} on {host}")

    def _lose(self, member: Member, time_s: float, stopped_at_s: float | None) -> None:
        """The others take over its share of what is to come."""
        member.lost = True
        survivors = self._roster.working
        if stopped_at_s is None:
            first = self._plan.first_untouched(time_s + TAKE_OVER_IN_S)
        else:
            first = self._plan.due_by(stopped_at_s)
        taken_over = bool(survivors) or stopped_at_s is not None
        last = self._roster.book.worker(member.client).last
        unreported = self._plan.share_between(
            member.slot, last.consumed if last else 0, first if taken_over else None
        )
        self._roster.book.lose(member.client, unreported)
        self._plan.assignments.hand_over(first, [other.slot for other in survivors])
        for place, other in enumerate(survivors):
            self._roster.send(other, wire.SHARE, wire.ShareOf(first, place, len(survivors)))
