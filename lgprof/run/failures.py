"""Failed requests as the user shall see them: their frames, not ours."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path

from lgprof.langgraph_adapter.outcomes import type_name
from lgprof.model import Failure

_OWN = Path(__file__).resolve().parents[1]
_LIBRARIES = tuple(
    str(Path(sysconfig.get_path("purelib")) / name)
    for name in ("langgraph", "langchain_core", "tenacity")
)
_STANDARD = tuple(
    str(Path(sysconfig.get_path("stdlib")) / name)
    for name in ("asyncio", "concurrent", "threading.py", "contextlib.py", "contextvars.py")
)

_LANGGRAPH_NOTE = "During task with name"


def user_traceback(error: BaseException) -> str:
    """The traceback without the frames of lgprof, LangGraph and the event loop.

    All frames but lgprof's stay where nothing else would be left.
    """
    shown = traceback.TracebackException.from_exception(error, capture_locals=False)
    for part in _chain(shown):
        mine = [frame for frame in part.stack if not frame.filename.startswith(str(_OWN))]
        theirs = [
            frame for frame in mine if not frame.filename.startswith((*_LIBRARIES, *_STANDARD))
        ]
        part.stack[:] = theirs or mine
        part.__notes__ = [
            note for note in part.__notes__ or () if not note.startswith(_LANGGRAPH_NOTE)
        ] or None
    return "".join(shown.format())


def _chain(shown: traceback.TracebackException) -> Iterable[traceback.TracebackException]:
    current: traceback.TracebackException | None = shown
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def group_failures(failed: Iterable[tuple[BaseException, str | None]]) -> list[Failure]:
    """One `Failure` for each type and node, the most frequent first."""
    groups: dict[tuple[str, str | None], Failure] = {}
    for error, node in failed:
        key = type_name(error), node
        if key in groups:
            groups[key].count += 1
        else:
            groups[key] = Failure(key[0], str(error), node, user_traceback(error))
    return sorted(groups.values(), key=lambda failure: -failure.count)
