"""Asking the user whether to go on with what may cost money."""

from __future__ import annotations

import sys

from lgprof.errors import UsageError


def confirm(text: str, *, yes: bool) -> bool:
    """Show what is about to happen, and ask whether to go on.

    Args:
        text: What will happen.
        yes: It is answered already (``--yes``).

    Raises:
        UsageError: Nobody can be asked.
    """
    print(text, file=sys.stderr, flush=True)
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "this needs a yes, and standard input is no terminal",
            hint="add --yes to go on without being asked",
        )
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
