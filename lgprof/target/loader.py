"""From a target's text to the object that it names: imports the user's code, as Python would."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib
import importlib.util
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from lgprof.config import Settings
from lgprof.errors import TargetError
from lgprof.langgraph_adapter.graphs import is_graph, is_runnable
from lgprof.target.langgraph_json import FILE_NAME, LanggraphJson, read_langgraph_json
from lgprof.target.source import TargetSource, check_usable
from lgprof.target.spec import HOW_TO_WRITE, Spec, parse_spec
from lgprof.target.user_code import has_user_frames, user_code

_LISTED = 5
"""How many names a hint shows."""
_SEARCH_DEPTH = 4
_NOT_SEARCHED = {"node_modules", "__pycache__", "venv", "env", "build", "dist", "site-packages"}


def load_target(spec: str | None, settings: Settings, cwd: Path) -> TargetSource:
    """Import what a target names.

    Afterwards ``sys.path``, ``os.environ`` and ``sys.modules`` are as after an ordinary import:
    `lgprof.target.sandbox.import_sandbox` takes it all back.

    Args:
        spec: The target as typed; None takes ``app`` of the settings, else the only graph of
            ``langgraph.json``.
        settings: Of the project.
        cwd: The folder that relative paths and imports start from.

    Raises:
        TargetError: The target cannot be found or imported, or is nothing that gives a graph.
    """
    folder = cwd.resolve()
    if spec is None and settings.app is not None:
        spec, folder = settings.app, (settings.folder or folder).resolve()
        _add_import_folders([cwd.resolve()])
    project = read_langgraph_json(folder) if _may_be_name(spec) else None
    name = spec if spec is not None else _only_name(project)
    if project is not None and name in project.graphs:
        _add_import_folders(project.import_folders)
        _add_environment(project.environment)
        source = _load(parse_spec(project.graphs[name]), folder, shown_as=name, config_name=name)
        return replace(source, not_supplied=project.not_supplied)
    return _load(parse_spec(name), folder, shown_as=name)


def _may_be_name(spec: str | None) -> bool:
    # So that a broken langgraph.json stands in nobody's way who does not use it.
    return spec is None or ":" not in spec


def _only_name(project: LanggraphJson | None) -> str:
    names = list(project.graphs) if project else []
    if len(names) == 1:
        return names[0]
    if names:
        raise TargetError(
            f"{FILE_NAME} has {len(names)} graphs: which one?",
            hint=f"name one: {_to_type(names)}",
        )
    raise TargetError(
        f"no target: the command names none, [tool.lgprof] has no app, and no {FILE_NAME} "
        "with a graph is here",
        hint=HOW_TO_WRITE,
    )


def _load(
    spec: Spec, folder: Path, *, shown_as: str, config_name: str | None = None
) -> TargetSource:
    _add_import_folders([folder, *filter(Path.is_dir, [folder / "src"])])
    module = _import_file(spec, folder) if spec.is_file else _import_module(spec, folder)
    attribute, obj = _find(spec, module)
    check_usable(obj, where=f"{spec.place}:{attribute}")
    text = shown_as if config_name or spec.attribute else spec.with_attribute(attribute)
    return TargetSource(spec=text, obj=obj, attribute=attribute, config_name=config_name)


# --- importing ---------------------------------------------------------------------------------


def _add_import_folders(folders: Iterable[Path]) -> None:
    for folder in reversed(list(folders)):
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


def _add_environment(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def _import_module(spec: Spec, folder: Path) -> ModuleType:
    name = spec.place
    try:
        return _run_import(name, f"importing {name}")
    except TargetError as error:
        if _is_missing(error.__cause__, name):
            hint = _module_hint(spec, folder)
            raise TargetError(
                f"no module named {name!r} (looked from {folder})", hint=hint
            ) from None
        raise


def _run_import(name: str, doing: str) -> ModuleType:
    with _own_arguments(name), user_code(doing):
        return importlib.import_module(name)


def _is_missing(error: BaseException | None, name: str) -> bool:
    """Whether an import failed as the module itself is missing, not one that it imports."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return False
    return f"{name}.".startswith(f"{error.name}.") and not has_user_frames(error)


