"""Failed requests as the user shall see them: their frames, not ours."""

from __future__ import annotations

import sysconfig
import textwrap
import traceback
from collections.abc import Iterable
from pathlib import Path

from langgraph.errors import EmptyInputError, InvalidUpdateError
from pydantic import ValidationError

from lgprof.langgraph_adapter.outcomes import type_name
from lgprof.model import ErrorRow, Failure
from lgprof.redaction import redacted
from lgprof.target.user_code import is_user_file, message_of, user_traceback

# Between us and a node's function lie only these.
_MACHINERY = tuple(
    str(Path(sysconfig.get_path("purelib")) / name)
    for name in ("langgraph", "langchain_core", "tenacity")
) + tuple(
    str(Path(sysconfig.get_path("stdlib")) / name)
    for name in ("asyncio", "concurrent", "threading.py", "contextlib.py", "contextvars.py")
)
_PYDANTIC = (str(Path(sysconfig.get_path("purelib")) / "pydantic"),)

_LONGEST_COMPLAINT = 200


def is_input_error(error: BaseException | None) -> bool:
    """Whether a graph may have refused its input: no code of the user's is in the traceback."""
    if not isinstance(error, ValidationError | EmptyInputError | InvalidUpdateError):
        return False
    frames = traceback.extract_tb(error.__traceback__)
    return not any(
        is_user_file(frame.filename) and not frame.filename.startswith((*_MACHINERY, *_PYDANTIC))
        for frame in frames
    )


def input_complaint(error: BaseException) -> str:
    """What a graph has against its input, on one line."""
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()
        )
    message, *_ = message_of(error).partition("For troubleshooting")
    return textwrap.shorten(message, _LONGEST_COMPLAINT)


def note_messages(rows: Iterable[ErrorRow], failures: Iterable[Failure]) -> None:
    """Put the first message of each kind of error, redacted, into its row of a Profile."""
    messages = {(failure.error_type, failure.node): failure.message for failure in failures}
    for row in rows:
        message = messages.get((row.type, row.node))
        row.message = None if message is None else redacted(message)


def is_async_only(failure: Failure) -> bool:
    """Whether a node could not be called since it has no sync form, in LangGraph's words."""
    return failure.message.startswith("No synchronous function provided")


class FailureGroups:
    """Failed requests by error type and node. Only the first of each is held, as text."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str | None], Failure] = {}

    def add(self, error: BaseException, node: str | None) -> None:
        """Count one."""
        key = type_name(error), node
        group = self._groups.get(key)
        if group is None:
            trace = user_traceback(error, _MACHINERY)
            self._groups[key] = Failure(key[0], message_of(error), node, trace)
        else:
            group.count += 1

    def as_list(self) -> list[Failure]:
        """The groups, the most frequent first."""
        return sorted(self._groups.values(), key=lambda failure: -failure.count)


def group_failures(failed: Iterable[tuple[BaseException, str | None]]) -> list[Failure]:
    """One `Failure` for each type and node, the most frequent first."""
    groups = FailureGroups()
    for error, node in failed:
        groups.add(error, node)
    return groups.as_list()


def merge_failures(failures: Iterable[Failure]) -> list[Failure]:
    """Groups of several processes as one list, the most frequent first."""
    groups: dict[tuple[str, str | None], Failure] = {}
    for failure in failures:
        known = groups.get((failure.error_type, failure.node))
        if known is None:
            groups[failure.error_type, failure.node] = failure
        else:
            known.count += failure.count
    return sorted(groups.values(), key=lambda failure: -failure.count)
