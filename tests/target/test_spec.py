from __future__ import annotations

from pathlib import Path

import pytest

from lgprof.errors import TargetError
from lgprof.target.spec import Spec, parse_spec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", Spec("app", "app", False, None)),
        ("app:graph", Spec("app:graph", "app", False, "graph")),
        ("pkg.app:Obj.graph", Spec("pkg.app:Obj.graph", "pkg.app", False, "Obj.graph")),
        ("app.py", Spec("app.py", "app.py", True, None)),
        ("./src/my-app.py:g", Spec("./src/my-app.py:g", "./src/my-app.py", True, "g")),
        ("src/app", Spec("src/app", "src/app", True, None)),
        ("C:/x/app.py", Spec("C:/x/app.py", "C:/x/app.py", True, None)),
        ("C:/x/app.py:g", Spec("C:/x/app.py:g", "C:/x/app.py", True, "g")),
    ],
)
def test_forms(text: str, expected: Spec) -> None:
    assert parse_spec(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no module or file"),
        (":app", "names no module or file"),
        ("app:", "'' in the target 'app:' is not the name of an attribute"),
        ("app:my-graph", "'my-graph' in the target"),
        ("app:g()", "is not the name of an attribute"),
        ("my-app:g", "'my-app' is not the name of a module"),
        ("a..b:g", "is not the name of a module"),
        ("http://localhost:2024", "'2024' in the target"),
    ],
)
def test_bad_text(text: str, message: str) -> None:
    with pytest.raises(TargetError) as raised:
        parse_spec(text)
    assert message in raised.value.message
    assert raised.value.hint is not None


def test_paths_start_at_the_folder() -> None:
    assert parse_spec("a/b.py").path(Path("/x")) == Path("/x/a/b.py")
    assert parse_spec("/a/b.py").path(Path("/x")) == Path("/a/b.py")
