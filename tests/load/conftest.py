from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.load.harness import APPS, LoadProject


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[LoadProject]:
    """A folder with `apps.py` in it; when the test ends, no process of lgprof may be left in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(APPS, folder)
    made = LoadProject(folder, monkeypatch, capfd)
    yield made
    left = made.processes()
    _, alive = psutil.wait_procs(left, timeout=3)
    for process in alive:
        process.kill()
    assert not alive, "processes were left behind"
