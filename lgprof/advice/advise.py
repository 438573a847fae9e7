"""From a Profile to advice: every kind is asked, each change predicted, the gains ranked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType

import msgspec

from lgprof.advice.finding import Finding
from lgprof.advice.kinds import (
    batch,
    blocking,
    cache,
    checkpoint,
    client_reuse,
    executor,
    fallback,
    llm_cache,
    output_length,
    parallel,
    prompt_cache,
    recursion,
    retry,
    state_growth,
    straggler,
    tool_cache,
)
from lgprof.advice.observed import ENOUGH_INPUTS, Observed
from lgprof.analysis.collector import collector_paused
from lgprof.errors import UsageError
from lgprof.llm.price_table import PriceTable
from lgprof.model import CATEGORY_LABELS, Advice, Profile, Saving
from lgprof.readable import plural, whole_percent
from lgprof.whatif.predict import Prediction, WhatIf

KINDS: tuple[ModuleType, ...] = (
    parallel,
    cache,
    llm_cache,
    tool_cache,
    prompt_cache,
    batch,
    blocking,
    executor,
    retry,
    straggler,
    checkpoint,
    state_growth,
    output_length,
    client_reuse,
    fallback,
    recursion,
)
NOTEWORTHY_SHARE = 0.02
"""Of the latency or of the cost, below which a change is not worth a line."""


@dataclass(slots=True)
class Counsel:
    """All that the kinds of advice had to say, the greatest saving first."""

    noteworthy: list[Advice]
    """Savings from `NOTEWORTHY_SHARE` on, and what is worth a change for another reason."""
    minor: list[Advice]
    """Savings below that."""
    refused: list[Advice]
    """Changes that were considered and would not be safe."""
    predictions: list[tuple[Advice, Prediction]]
    """Of the advice whose changes can be predicted, in the order of `noteworthy` and `minor`."""

    def shown(self, *, everything: bool) -> list[Advice]:
        """What there is to do.

        Args:
            everything: Also what saves too little to be worth a line.
        """
        return _ranked([*self.noteworthy, *(self.minor if everything else ())])


def advise(profile: Profile, prices: PriceTable | None = None) -> Counsel:
    """Look for what to change.

    Args:
        profile: With the spans of its requests.
        prices: The user's own, as they were for the Profile; None for listed ones alone.
    """
    with collector_paused():
        return _advise(profile, prices)


def _advise(profile: Profile, prices: PriceTable | None) -> Counsel:
    observed = Observed(profile)
    if not observed.requests:
        return Counsel([], [], [], [])
    predictor = _Predictor(observed, prices)
    counsel = Counsel([], [], [], [])
    for kind in KINDS:
        find: Callable[[Observed], Iterator[Finding]] = kind.find
        for finding in find(observed):
            advice, prediction = predictor.advice(finding)
            if not (finding.matters or _is_gain(advice) or advice.status == "unsafe"):
                continue
            if prediction is not None and advice.status != "unsafe":
                counsel.predictions.append((advice, prediction))
            if advice.status == "unsafe":
                counsel.refused.append(advice)
            elif finding.matters or _is_noteworthy(advice, profile):
                counsel.noteworthy.append(advice)
            else:
                counsel.minor.append(advice)
    counsel.noteworthy = _ranked(counsel.noteworthy)
    counsel.minor = _ranked(counsel.minor)
    counsel.refused = _ranked(counsel.refused)
    counsel.predictions.sort(key=lambda pair: _gain(pair[0]), reverse=True)
    return counsel


class _Predictor:
    """Predicts the savings of findings; schedules are worked out once."""

    def __init__(self, observed: Observed, prices: PriceTable | None) -> None:
        self._observed = observed
        self._prices = prices
        self._all: WhatIf | None = None
        self._given: WhatIf | None = None

    def advice(self, finding: Finding) -> tuple[Advice, Prediction | None]:
        """The finding with its saving and status, and the prediction that these are from."""
        prediction = self._prediction(finding)
        saving = finding.saving
        if prediction is not None:
            saving = prediction.saving
            finding.grounds.doubts += prediction.unmeasured
            finding.grounds.facts += prediction.caveats
        advice = Advice(
            kind=finding.kind,
            nodes=finding.nodes,
            title=finding.title,
            why=f"{finding.why} {_sentence(finding.matters)}".rstrip(),
            change=finding.change,
            evidence=finding.evidence,
            saving=saving,
            status=finding.grounds.status,
            reasons=list(dict.fromkeys(finding.grounds.reasons)),
        )
        return advice, prediction

    def _prediction(self, finding: Finding) -> Prediction | None:
        if not finding.changes or finding.saving is not None or finding.grounds.vetoes:
            return None
        try:
            return self._what_if(finding.given_inputs_only).predict(finding.changes)
        except UsageError:  # no request to predict from
            return None

    def _what_if(self, given_only: bool) -> WhatIf:
        observed = self._observed
        if given_only and len(observed.given) < len(observed.requests):
            if self._given is None:
                given = [r for r in observed.requests if r.index in observed.given]
                profile = msgspec.structs.replace(observed.profile, requests=given)
                self._given = WhatIf(profile, self._prices)
            return self._given
        if self._all is None:
            self._all = WhatIf(observed.profile, self._prices)
        return self._all


def _sentence(words: str | None) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""


def _is_noteworthy(advice: Advice, profile: Profile) -> bool:
    saving = advice.saving
    if saving is None:
        return False
    return saving.share >= NOTEWORTHY_SHARE or cost_share(saving, profile) >= NOTEWORTHY_SHARE


def cost_share(saving: Saving, profile: Profile) -> float:
    """What part of a request's cost is saved; 0 where it is not known."""
    costs = profile.summary.cost_usd.per_request
    if saving.usd_per_1k_requests is None or costs is None or costs.mean <= 0:
        return 0.0
    return saving.usd_per_1k_requests / 1000 / costs.mean


def _ranked(advice: Iterable[Advice]) -> list[Advice]:
    return sorted(advice, key=_gain, reverse=True)


def _gain(advice: Advice) -> tuple[bool, float, float]:
    """What saves nothing comes last, however little of it is time and however much money."""
    saving = advice.saving
    if saving is None:
        return False, 0.0, 0.0
    return saving.is_gain, saving.share, saving.usd_per_1k_requests or 0.0


def _is_gain(advice: Advice) -> bool:
    return advice.saving is not None and advice.saving.is_gain


def why_nothing(profile: Profile, counsel: Counsel) -> list[str]:
    """Why there is nothing to gain, in sentences."""
    summary = profile.summary
    if summary.latency_s is None:
        return ["No request succeeded: there is no latency to save on."]
    parts = [
        f"{f'{row.path} ({CATEGORY_LABELS[row.kind]})' if row.path else CATEGORY_LABELS[row.kind]} "
        f"{whole_percent(row.share)}"
        for row in profile.critical_path[:3]
    ]
    said = [f"Most of the latency is one thing after another: {', '.join(parts)}."]
    pairs = [one for one in counsel.refused if one.kind == "parallel"]
    if pairs:
        said.append(
            f"None of it can safely run side by side: {plural(len(pairs), 'pair')} of nodes in a "
            f"row, each for a reason (such as: {pairs[0].reasons[0]})."
        )
    if not profile.settings.get("probes", True):
        said.append("Reads and writes were not observed: measure without --no-probes.")
    elif profile.target.inputs.distinct < ENOUGH_INPUTS:
        said.append(
            f"Repeated work shows over many inputs, and this was "
            f"{plural(profile.target.inputs.distinct, 'distinct input')}: "
            f"{ENOUGH_INPUTS} or more may tell."
        )
    return said
