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


def test_not_a_table(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool]\nlgprof = 3\n")
    with pytest.raises(UsageError, match=r"tool\.lgprof must be a table"):
        load_settings(project)


def test_not_text(project: Path) -> None:
    (project / "lgprof.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        load_settings(project)
