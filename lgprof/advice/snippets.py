"""Pieces of Python for the reader to paste, with the names of their own nodes and keys."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable

from lgprof.advice.observed import Observed

_ENDS = {"__start__": "START", "__end__": "END"}


def quoted(text: str) -> str:
    """A Python string."""
    return json.dumps(text, ensure_ascii=False)


def place(node: str) -> str:
    """A node's name in an edge; ``START`` and ``END`` without quotes."""
    return _ENDS.get(node) or quoted(node)


def places(nodes: Iterable[str]) -> str:
    """A list of nodes in an edge."""
    return f"[{', '.join(map(place, nodes))}]"


def key_tuple(keys: Iterable[str]) -> str:
    """A tuple of strings."""
    written = [quoted(key) for key in keys]
    return f"({', '.join(written)}{',' if len(written) == 1 else ''})"


def identifier(name: str) -> str:
    """A name for a function or variable made of any other."""
    made = re.sub(r"\W+", "_", name).strip("_").lower()
    return f"node_{made}" if not made or made[0].isdigit() or keyword.iskeyword(made) else made


def function_of(observed: Observed, path: str) -> str:
    """The name of a node's function, or one to put in its place."""
    return observed.shape(path).function or f"{identifier(observed.name_of(path))}_function"


def where(observed: Observed, path: str) -> str:
    """A comment that names the graph, where it is not the outermost one."""
    outer, _ = observed.profile.target.owner_of(path)
    return f"# in the graph of node {quoted(outer)}, where it is built\n" if outer else ""
