"""Answers what-ifs as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lgprof.llm.price_table import PriceTable
from lgprof.model import Profile
from lgprof.whatif.grammar import parse_what_if
from lgprof.whatif.predict import Prediction, WhatIf


@dataclass(frozen=True, slots=True)
class Answer:
    """A question as typed, and what it would bring."""

    text: str
    prediction: Prediction


def ask(texts: Sequence[str], profile: Profile, prices: PriceTable | None = None) -> list[Answer]:
    """Predict each what-if on its own; changes within one are made together.

    Args:
        texts: In the grammar of `lgprof.whatif.grammar`.
        profile: With the spans of its requests.
        prices: The user's own, as they were for the Profile; None for listed ones alone.

    Raises:
        UsageError: A text that is no change or names no node, or a Profile without spans.
    """
    nodes = [row.path for row in profile.nodes]
    asked = [(text, parse_what_if(text, nodes)) for text in texts]
    what_if = WhatIf(profile, prices)
    return [Answer(text, what_if.predict(changes)) for text, changes in asked]
