"""What GitHub Actions shows of a verdict, where lgprof runs under it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from lgprof.model import Verdict


def tell_github(verdict: Verdict, people: IO[str]) -> None:
    """Annotate the job and append to its summary; nothing outside GitHub Actions."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    from lgprof.render.github import annotation_lines
    from lgprof.render.markdown import verdict_markdown

    for line in annotation_lines(verdict):
        print(line, file=people)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    try:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(verdict_markdown(verdict))
    except OSError as error:
        print(f"warning: {summary} cannot be written: {error.strerror}", file=sys.stderr)
