from __future__ import annotations

import gzip
import json
import os
import stat
from pathlib import Path

import pytest

from lgprof.errors import UsageError
from lgprof.model import Profile, profile_json_schema, read_profile, write_profile
from tests.profiling import profile_graph
from tests.recording.test_known_answers import chain, sleeper
from tests.virtual_time import VirtualTime

SCHEMA_FILE = Path(__file__).parents[2] / "lgprof" / "model" / "profile.schema.json"


@pytest.fixture(scope="module")
def profile() -> Profile:
    return profile_graph(chain(("x", sleeper(0.01))), {"a": 1}, time=VirtualTime()).profile


@pytest.mark.parametrize("name", ["p.json", "p.json.gz"])
def test_round_trip(profile: Profile, tmp_path: Path, name: str) -> None:
    file = tmp_path / "folder" / name
    write_profile(profile, file)
    assert read_profile(file) == profile
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == [name]


def test_overwrites_only_with_force(profile: Profile, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        write_profile(profile, file)
    assert file.read_text() == "mine"
    write_profile(profile, file, force=True)
    assert read_profile(file) == profile


def test_a_place_that_cannot_be_written(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write"):
        write_profile(profile, tmp_path / "file" / "p.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an lgprof Profile, or was cut short"),
        (b"{", "not an lgprof Profile, or was cut short"),
        (b'{"a": 1}', "not an lgprof Profile"),
        (b'{"schema": "k6/1"}', "has schema 'k6/1'"),
        (b'{"schema": "lgprof/2"}', "newer lgprof"),
        (b'{"schema": "lgprof/1", "kind": "run"}', "not a valid lgprof/1 Profile"),
        (b"\x1f\x8bbroken", "cannot read"),
        (gzip.compress(b'{"schema": "lgprof/1"}', mtime=0)[:-6], "cannot read"),
    ],
)
def test_foreign_and_damaged_files(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "p.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_profile(file)


def test_a_truncated_profile(profile: Profile, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    write_profile(profile, file)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(UsageError, match="cut short"):
        read_profile(file)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_profile(tmp_path / "none.json")


def test_the_published_schema_is_that_of_the_code() -> None:
    assert json.loads(SCHEMA_FILE.read_text()) == profile_json_schema()
