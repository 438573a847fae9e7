"""``langgraph.json``: the graphs of a project, its import folders and its environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from lgprof.errors import TargetError

FILE_NAME = "langgraph.json"


@dataclass(frozen=True)
class LanggraphJson:
    """What lgprof takes from a ``langgraph.json``."""

    file: Path
    graphs: dict[str, str]
    """Names, each with its ``path:attribute``."""
    import_folders: list[Path]
    """The project's folder, its local dependencies, and the ``src`` folder in each."""
    environment: dict[str, str]
    """Of the ``env`` file or table; variables that are already set win over it."""
    not_supplied: tuple[str, ...] = ()
    """What it asks its host for and lgprof does not supply."""


def read_langgraph_json(folder: Path) -> LanggraphJson | None:
    """Read ``langgraph.json`` of a folder; None where there is none.

    An ``env`` file that does not exist counts as empty: it holds secrets, so a fresh clone
    lacks it, and the variables may be set already.

    Raises:
        TargetError: It is not JSON, or does not say what it should.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        return None
    content = _read_object(file)
    return LanggraphJson(
        file=file,
        graphs=_graphs(content.get("graphs", {}), file),
        import_folders=_import_folders(content.get("dependencies", []), file),
        environment=_environment(content.get("env", {}), file),
        not_supplied=_not_supplied(content),
    )


def _not_supplied(content: Mapping[str, Any]) -> tuple[str, ...]:
    store = content.get("store")
    return ("store.index",) if isinstance(store, Mapping) and store.get("index") else ()


def _read_object(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise TargetError(
            f"{file} is not valid JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise TargetError(f"{file} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise TargetError(f"{file} must hold a JSON object")
    return content


def _graphs(graphs: object, file: Path) -> dict[str, str]:
    if not isinstance(graphs, dict):
        raise TargetError(f'{file}: "graphs" must be an object of names and paths')
    return {name: _graph_path(name, entry, file) for name, entry in graphs.items()}


def _graph_path(name: str, entry: object, file: Path) -> str:
    path = entry.get("path") if isinstance(entry, Mapping) else entry
    if not isinstance(path, str):
        raise TargetError(
            f"{file}: the graph {name!r} has no path",
            hint='write "name": "./file.py:graph", or {"path": "./file.py:graph"}',
        )
    return path


def _import_folders(dependencies: object, file: Path) -> list[Path]:
    if not isinstance(dependencies, list):
        raise TargetError(f'{file}: "dependencies" must be a list')
    folders = [file.parent]
    for dependency in dependencies:
        if not isinstance(dependency, str) or not dependency.startswith((".", "/")):
            continue  # a package, which the environment has or lacks
        local = (file.parent / dependency).resolve()
        if not local.is_dir():
            raise TargetError(f"{file}: there is no folder {dependency!r} (in dependencies)")
        folders.append(local)
    with_sources = [candidate for folder in folders for candidate in (folder, folder / "src")]
    return [folder for folder in dict.fromkeys(with_sources) if folder.is_dir()]


def _environment(env: object, file: Path) -> dict[str, str]:
    if isinstance(env, str):
        values = dotenv_values(file.parent / env)
        return {name: value for name, value in values.items() if value is not None}
    if isinstance(env, Mapping):
        return {name: _variable(name, value, file) for name, value in env.items()}
    raise TargetError(f'{file}: "env" must be the path of a file, or an object of variables')


def _variable(name: str, value: object, file: Path) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise TargetError(f"{file}: the variable {name} in env must be a string")
