"""A state dict that notes which of its keys are read.

It is no plain dict, and some code looks at the exact type: what can be told to take it for one is
told so, and an error that speaks of it gives itself away.
"""

from __future__ import annotations

import dis
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

WHOLE = "*"
_GET_LEN = dis.opmap["GET_LEN"]


class TrackedDict(dict[str, Any]):
    """A dict that notes the keys it is asked for; ``of`` makes one, calling the class a dict."""

    __slots__ = ("_reads",)
    __hash__ = None
    __class__ = property(lambda self: dict)

    _reads: set[str]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return dict(*args, **kwargs)  # ``type(state)(...)`` in the user's code

    @staticmethod
    def of(state: dict[str, Any], reads: set[str]) -> TrackedDict:
        """A twin of the state that notes its reads in the set."""
        twin = dict.__new__(TrackedDict)
        twin._reads = reads
        dict.update(twin, state)
        return twin

    def __getitem__(self, key: str) -> Any:
        self._reads.add(key)
        return dict.__getitem__(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        self._reads.add(key)
        return dict.get(self, key, default)

    def __contains__(self, key: object) -> bool:
        self._reads.add(str(key))
        return dict.__contains__(self, key)

    def pop(self, key: str, *default: Any) -> Any:
        self._reads.add(key)
        return dict.pop(self, key, *default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._reads.add(key)
        return dict.setdefault(self, key, default)

    def __iter__(self) -> Iterator[str]:
        self._reads.add(WHOLE)
        return dict.__iter__(self)

    def __reversed__(self) -> Iterator[str]:
        self._reads.add(WHOLE)
        return dict.__reversed__(self)

    def __len__(self) -> int:
        if not _is_matching(sys._getframe(1)):
            self._reads.add(WHOLE)
        return dict.__len__(self)

    def __eq__(self, other: object) -> bool:
        self._reads.add(WHOLE)
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        self._reads.add(WHOLE)
        return dict.__repr__(self)

    def keys(self) -> Any:
        self._reads.add(WHOLE)
        return dict.keys(self)

    def values(self) -> Any:
        self._reads.add(WHOLE)
        return dict.values(self)

    def items(self) -> Any:
        self._reads.add(WHOLE)
        return dict.items(self)

    def popitem(self) -> tuple[str, Any]:
        self._reads.add(WHOLE)
        return dict.popitem(self)

    def copy(self) -> dict[str, Any]:
        self._reads.add(WHOLE)
        return dict(self)

    def __or__(self, other: Any) -> Any:
        self._reads.add(WHOLE)
        return dict.__or__(self, other)

    def __ror__(self, other: Any) -> Any:
        self._reads.add(WHOLE)
        return dict.__ror__(self, other)

    def __reduce__(self) -> Any:
        self._reads.add(WHOLE)
        return dict, (dict(self),)


def _is_matching(frame: FrameType) -> bool:
    """Whether a ``match`` statement asks for the length: it gets the keys that it names next."""
    return frame.f_code.co_code[frame.f_lasti] == _GET_LEN


def speaks_of_tracking(error: BaseException) -> bool:
    """Whether an error, or one that led to it, names the class of tracked dicts or carries one."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if any(arg is TrackedDict or type(arg) is TrackedDict for arg in current.args):
            return True
        with suppress(Exception):  # the user's own __str__
            if TrackedDict.__name__ in str(current):
                return True
        waiting += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]
    return False


@contextmanager
def written_by_yaml() -> Iterator[None]:
    """Let PyYAML, which goes by the exact type, write tracked dicts as dicts meanwhile."""
    tables: list[dict[type, Any]] = []
    with suppress(ImportError, AttributeError):
        base: Any = importlib.import_module("yaml.representer").BaseRepresenter
        tables = [table for table in _yaml_tables(base) if dict in table]
    for table in tables:
        table[TrackedDict] = table[dict]
    try:
        yield
    finally:
        for table in tables:
            table.pop(TrackedDict, None)


def _yaml_tables(representer: Any) -> Iterator[dict[type, Any]]:
    if "yaml_representers" in vars(representer):
        yield vars(representer)["yaml_representers"]
    for subclass in representer.__subclasses__():
        yield from _yaml_tables(subclass)
