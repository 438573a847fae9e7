from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from lgprof.config import Settings, load_settings
from lgprof.errors import TargetError
from lgprof.target import TargetSource, import_sandbox, load_target

Write = Callable[..., Path]


def load(project: Path, spec: str | None) -> TargetSource:
    return load_target(spec, Settings(), project)


def run(source: TargetSource, value: Any = None) -> Any:
    async def once() -> Any:
        async with AsyncExitStack() as stack:
            opened = await source.open({}, stack)
            return await opened.runnable.ainvoke({"a": 1} if value is None else value)

    return asyncio.run(once())


def refused(project: Path, spec: str | None) -> TargetError:
    with pytest.raises(TargetError) as raised:
        load(project, spec)
    return raised.value


# --- what is found -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "spec"),
    [
        ("app.py", "app:graph"),
        ("app.py", "app:builder"),
        ("app.py", "app:make"),
        ("app.py", "app"),
        ("app.py", "app.py:graph"),
        ("app.py", "./app.py"),
        ("pkg/__init__.py", "pkg:graph"),
        ("pkg/__init__.py", "pkg/__init__.py:graph"),
        ("pkg/app.py", "pkg.app:graph"),
        ("pkg/app.py", "pkg/app.py:graph"),
        ("my-app.py", "my-app.py:graph"),
        ("my-folder/random.py", "my-folder/random.py:graph"),
    ],
)
def test_targets(project: Path, write: Write, file: str, spec: str) -> None:
    write(file, graph=True)
    assert run(load(project, spec)) == {"a": 2}


def test_the_only_graph_is_shown_with_its_name(project: Path, write: Write) -> None:
    write("app.py", graph=True)
    assert load(project, "app").spec == "app:graph"


def test_dotted_attributes(project: Path, write: Write) -> None:
    write("app.py", "class Obj:\n    class inner:\n        g = graph\n", graph=True)
    source = load(project, "app:Obj.inner.g")
    assert (source.attribute, run(source)) == ("Obj.inner.g", {"a": 2})


def test_a_module_in_the_src_folder(project: Path, write: Write) -> None:
    write("src/layout/graph.py", graph=True)
    assert run(load(project, "layout.graph:graph")) == {"a": 2}


def test_relative_imports_in_a_package(project: Path, write: Write) -> None:
    write("src/agent/__init__.py")
    write("src/agent/sub/__init__.py")
    write("src/agent/state.py", graph=True)
    write("src/agent/sub/graph.py", "from ..state import graph\n")
    assert run(load(project, "src/agent/sub/graph.py:graph")) == {"a": 2}
    assert sys.modules["agent.sub.graph"].__package__ == "agent.sub"


def test_relative_imports_in_a_folder_without_init(project: Path, write: Write) -> None:
    write("agent/state.py", graph=True)
    write("agent/graph.py", "from .state import graph\n")
    assert run(load(project, "agent/graph.py:graph")) == {"a": 2}


def test_files_beside_a_file_target(project: Path, write: Write) -> None:
    write("deep/er/beside.py", graph=True)
    write("deep/er/app.py", "from beside import graph\n")
    assert run(load(project, "deep/er/app.py:graph")) == {"a": 2}


def test_a_file_is_imported_once(project: Path, write: Write) -> None:
    write("app.py", "import other\n", graph=True)
    write("other.py", "import app\n")
    load(project, "app.py:graph")
    names = [n for n, m in sys.modules.items() if getattr(m, "__file__", "") == f"{project}/app.py"]
    assert names == ["app"]


def test_what_a_module_prints_goes_to_standard_error(
    project: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        "app.py", "print('import')\ndef make2():\n    print('make')\n    return graph\n", graph=True
    )
    run(load(project, "app:make2"))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "import\nmake\n")


def test_a_module_does_not_see_our_arguments(
    project: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["lgprof", "run", "app:graph", "--json", "-"])
    write("app.py", "import argparse\nargparse.ArgumentParser().parse_args()\n", graph=True)
    assert run(load(project, "app:graph")) == {"a": 2}
    assert sys.argv == ["lgprof", "run", "app:graph", "--json", "-"]


# --- no target given ---------------------------------------------------------------------------


