"""Runs a comparison of two versions, with its progress on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lgprof.cli.asking import confirm
from lgprof.cli.status_line import status_line
from lgprof.render.quantity import change, interval

if TYPE_CHECKING:
    from lgprof.cli.measuring import RunRequest
    from lgprof.gate.versions import Against, GateProgress
    from lgprof.model import Verdict


def compare(request: RunRequest, against: Against, *, quiet: bool, yes: bool) -> Verdict:
    """Compare the working tree with another revision.

    Raises:
        LgprofError: One of the versions cannot be run.
    """
    from lgprof.gate.stage import Subject
    from lgprof.gate.versions import compare_versions

    subject = Subject(
        spec=request.target,
        settings=request.settings,
        inputs=request.inputs,
        options=request.options,
        billing=request.billing,
        cwd=request.cwd,
    )
    with status_line(quiet=quiet) as line:

        def asked(text: str) -> bool:
            line.pause()
            return confirm(text, yes=yes)

        return compare_versions(
            subject,
            against,
            confirm=asked,
            progress=lambda state: line.show(progress_text(state)),
        )


def progress_text(state: GateProgress) -> str:
    """How far it is: ``pair 5, wall +0.3% [-1.2%, +1.9%] so far, at most 95 s left``."""
    left = f"at most {state.left_s:.0f} s left"
    if state.phase == "prepare":
        return f"preparing both versions, {left}"
    if state.change is None:
        return f"pair {state.pair}, {left}"
    found = f"{change(state.change)} {interval(state.ci)}"
    return f"pair {state.pair}, wall {found} so far, {left}"
