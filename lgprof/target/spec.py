"""What a user types as a target, taken apart.

target    = name | place [":" attribute]
name      = a key of "graphs" in ./langgraph.json
place     = module | file
module    = word {"." word}
file      = a path that ends in ".py" or holds a "/"
attribute = word {"." word}
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lgprof.errors import TargetError

HOW_TO_WRITE = "write module:attribute, path/to/file.py:attribute, or a name in langgraph.json"


@dataclass(frozen=True)
class Spec:
    """Where a graph is: in a module or in a file, under an attribute or as its only graph."""

    text: str
    """As typed."""
    place: str
    """A dotted module name, or the path of a file as typed."""
    is_file: bool
    attribute: str | None
    """Dotted; None: the only graph there."""

    def path(self, folder: Path) -> Path:
        """The file, where ``place`` is one; relative paths start at the folder."""
        return folder / Path(self.place).expanduser()

    def with_attribute(self, attribute: str) -> str:
        """What to type for another attribute of the same place."""
        return f"{self.place}:{attribute}"


def parse_spec(text: str) -> Spec:
    """Take a target apart; names of ``langgraph.json`` must be looked up before.

    Raises:
        TargetError: The text cannot be a module or a file.
    """
    place, attribute = _split(text.strip())
    is_file = place.endswith(".py") or "/" in place or os.sep in place
    if not place:
        raise TargetError(f"the target {text!r} names no module or file", hint=HOW_TO_WRITE)
    if attribute is not None and not _is_dotted_name(attribute):
        raise TargetError(
            f"{attribute!r} in the target {text!r} is not the name of an attribute",
            hint=HOW_TO_WRITE,
        )
    if not is_file and not _is_dotted_name(place):
        raise TargetError(f"{place!r} is not the name of a module", hint=HOW_TO_WRITE)
    return Spec(text, place, is_file, attribute)


def _split(text: str) -> tuple[str, str | None]:
    place, colon, attribute = text.rpartition(":")
    # The colon of a Windows drive is followed by a path.
    if not colon or "/" in attribute or "\\" in attribute:
        return text, None
    return place, attribute


def _is_dotted_name(text: str) -> bool:
    return all(word.isidentifier() for word in text.split("."))