def _import_file(spec: Spec, folder: Path) -> ModuleType:
    path = spec.path(folder).resolve()
    if not path.is_file():
        raise TargetError(
            f"there is no file {spec.place!r} (in {folder})", hint=_file_hint(spec, path)
        )
    root = _package_root(path)
    names = _module_names(path, root)
    if root != path.parent:
        _add_import_folders([root])
    elif str(root) not in sys.path:
        sys.path.append(str(root))  # as for a script, so that it finds the files beside it
    doing = f"importing {spec.place}"
    for name in names:
        with _own_arguments(str(path)), user_code(doing):
            if _is_importable_as(name, path):
                return importlib.import_module(name)
    return _execute_file(path, doing)


def _package_root(path: Path) -> Path:
    """The folder from which a file is imported by its dotted name."""
    folder = path.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _module_names(path: Path, root: Path) -> list[str]:
    """Names that a file may be imported by, the best first.

    That of its package; those by which the import folders reach it, shortest first (folders
    without ``__init__.py`` are packages too); its own.
    """
    module = path.parent if path.name == "__init__.py" else path.with_suffix("")
    folders = [Path(entry) for entry in sys.path if entry]
    reached = [module.relative_to(folder).parts for folder in folders if folder in module.parents]
    packaged = [module.relative_to(root).parts] if root != path.parent else []
    names = [*packaged, *sorted(reached, key=len), (module.name,)]
    usable = [".".join(words) for words in names if all(word.isidentifier() for word in words)]
    return list(dict.fromkeys(usable))


