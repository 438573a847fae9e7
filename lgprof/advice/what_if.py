"""Answers to ``--what-if``, and what a proof makes of advice."""

from __future__ import annotations

from collections.abc import Sequence

from lgprof.advice.finding import Grounds
from lgprof.advice.kinds import cache, parallel
from lgprof.advice.observed import Observed
from lgprof.llm.price_table import PriceTable
from lgprof.model import WHAT_IF, Advice, Profile
from lgprof.whatif.ask import Answer, ask
from lgprof.whatif.changes import CacheNode, Change, Parallel
from lgprof.whatif.predict import Prediction
from lgprof.whatif.proof import Proof


def answers(
    texts: Sequence[str], profile: Profile, prices: PriceTable | None = None
) -> list[tuple[Advice, Prediction]]:
    """What each what-if would bring, as advice, with its prediction.

    A change that would not be advised is answered all the same, and says why not.

    Raises:
        UsageError: A text that is no change or names no node, or a Profile without spans.
    """
    answered = ask(texts, profile, prices)
    observed = Observed(profile)
    return [(_advice(one, observed), one.prediction) for one in answered]


def _advice(answer: Answer, observed: Observed) -> Advice:
    prediction = answer.prediction
    grounds = Grounds(doubts=list(prediction.unmeasured), facts=list(prediction.caveats))
    for change in prediction.changes:
        against = _against(change, observed)
        grounds.vetoes += against.vetoes
        grounds.doubts += against.doubts
    return Advice(
        kind=WHAT_IF,
        nodes=[],
        title=answer.text,
        why="",
        change="",
        saving=prediction.saving,
        status=grounds.status,
        reasons=list(dict.fromkeys(grounds.reasons)),
    )


def _against(change: Change, observed: Observed) -> Grounds:
    """What the kind of advice that knows the change would hold against it."""
    match change:
        case Parallel(nodes):
            return parallel.grounds(observed, nodes)
        case CacheNode():
            return cache.grounds(observed, change)
    return Grounds()


def note_proof(advice: Advice, proof: Proof) -> None:
    """Put what a trial showed in the place of what was supposed."""
    if proof.evidence is None and proof.status != "unsafe":  # it could not be tried
        advice.reasons = [*advice.reasons, *proof.reasons]
        return
    advice.status = proof.status
    advice.measured = proof.measured
    advice.reasons = list(proof.reasons)
