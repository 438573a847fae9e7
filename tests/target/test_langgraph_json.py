from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lgprof.errors import TargetError
from lgprof.target.langgraph_json import read_langgraph_json


def read(folder: Path, content: Any) -> Any:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "langgraph.json").write_text(text)
    return read_langgraph_json(folder)


def test_no_file(tmp_path: Path) -> None:
    assert read_langgraph_json(tmp_path) is None


def test_both_forms_of_graphs(tmp_path: Path) -> None:
    graphs = {"a": "./a.py:g", "b": {"path": "b:g", "description": "x"}}
    assert read(tmp_path, {"graphs": graphs}).graphs == {"a": "./a.py:g", "b": "b:g"}


def test_import_folders(tmp_path: Path) -> None:
    (tmp_path / "lib" / "src").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    found = read(tmp_path, {"dependencies": [".", "./lib", "./other", "langchain", "x>=1"]})
    names = ["", "lib", "lib/src", "other"]
    assert found.import_folders == [tmp_path / name for name in names]


def test_environment_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# comment\nexport A='x y'\nB=${A}!\nC\n")
    assert read(tmp_path, {"env": ".env"}).environment == {"A": "x y", "B": "x y!"}


def test_a_missing_environment_file_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path, {"env": "./.env"}).environment == {}


def test_environment_table(tmp_path: Path) -> None:
    assert read(tmp_path, {"env": {"A": "1", "B": 2}}).environment == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{\n  "graphs": {,}\n}', "is not valid JSON: Expecting property name"),
        ('{\n  "graphs": {,}\n}', "in line 2, column 14"),
        ([], "must hold a JSON object"),
        ({"graphs": []}, '"graphs" must be an object'),
        ({"graphs": {"a": 3}}, "the graph 'a' has no path"),
        ({"graphs": {"a": {"description": "x"}}}, "the graph 'a' has no path"),
        ({"dependencies": "."}, '"dependencies" must be a list'),
        ({"dependencies": ["./gone"]}, "there is no folder './gone' (in dependencies)"),
        ({"env": 3}, '"env" must be the path of a file, or an object'),
        ({"env": {"A": ["x"]}}, "the variable A in env must be a string"),
    ],
)
def test_wrong_content(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(TargetError) as raised:
        read(tmp_path, content)
    assert str(tmp_path / "langgraph.json") in raised.value.message
    assert message in raised.value.message
