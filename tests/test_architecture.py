"""The rooms stand on floors: upper ones import lower ones, never the other way."""

from __future__ import annotations

import ast
from pathlib import Path

import lgprof

ROOT = Path(lgprof.__file__).parent
FLOORS = {
    "pytest_plugin": 6,
    "cli": 5,
    "gate": 4,
    "render": 4,
    "advice": 4,
    "load": 3,
    "run": 3,
    "analysis": 3,
    "whatif": 3,
    "llm": 2,
    "record": 2,
    "target": 2,
    "langgraph_adapter": 1,
}
GROUND = {"model", "metrics"}
SAME_FLOOR = {
    ("record", "llm"),
    ("run", "analysis"),
    ("load", "analysis"),
    ("load", "run"),
    ("whatif", "run"),
    ("whatif", "analysis"),
}
PRIVATE = ("langgraph._internal", "langgraph.pregel", "langchain_core.tracers.context")


def imports() -> list[tuple[str, str]]:
    """(file below lgprof/, imported module) for every import in the package."""
    found = []
    for file in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            name = str(file.relative_to(ROOT))
            if isinstance(node, ast.ImportFrom) and node.module:
                assert node.level == 0, f"{name}: relative import"
                found += [(name, f"{node.module}.{alias.name}") for alias in node.names]
            elif isinstance(node, ast.Import):
                found += [(name, alias.name) for alias in node.names]
    return found


def room(path: str) -> str:
    return path.split("/")[0] if "/" in path else ""


def test_every_room_has_a_floor() -> None:
    rooms = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert rooms == {*FLOORS, *GROUND}


def test_imports_go_downwards() -> None:
    wrong = []
    for file, module in imports():
        if not module.startswith("lgprof."):
            continue
        here, there = room(file), module.split(".")[1]
        if here == there or file in ("__init__.py", "__main__.py"):
            continue
        if FLOORS.get(here, 0) <= FLOORS.get(there, 0) and (here, there) not in SAME_FLOOR:
            if here not in FLOORS and there not in FLOORS:
                continue  # both on the ground floor
            wrong.append((file, module))
    assert wrong == []


def test_only_the_adapter_touches_internals() -> None:
    wrong = [
        (file, module)
        for file, module in imports()
        if module.startswith(PRIVATE) and room(file) != "langgraph_adapter"
    ]
    assert wrong == []


def test_nothing_imports_locust_or_gevent_outside_load() -> None:
    wrong = [
        file
        for file, module in imports()
        if module.split(".")[0] in ("locust", "gevent") and room(file) != "load"
    ]
    assert wrong == []
