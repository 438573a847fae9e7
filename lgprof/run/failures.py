"""Failed requests as the user shall see them: their frames, not ours."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path

from langgraph.errors import EmptyInputError
from pydantic import ValidationError

from lgprof.langgraph_adapter.outcomes import type_name
from lgprof.model import Failure
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


def is_input_error(error: BaseException | None) -> bool:
    """Whether a graph refused its input before any code of the user's ran."""
    if not isinstance(error, ValidationError | EmptyInputError):
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
    return " ".join(message_of(error).split())


def is_async_only(failure: Failure) -> bool:
    """Whether a node could not be called since it has no sync form, in LangGraph's words."""
    return failure.message.startswith("No synchronous function provided")


def group_failures(failed: Iterable[tuple[BaseException, str | None]]) -> list[Failure]:
    """One `Failure` for each type and node, the most frequent first."""
    groups: dict[tuple[str, str | None], Failure] = {}
    for error, node in failed:
        key = type_name(error), node
        if key in groups:
            groups[key].count += 1
        else:
            groups[key] = Failure(
                key[0], message_of(error), node, user_traceback(error, _MACHINERY)
            )
    return sorted(groups.values(), key=lambda failure: -failure.count)
