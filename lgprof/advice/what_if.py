"""Answers to ``--what-if``, and what a proof makes of advice."""

from __future__ import annotations

from collections.abc import Sequence

from lgprof.llm.price_table import PriceTable
from lgprof.model import WHAT_IF, Advice, Profile
from lgprof.whatif.ask import ask
from lgprof.whatif.predict import Prediction
from lgprof.whatif.proof import Proof


def answers(
    texts: Sequence[str], profile: Profile, prices: PriceTable | None = None
) -> list[tuple[Advice, Prediction]]:
    """What each what-if would bring, as advice, with its prediction.

    Raises:
        UsageError: A text that is no change or names no node, or a Profile without spans.
    """
    return [
        (_advice(answer.text, answer.prediction), answer.prediction)
        for answer in ask(texts, profile, prices)
    ]


def _advice(text: str, prediction: Prediction) -> Advice:
    return Advice(
        kind=WHAT_IF,
        nodes=[],
        title=text,
        why="",
        change="",
        saving=prediction.saving,
        status="unproven" if prediction.unmeasured else "predicted",
        reasons=[*prediction.unmeasured, *prediction.caveats],
    )


def note_proof(advice: Advice, proof: Proof) -> None:
    """Put what a trial showed in the place of what was supposed."""
    if proof.evidence is None and proof.status != "unsafe":  # it could not be tried
        advice.reasons = [*advice.reasons, *proof.reasons]
        return
    advice.status = proof.status
    advice.measured = proof.measured
    advice.reasons = list(proof.reasons)
