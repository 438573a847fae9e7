"""Advice on what was measured: worked out, proven where that is wanted, printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lgprof.errors import UsageError

if TYPE_CHECKING:
    from lgprof.cli.output import Measured
    from lgprof.cli.proving import Trials
    from lgprof.cli.standard_output import StandardOutput
    from lgprof.llm.price_table import PriceTable
    from lgprof.model import Advice
    from lgprof.render.terminal import AdviceNotes
    from lgprof.whatif.predict import Prediction


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options ask for."""

    what_if: list[str]
    everything: bool
    why_not: bool
    prove: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What was measured, or read, and what is known of where the target connects to."""

    result: Measured
    hosts: set[str] | None
    """None where nobody looked."""


class Consultation:
    """Fills the advice of what was measured, and prints it."""

    def __init__(self, prices: PriceTable | None, asked: Asked, trials: Trials | None) -> None:
        self._prices = prices
        self._asked = asked
        self._trials = trials
        self._notes: AdviceNotes | None = None
        self._untried = 0
        self.mistake: UsageError | None = None
        """A ``--what-if`` that cannot be read, a proof that nobody agreed to."""

    def on(self, measured: Known) -> Measured:
        """What was measured, with advice."""
        from lgprof.advice.advise import advise, why_nothing
        from lgprof.advice.what_if import answers
        from lgprof.render.terminal import AdviceNotes

        asked, profile = self._asked, measured.result.profile
        answered: list[tuple[Advice, Prediction]] = []
        try:
            if asked.what_if:
                answered = answers(asked.what_if, profile, self._prices)
        except UsageError as error:  # names of nodes are known only now; what was measured stays
            self.mistake = error
        counsel = advise(profile, self._prices)
        shown = counsel.shown(everything=asked.everything)
        if asked.prove:
            chosen = [pair for pair in counsel.predictions if any(pair[0] is a for a in shown)]
            self._prove([*answered, *chosen], measured)
        refuted = [one for one in shown if one.status == "unsafe"]
        profile.advice = [
            *(advice for advice, _ in answered),
            *(one for one in shown if one.status != "unsafe"),
            *refuted,
            *(counsel.refused if asked.why_not else ()),
        ]
        self._notes = AdviceNotes(
            minor=0 if asked.everything else len(counsel.minor),
            refused=0 if asked.why_not else len(counsel.refused),
            untried=self._untried,
            nothing=why_nothing(profile, counsel),
        )
        return measured.result

    def _prove(self, candidates: list[tuple[Advice, Prediction]], measured: Known) -> None:
        """Try what was found; Ctrl-C costs only what was not tried yet."""
        profile = measured.result.profile
        if self._trials is None or profile.interrupted:
            return
        self._untried = len(candidates)
        try:
            for _ in self._trials.run(candidates, profile, measured.hosts):
                self._untried -= 1
        except KeyboardInterrupt:
            profile.interrupted = True
        except UsageError as error:  # nobody was there to agree to the cost: what is known stays
            self.mistake = error

    def report(self, result: Measured, stdout: StandardOutput, saved_to: str | None) -> None:
        """Print it for people."""
        from lgprof.cli.console import ReportConsole
        from lgprof.render.terminal import AdviceNotes, render_counsel

        console = ReportConsole(stdout.people())
        notes = self._notes or AdviceNotes()
        render_counsel(result.profile, console, notes, saved_to=saved_to, quiet=self._asked.quiet)
