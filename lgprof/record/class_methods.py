"""Wraps the methods of a class and of all classes below it for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def wrapped_methods(base: type, wraps: dict[str, Wrap]) -> Iterator[None]:
    """Replace methods where they are defined, also in classes that are made meanwhile.

    Args:
        base: Its own methods are wrapped too, but for abstract ones.
        wraps: By the method's name.
    """
    undo: list[tuple[type, str, Any]] = []

    def wrap(cls: type) -> None:
        for name, wrapper in wraps.items():
            method = cls.__dict__.get(name)
            if callable(method) and not getattr(method, "__isabstractmethod__", False):
                undo.append((cls, name, method))
                setattr(cls, name, wrapper(method))

    def init_subclass(cls: Any, /, **kwargs: Any) -> None:
        super(base, cls).__init_subclass__(**kwargs)  # type: ignore[arg-type]
        wrap(cls)

    own = base.__dict__.get("__init_subclass__")
    for cls in {base, *_below(base)}:
        wrap(cls)
    if own is None:
        base.__init_subclass__ = classmethod(init_subclass)  # type: ignore[assignment]
    try:
        yield
    finally:
        if own is None:
            del base.__init_subclass__
        for cls, name, method in undo:
            setattr(cls, name, method)


def _below(base: type) -> Iterator[type]:
    below: list[type] = type.__subclasses__(base)
    for cls in below:
        yield cls
        yield from _below(cls)
