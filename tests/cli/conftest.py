from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.harness import APPS, ProjectHere


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> ProjectHere:
    """A folder with `apps.py` in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(APPS, folder)
    return ProjectHere(folder, monkeypatch, capfd)