def _is_importable_as(name: str, path: Path) -> bool:
    """Whether importing a name gives this very file; imports the packages around it."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        return file is not None and Path(file).resolve() == path
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if _is_missing(error, name):
            return False
        raise
    return found is not None and found.origin is not None and Path(found.origin).resolve() == path


def _execute_file(path: Path, doing: str) -> ModuleType:
    """Import a file that has no module name of its own, under one that clashes with nothing."""
    stem = re.sub(r"\W", "_", path.stem)
    name = f"{stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise TargetError(f"{path} is not a Python file", hint=HOW_TO_WRITE)
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        with _own_arguments(str(path)), user_code(doing):
            found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextlib.contextmanager
def _own_arguments(program: str) -> Iterator[None]:
    """Keep our command line from modules that read ``sys.argv`` while they are imported."""
    saved = sys.argv
    sys.argv = [program]
    try:
        yield
    finally:
        sys.argv = saved


# --- finding the attribute ---------------------------------------------------------------------


def _find(spec: Spec, module: ModuleType) -> tuple[str, Any]:
    """The attribute and its value; without an attribute, the only graph of the module."""
    if spec.attribute is None:
        return _only_graph(spec, module)
    obj: Any = module
    for depth, word in enumerate(spec.attribute.split(".")):
        with user_code(f"reading {spec.text}"):
            found = _attribute(obj, word)
        if found is None:
            owner = ".".join([spec.place, *spec.attribute.split(".")[:depth]])
            raise TargetError(
                f"{owner} has no attribute {word!r}", hint=_attribute_hint(spec, module)
            )
        (obj,) = found
    return spec.attribute, obj


def _attribute(obj: object, name: str) -> tuple[Any] | None:
    try:
        return (getattr(obj, name),)
    except AttributeError as error:
        # One that a property or a module's __getattr__ stumbles over is the user's own.
        if error.name == name or error.name is None:
            return None
        raise


def _only_graph(spec: Spec, module: ModuleType) -> tuple[str, Any]:
    graphs = _graphs_in(module)
    if len(graphs) == 1:
        return next(iter(graphs.items()))
    choices = [spec.with_attribute(name) for name in graphs]
    if graphs:
        raise TargetError(
            f"{spec.place} has {len(graphs)} graphs: which one?",
            hint=f"name one: {_to_type(choices)}",
        )
    raise TargetError(
        f"{spec.place} has no graph at its top level",
        hint=f"write {spec.with_attribute('name')}, where name is a graph or a function that "
        "returns one",
    )


def _graphs_in(module: ModuleType) -> dict[str, Any]:
    """The graphs of a module by name; builders only where nothing is compiled."""
    found: dict[int, tuple[str, Any]] = {}
    for name, value in vars(module).items():
        if not name.startswith("__") and is_graph(value):
            found.setdefault(id(value), (name, value))
    graphs = dict(found.values())
    compiled = {name: graph for name, graph in graphs.items() if is_runnable(graph)}
    return compiled or graphs


# --- hints -------------------------------------------------------------------------------------


def _to_type(targets: Iterable[str]) -> str:
    return " or ".join(shlex.quote(name) for name in list(targets)[:_LISTED])


def _did_you_mean(*targets: str) -> str:
    return f"did you mean {_to_type(targets)}?"


def _attribute_hint(spec: Spec, module: ModuleType) -> str:
    names = list(_graphs_in(module))
    if not names:
        functions = [name for name, value in vars(module).items() if callable(value)]
        names = difflib.get_close_matches(spec.attribute or "", functions, n=1)
    if not names:
        return f"{spec.place} has no graph at its top level"
    close = difflib.get_close_matches(spec.attribute or "", names, n=1)
    best = [*close, *(name for name in names if name not in close)]
    return _did_you_mean(*(spec.with_attribute(name) for name in best))


def _module_hint(spec: Spec, folder: Path) -> str:
    suffix = f":{spec.attribute}" if spec.attribute else ""
    parent, _, last = spec.place.rpartition(".")
    if not suffix and parent and parent in sys.modules:
        return _did_you_mean(f"{parent}:{last}")
    files = _python_files(folder)
    same = [file for dotted, file in files.items() if f".{dotted}".endswith(f".{spec.place}")]
    close = difflib.get_close_matches(spec.place, list(files), n=1)
    if same:
        return _did_you_mean(f"{same[0]}{suffix}")
    if close:
        return _did_you_mean(f"{_as_typed(close[0], files[close[0]])}{suffix}")
    return f"run lgprof in the project's folder, or {HOW_TO_WRITE}"


def _as_typed(dotted: str, file: str) -> str:
    return dotted if all(word.isidentifier() for word in dotted.split(".")) else file


def _python_files(folder: Path) -> dict[str, str]:
    """The project's modules: dotted names from the folder, each with its relative path."""
    files: dict[str, str] = {}
    for current, folders, names in os.walk(folder):
        depth = len(Path(current).relative_to(folder).parts)
        folders[:] = [
            name
            for name in folders
            if depth < _SEARCH_DEPTH and not name.startswith(".") and name not in _NOT_SEARCHED
        ]
        for name in names:
            if name.endswith(".py"):
                relative = (Path(current) / name).relative_to(folder)
                dotted = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
                files[dotted] = relative.as_posix()
    return files


def _file_hint(spec: Spec, path: Path) -> str:
    if path.is_dir():
        return f"{spec.place} is a folder: name a file in it"
    if not path.parent.is_dir():
        return f"there is no folder {Path(spec.place).parent.as_posix()!r} either"
    names = [file.name for file in path.parent.glob("*.py")]
    close = difflib.get_close_matches(path.name, names, n=1)
    suffix = f":{spec.attribute}" if spec.attribute else ""
    best = Path(spec.place).with_name(close[0]).as_posix() if close else None
    return _did_you_mean(f"{best}{suffix}") if best else HOW_TO_WRITE