def test_app_of_the_settings_starts_at_their_folder(project: Path, write: Write) -> None:
    (project / "lgprof.toml").write_text('app = "lib/app.py:graph"\n')
    write("lib/app.py", graph=True)
    below = project / "below"
    below.mkdir()
    assert run(load_target(None, load_settings(below), below)) == {"a": 2}


def test_the_only_graph_of_langgraph_json(project: Path, write: Write) -> None:
    write("src/agent/graph.py", "from agent.state import graph\n")
    write("src/agent/state.py", graph=True)
    write(
        "langgraph.json",
        json.dumps({"graphs": {"agent": "./src/agent/graph.py:graph"}, "dependencies": ["."]}),
    )
    source = load(project, None)
    assert (source.spec, source.config_name, run(source)) == ("agent", "agent", {"a": 2})


def test_what_langgraph_json_asks_for_in_vain(project: Path, write: Write) -> None:
    write("app.py", graph=True)
    store = {"index": {"embed": "openai:text-embedding-3-small", "dims": 1536}}
    write("langgraph.json", json.dumps({"graphs": {"a": "./app.py:graph"}, "store": store}))
    assert load(project, "a").not_supplied == ("store.index",)


def test_a_name_in_langgraph_json_with_its_environment(
    project: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LGPROF_TEST_SET", "mine")
    write("lib/app.py", "import os\nseen = dict(os.environ)\n", graph=True)
    write(".env", "LGPROF_TEST_NEW=from file\nLGPROF_TEST_SET=theirs\n")
    graphs = {"one": "app:graph", "two": {"path": "./lib/app.py:graph", "description": "x"}}
    write(
        "langgraph.json", json.dumps({"graphs": graphs, "dependencies": ["./lib"], "env": ".env"})
    )
    assert run(load(project, "two")) == {"a": 2}
    assert run(load(project, "one")) == {"a": 2}
    seen = sys.modules["app"].seen
    assert (seen["LGPROF_TEST_NEW"], seen["LGPROF_TEST_SET"]) == ("from file", "mine")
    assert os.environ["LGPROF_TEST_NEW"] == "from file"  # until the sandbox ends


def test_no_target_at_all(project: Path) -> None:
    error = refused(project, None)
    assert error.message.startswith("no target: the command names none")


def test_several_graphs_in_langgraph_json(project: Path, write: Write) -> None:
    write("langgraph.json", json.dumps({"graphs": {"a": "m:a", "b": "m:b"}}))
    error = refused(project, None)
    assert error.message == "langgraph.json has 2 graphs: which one?"
    assert error.hint == "name one: a or b"


def test_a_broken_langgraph_json_is_no_matter_to_a_module(project: Path, write: Write) -> None:
    write("langgraph.json", "{")
    write("app.py", graph=True)
    assert run(load(project, "app:graph")) == {"a": 2}


# --- what is not found -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("ap:graph", "no module named 'ap'", "did you mean app:graph?"),
        ("app.graph", "no module named 'app.graph'", "did you mean app:graph?"),
        ("helper.graph:g", "no module named 'helper.graph'", "did you mean lib/helper/graph.py:g?"),
        ("zzzz:graph", "no module named 'zzzz'", "run lgprof in the project's folder"),
        ("aap.py:graph", "there is no file 'aap.py'", "did you mean app.py:graph?"),
        ("src:x", "src has no attribute 'x'", "src has no graph at its top level"),
        ("./src:x", "there is no file './src'", "./src is a folder: name a file in it"),
        ("no/app.py:x", "there is no file 'no/app.py'", "there is no folder 'no' either"),
        ("app:grph", "app has no attribute 'grph'", "did you mean app:graph or"),
        ("app:State.x", "app.State has no attribute 'x'", "did you mean app:graph or"),
        ("app:State", "app:State: the class State is not a LangGraph graph", "a target is"),
        ("app:number", "app:number: an object of type int is not a LangGraph", "a target is"),
        ("app:model", "app:model: an object of type RunnableLambda is not", "a target is"),
        ("two", "two has 2 graphs: which one?", "name one: two:graph or two:second"),
        ("none.py", "none.py has no graph at its top level", "write none.py:name, where"),
        ("app:remote", "app:remote: a RemoteGraph runs in another process", "give lgprof the"),
    ],
)
def test_wrong_targets(project: Path, write: Write, spec: str, message: str, hint: str) -> None:
    write(
        "app.py",
        "from langchain_core.runnables import RunnableLambda\nnumber = 3\n"
        "model = RunnableLambda(lambda x: x)\nfrom langgraph.pregel.remote import RemoteGraph\n"
        "def remote_graph(): return RemoteGraph('x', url='http://127.0.0.1:1')\n"
        "remote = RemoteGraph('x', url='http://127.0.0.1:1') if __name__ == 'app' else None\n",
        graph=True,
    )
    write("src/agent/graph.py", graph=True)
    write("lib/helper/graph.py", graph=True)
    write("two.py", "second = make().compile()\n", graph=True)
    write("none.py", "x = 1\n")
    error = refused(project, spec)
    assert error.message.startswith(message)
    assert hint in (error.hint or "")
    assert error.user_traceback is None


