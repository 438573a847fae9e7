"""Tries changes on copies of a target, for ``lgprof advise --prove``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lgprof.cli.measuring import RunRequest
    from lgprof.model import Advice, Profile
    from lgprof.target import Inputs, OpenTarget, TargetSource
    from lgprof.whatif.predict import Prediction


@dataclass(frozen=True, slots=True)
class Trials:
    """How changes are to be tried."""

    request: RunRequest
    """The target, its inputs and how it is run."""
    requests: int | None
    """At most so many inputs through each copy; None for as many as were measured."""
    yes: bool
    quiet: bool

    def run(
        self,
        candidates: Sequence[tuple[Advice, Prediction]],
        profile: Profile,
        hosts: set[str] | None,
    ) -> Iterator[Advice]:
        """Try each change by itself, and note with its advice what came of it.

        Args:
            candidates: Advice and the prediction of its changes.
            profile: That they are from.
            hosts: Machines that the target was seen to connect to; None where nobody looked.

        Yields:
            Each advice once that is done.
        """
        from lgprof.advice.what_if import note_proof
        from lgprof.cli.progress import progress_on
        from lgprof.target import import_sandbox, load_target
        from lgprof.whatif.proof import proving

        if not candidates:
            return
        request = self.request
        options = replace(request.options, concurrency=1)
        with import_sandbox(request.cwd):
            source = load_target(request.target, request.settings, request.cwd)
            if hosts is None:
                hosts = self._seen_hosts(source)
            with proving(source, self._inputs, options, profile) as prover:
                each = [(advice, made, self._number(made)) for advice, made in candidates]
                needed = sum(prover.requests_needed(p.changes, n) for _, p, n in each)
                if hosts:
                    self._confirm(len(each), needed, hosts, profile)
                with progress_on(quiet=self.quiet) as progress:
                    done = 0
                    for advice, prediction, number in each:
                        proof = prover.prove(
                            prediction.changes,
                            requests=number,
                            prediction=prediction,
                            progress=_counting(progress, done, needed),
                        )
                        done += prover.requests_needed(prediction.changes, number)
                        note_proof(advice, proof)
                        yield advice

    def _number(self, prediction: Prediction) -> int:
        """Those requests that the prediction is of, unless fewer are wanted."""
        measured = max(prediction.requests, default=0) + 1
        return min(self.requests or measured, measured)

    def _inputs(self, opened: OpenTarget) -> Inputs:
        from lgprof.langgraph_adapter.input_schema import input_json_schema
        from lgprof.target import inputs_from_schema

        made: Inputs = self.request.inputs or inputs_from_schema(input_json_schema(opened.graph))
        return made

    def _seen_hosts(self, source: TargetSource) -> set[str]:
        """Machines that the first request connects to."""
        from lgprof.record.connections import watched_connections
        from lgprof.run import profile_run

        once = replace(self.request.options, requests=1, warmup=0, concurrency=1)
        with watched_connections() as hosts:
            profile_run(source, self._inputs, once, folder=self.request.cwd)
        return hosts

    def _confirm(self, changes: int, needed: int, hosts: set[str], profile: Profile) -> None:
        from lgprof.cli.live import QuietWatcher
        from lgprof.readable import plural, usd

        per_request = profile.summary.cost_usd.per_request
        cost = (
            "what that costs is not known"
            if per_request is None
            else f"about {usd(needed * per_request.mean)}, at {usd(per_request.mean)} each"
        )
        text = (
            f"the graph connects to {plural(len(hosts), 'other machine')} "
            f"({', '.join(sorted(hosts)[:3])}); proving {plural(changes, 'change')} makes "
            f"{plural(needed, 'request')}: {cost}"
        )
        if not QuietWatcher(yes=self.yes).confirm(text):
            raise KeyboardInterrupt


def _counting(
    progress: Callable[[str, int, int], None], before: int, total: int
) -> Callable[[int, int], None]:
    return lambda done, _: progress("prove", min(before + done, total), total)
