"""Takes the imports of a target back, so that another version of it can be loaded next."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType


@contextlib.contextmanager
def import_sandbox(cwd: Path | None = None) -> Iterator[None]:
    """Take back on exit what `load_target` and the user's modules left in the process.

    ``sys.path`` and ``os.environ`` are as before, and modules that were imported meanwhile from
    the user's folders (the current one, and those that ``sys.path`` gained) are gone from
    ``sys.modules``, so that another version of the project can be loaded next. Installed packages
    stay.

    Args:
        cwd: The folder given to `load_target`; None: the current folder.
    """
    path, environment, modules = list(sys.path), dict(os.environ), set(sys.modules)
    home = (cwd or Path.cwd()).resolve()
    try:
        yield
    finally:
        folders = [home, *(Path(entry) for entry in sys.path if entry and entry not in path)]
        sys.path[:] = path
        _restore_environment(environment)
        gained = set(sys.modules) - modules
        # A package without __init__.py knows its path only while its parent is there.
        theirs = [name for name in gained if _is_from(sys.modules[name], folders)]
        for name in theirs:
            del sys.modules[name]
        importlib.invalidate_caches()


def _restore_environment(saved: Mapping[str, str]) -> None:
    for name in os.environ.keys() - saved.keys():
        del os.environ[name]
    for name, value in saved.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _is_from(module: ModuleType, folders: Iterable[Path]) -> bool:
    if module.__name__.partition(".")[0] == "lgprof":
        return False  # our own late imports, where the user's folder is lgprof's
    file = getattr(module, "__file__", None)
    try:
        places = [file] if file else list(getattr(module, "__path__", ()))
    except KeyError:  # a package without __init__.py in one whose import failed
        return True
    paths = [Path(place).resolve() for place in places]
    return any(
        path.is_relative_to(folder) and "site-packages" not in path.parts
        for path in paths
        for folder in folders
    )