def test_a_missing_function_is_suggested(project: Path, write: Write) -> None:
    write("app.py", "def make_graph():\n    pass\n")
    hint = refused(project, "app:make_grph").hint
    assert hint == "did you mean app:make_graph?"


# --- errors of theirs --------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["app:graph", "app.py:graph", "my-app.py:graph"])
@pytest.mark.parametrize(
    ("text", "message", "last_lines"),
    [
        ("def f():\n    1 / 0\nf()\n", "ZeroDivisionError: division by zero", "ZeroDivisionError"),
        (
            "import no_such_module\n",
            "ModuleNotFoundError: No module named",
            "import no_such_module",
        ),
        ("from os import nothing\n", "ImportError: cannot import name 'nothing'", "ImportError"),
        ("def f(:\n", "SyntaxError: invalid syntax", "def f(:"),
        ("import sys\nsys.exit(3)\n", "ended the program (exit code 3)", "SystemExit: 3"),
        ("raise BaseException('odd')\n", "BaseException: odd", "BaseException: odd"),
        ("raise ValueError\n", "failed: ValueError", "ValueError"),
    ],
)
def test_import_errors_show_their_traceback(
    project: Path, write: Write, spec: str, text: str, message: str, last_lines: str
) -> None:
    path = write(spec.removesuffix(":graph").removesuffix(".py") + ".py", text)
    error = refused(project, spec)
    assert error.message.startswith(f"importing {spec.removesuffix(':graph')} ")
    assert message in error.message
    told = error.user_traceback or ""
    assert str(path) in told
    assert last_lines in told
    assert "/lgprof/target/" not in told
    assert "importlib" not in told


def test_a_module_missing_deeper_is_theirs(project: Path, write: Write) -> None:
    write("pkg/__init__.py", "import pkg.gone\n")
    write("pkg/app.py", graph=True)
    for spec in ("pkg.app:graph", "pkg/app.py:graph"):
        error = refused(project, spec)
        assert "No module named 'pkg.gone'" in error.message
        assert "import pkg.gone" in (error.user_traceback or "")


def test_causes_are_kept_and_cut(project: Path, write: Write) -> None:
    write(
        "app.py",
        "try:\n    import no_such\nexcept ImportError as e:\n    raise ValueError('v') from e\n",
    )
    told = refused(project, "app:graph").user_traceback or ""
    assert told.count("Traceback (most recent call last):") == 2
    assert "direct cause" in told
    assert "importlib" not in told


def test_a_failed_import_leaves_nothing(project: Path, write: Write) -> None:
    write("my-app.py", "1 / 0\n")
    before = set(sys.modules)
    refused(project, "my-app.py:graph")
    assert set(sys.modules) == before


def test_an_attribute_that_raises_is_theirs(project: Path, write: Write) -> None:
    write("app.py", "def __getattr__(name):\n    raise RuntimeError(name)\n")
    error = refused(project, "app:graph")
    assert error.message == "reading app:graph failed: RuntimeError: graph"
    assert "raise RuntimeError(name)" in (error.user_traceback or "")


def test_keyboard_interrupt_is_passed_on(project: Path, write: Write) -> None:
    write("app.py", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load(project, "app:graph")


def test_a_package_that_fails_after_it_imported_a_folder(project: Path, write: Write) -> None:
    write("agents/__init__.py", "from agents.extra import one\nraise RuntimeError('no key')")
    write("agents/extra/one.py", "")
    write("agents/main.py", "graph = None")
    with import_sandbox(project):
        assert "RuntimeError: no key" in refused(project, "agents/main.py:graph").message
    assert [name for name in sys.modules if name.partition(".")[0] == "agents"] == []
