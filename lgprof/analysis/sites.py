"""Frames as they are stored: without paths of a machine, and without the inside of libraries."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path, PurePath

import lgprof
from lgprof.model import PythonFrame
from lgprof.record.sampler import BUILT_IN, Site

_OWN_FOLDER = str(Path(lgprof.__file__).parent) + os.sep
_PACKAGES = ("site-packages", "dist-packages")
_STANDARD = tuple(os.path.join(sysconfig.get_path(name), "") for name in ("stdlib", "platstdlib"))
_ENTRIES = ("langchain_core/language_models/", "langchain_core/tools/", "langchain_core/retrievers")
"""Where langchain-core calls what somebody implemented."""
_MACHINERY = frozenset({"threading", "asyncio", "concurrent", "contextlib", "selectors", "runpy"})


def user_part(stack: Sequence[Site]) -> Sequence[Site]:
    """The stack without what only brings it to run: threads, the event loop, lgprof."""
    kept = [site for site in stack if not site.file.startswith(_OWN_FOLDER)]
    for index, site in enumerate(kept):
        if site.file not in ("<thread>", BUILT_IN) and _library(site.file) not in _MACHINERY:
            return kept[index:]
    return ()


def is_of_sampler(stack: Sequence[Site]) -> bool:
    """Whether it is the sampler's own work."""
    return any(_library(site.file) == "pyinstrument" for site in stack[-3:])


def call_body(stack: Sequence[Site]) -> Sequence[Site]:
    """What is below langchain-core's call of a model, tool or retriever; all if none is seen."""
    for index in range(len(stack) - 1, -1, -1):
        if any(part in PurePath(stack[index].file).as_posix() for part in _ENTRIES):
            return stack[index + 1 :]
    return stack


class SitePrinter:
    """Makes frames of sites."""

    def __init__(self) -> None:
        self._frames: dict[tuple[str, str, int], PythonFrame] = {}

    def frames(self, stack: Sequence[Site]) -> Iterator[tuple[PythonFrame, int]]:
        """The frames of a stack, and the line in each that called the next.

        Of a library the outermost frame alone is kept: the one that the code above knows.
        """
        inside: str | None = None
        last = len(stack) - 1
        for index, site in enumerate(stack):
            frame = self._frame(site)
            if frame.library is not None and frame.library == inside:
                continue
            inside = frame.library
            yield frame, 0 if index == last or frame.library is not None else site.line

    def _frame(self, site: Site) -> PythonFrame:
        key = site.function, site.file, site.first_line
        frame = self._frames.get(key)
        if frame is None:
            library = _library(site.file)
            line = 0 if library else site.first_line
            frame = PythonFrame(site.function, module_path(site.file), line, library)
            self._frames[key] = frame
        return frame


def module_path(file: str) -> str:
    """A file's path from where modules are imported, else its bare name: none of the machine."""
    if not os.path.isabs(file):
        return file
    roots = (os.path.join(os.path.abspath(path), "") for path in sys.path)
    longest = max((root for root in roots if file.startswith(root)), key=len, default=None)
    return PurePath(file[len(longest) :] if longest else PurePath(file).name).as_posix()


def is_users(file: str) -> bool:
    """Whether a file is of the user's own code."""
    return not file.startswith((_OWN_FOLDER, "<")) and file != "" and _library(file) is None


@cache
def _library(file: str) -> str | None:
    """The package that a file belongs to; None for code of the user's."""
    if file == BUILT_IN:
        return None
    if file.startswith("<frozen "):
        return file[8:].rstrip(">").partition(".")[0]
    parts = PurePath(file).parts
    for place in _PACKAGES:
        if place in parts:
            return PurePath(parts[parts.index(place) + 1]).stem
    for root in _STANDARD:
        if file.startswith(root):
            return PurePath(PurePath(file[len(root) :]).parts[0]).stem
    return None
