from __future__ import annotations

from pathlib import Path

import pytest

from lgprof.config import Settings, load_settings
from lgprof.errors import UsageError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_no_file_gives_defaults(project: Path) -> None:
    assert load_settings(project) == Settings()
    assert load_settings(project).folder is None


def test_pyproject_table(project: Path) -> None:
    file = project / "pyproject.toml"
    file.write_text(
        '[tool.lgprof]\napp = "m:app"\ninputs = "@in.jsonl"\nfailed_when = "x"\n'
        'timeout = "5s"\nprobes = false\n[tool.lgprof.run]\nrequests = 3\n'
    )
    assert load_settings(project) == Settings(
        app="m:app",
        inputs="@in.jsonl",
        failed_when="x",
        options={"timeout": "5s", "probes": False, "requests": 3},
        file=file.resolve(),
    )


def test_run_table_wins_over_the_top(project: Path) -> None:
    (project / "lgprof.toml").write_text("requests = 3\nwarmup = 1\n[run]\nrequests = 5\n")
    assert load_settings(project).options == {"requests": 5, "warmup": 1}


def test_each_command_has_its_table_and_load_takes_no_count_of_run(project: Path) -> None:
    (project / "lgprof.toml").write_text(
        """
        app = "m:app"
        timeout = "5s"
        mode = "sync"
        requests = 3
        warmup = 1
        concurrency = 2
        probes = false
        inputs = ["a"]
        [run]
        timeout = "6s"
        [load]
        rps = 50
        warmup = "2s"
        timeout = "7s"
        stages = ["10:5s"]
        workers = "auto"
        inputs = ["b"]
        failed_when = "x"
        """
    )
    load = load_settings(project, "load")
    assert (load.app, load.inputs, load.failed_when) == ("m:app", ["b"], "x")
    assert load.options == {
        "timeout": "7s",
        "mode": "sync",
        "rps": 50,
        "warmup": "2s",
        "stages": ["10:5s"],
        "workers": "auto",
    }
    run = load_settings(project)
    assert (run.inputs, run.failed_when, run.options["warmup"]) == (["a"], None, 1)
    assert run.options["timeout"] == "6s"
    assert "rps" not in run.options


def test_lgprof_toml_wins_over_pyproject(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.lgprof]\napp = "a:x"\n')
    (project / "lgprof.toml").write_text('app = "b:x"\n')
    assert load_settings(project).app == "b:x"


def test_the_nearest_file_above_counts(project: Path) -> None:
    (project / "lgprof.toml").write_text('app = "top:x"\n')
    inner = project / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text('[project]\nname = "no settings here"\n')
    settings = load_settings(inner)
    assert settings.app == "top:x"
    assert settings.folder == project.resolve()


def test_the_search_stops_at_git(project: Path) -> None:
    (project / "lgprof.toml").write_text('app = "top:x"\n')
    inner = project / "other"
    (inner / ".git").mkdir(parents=True)
    assert load_settings(inner) == Settings()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ('["a", {q = 1}]', ["a", {"q": 1}]),
        ("{q = 1}", {"q": 1}),
        ('"@x.jsonl"', "@x.jsonl"),
    ],
)
def test_forms_of_inputs(project: Path, inputs: str, expected: object) -> None:
    (project / "lgprof.toml").write_text(f"inputs = {inputs}\n")
    assert load_settings(project).inputs == expected


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("reqests = 3", "unknown setting tool.lgprof.reqests", "did you mean requests?"),
        (
            "failed-when = 'x'",
            "unknown setting tool.lgprof.failed-when",
            "did you mean failed_when?",
        ),
        ("zzz = 1", "unknown setting tool.lgprof.zzz", "the settings are app, inputs"),
        ("requests = '3'", "tool.lgprof.requests must be a whole number, not a string", None),
        ("requests = true", "tool.lgprof.requests must be a whole number, not true or false", None),
        ("app = 3", "tool.lgprof.app must be a string, not a whole number", None),
        ("timeout = [1]", "tool.lgprof.timeout must be a string or a whole number or a", None),
        ("run = 1", "tool.lgprof.run must be a table", "write [tool.lgprof.run]"),
        ("[tool.lgprof.run]\napp = 'x'", "unknown setting tool.lgprof.run.app", "settings are"),
        ("rps = 5", "unknown setting tool.lgprof.rps", "write it in [tool.lgprof.load]"),
        ("laod = 5", "unknown setting tool.lgprof.laod", "did you mean load?"),
        ("load = 5", "tool.lgprof.load must be a table", "write [tool.lgprof.load]"),
        ("[tool.lgprof.load]\nrp = 1", "unknown setting tool.lgprof.load.rp", "did you mean rps?"),
        (
            "[tool.lgprof.load]\nconcurrency = 1",
            "unknown setting tool.lgprof.load.conc",
            "max_concurrent",
        ),
        ("[tool.lgprof.load]\nrps = '5'", "load.rps must be a whole number or a number", None),
        ("[tool.lgprof.load]\nworkers = true", "workers must be a whole number or a str", None),
        ("[tool.lgprof.run]\nwarmup = 'x'", "tool.lgprof.run.warmup must be a whole number", None),
    ],
)
def test_wrong_settings(project: Path, text: str, message: str, hint: str | None) -> None:
    file = project / "pyproject.toml"
    file.write_text(f"[tool.lgprof]\n{text}\n")
    with pytest.raises(UsageError) as raised:
        load_settings(project)
    assert str(file) in raised.value.message
    assert message in raised.value.message
    assert raised.value.hint is None if hint is None else hint in (raised.value.hint or "")


def test_broken_toml_names_file_and_line(project: Path) -> None:
    (project / "lgprof.toml").write_text("requests = 3\napp = \n")
    with pytest.raises(UsageError, match=r"lgprof\.toml is not valid TOML: .*line 2"):
        load_settings(project)


def test_lgprof_toml_may_hold_a_table_as_pyproject_does(project: Path) -> None:
    (project / "lgprof.toml").write_text(
        '[tool.lgprof]\napp = "b:x"\n[tool.lgprof.run]\nwarmup = 2\n'
    )
    settings = load_settings(project)
    assert settings.app == "b:x"
    assert settings.options == {"warmup": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("requests = 3\n[tool.lgprof]\nwarmup = 1", r"both in \[tool.lgprof\] and .*: requests"),
        ("[tool.lgprof]\nwarmup = 1\n[run]\nrequests = 3", "outside it: run"),
        ("[tool.lgprof]\nwarmpu = 1", "unknown setting tool.lgprof.warmpu"),
        ("[tool.other]\nwarmup = 1", "unknown setting tool"),
        ("tool = 3", "unknown setting tool"),
    ],
)
def test_wrong_tables_of_lgprof_toml(project: Path, text: str, message: str) -> None:
    (project / "lgprof.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        load_settings(project)


def test_not_a_table(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool]\nlgprof = 3\n")
    with pytest.raises(UsageError, match=r"tool\.lgprof must be a table"):
        load_settings(project)


def test_not_text(project: Path) -> None:
    (project / "lgprof.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        load_settings(project)
