"""Several verdicts as one, and what it tells the caller."""

from __future__ import annotations

from collections.abc import Sequence

from lgprof.errors import ExitCode
from lgprof.gate.budgets import worst
from lgprof.model import Verdict


def merged(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict: the worst of them, with the checks of all.

    Raises:
        ValueError: There is none.
    """
    if not verdicts:
        raise ValueError("no verdict to merge")
    if len(verdicts) == 1:
        return verdicts[0]
    return Verdict(
        verdict=worst(each.verdict for each in verdicts),
        checks=[check for each in verdicts for check in each.checks],
        pairs=next((each.pairs for each in verdicts if each.pairs is not None), None),
        elapsed_s=sum(each.elapsed_s for each in verdicts),
        culprits=[node for each in verdicts for node in each.culprits],
        reasons=[reason for each in verdicts for reason in each.reasons],
        candidate=next((each.candidate for each in verdicts if each.candidate), None),
        requests=next((each.requests for each in verdicts if each.requests is not None), None),
        interrupted=any(each.interrupted for each in verdicts),
        against=next((each.against for each in verdicts if each.against), None),
        invalid=any(each.invalid for each in verdicts),
        warnings=list(dict.fromkeys(text for each in verdicts for text in each.warnings)),
        series=next((each.series for each in verdicts if each.series), []),
    )


def exit_code(verdict: Verdict, *, inconclusive_fails: bool) -> ExitCode:
    """What a gate tells its caller; the first that holds."""
    if verdict.verdict == "fail":
        return ExitCode.GATE_FAILED
    is_undecided = verdict.verdict == "inconclusive" and inconclusive_fails
    return ExitCode.INVALID if verdict.invalid or is_undecided else ExitCode.OK
