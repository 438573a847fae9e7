"""Printing a sample Profile as a terminal of some width and kind would."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sample_load_profiles
import sample_profiles
from rich.console import Console

from lgprof.model import Profile
from lgprof.render import terminal
from tests.render.browser import WatchedTab, chromium, new_tab


@pytest.fixture
def samples() -> ModuleType:
    """The builders of synthetic Profiles."""
    return sample_profiles


@pytest.fixture
def load_samples() -> ModuleType:
    """The builders of synthetic Profiles of load tests."""
    return sample_load_profiles


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Print a report and return what arrived at the terminal.

    The critical path comes from a stand-in: what is tested here is how it is drawn.
    """
    monkeypatch.setattr(terminal, "critical_spans", sample_profiles.critical_spans)

    def show(profile: Profile, width: int = 100, kind: str = "plain", **options: object) -> str:
        encoding = "ascii" if kind == "ascii" else "utf-8"
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
        console = Console(
            file=file,
            width=width,
            force_terminal=kind == "colour",
            color_system="truecolor" if kind == "colour" else None,
            legacy_windows=False,
        )
        terminal.render_report(profile, console, **options)
        file.flush()
        return file.buffer.getvalue().decode(encoding)

    return show


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """One tab for all tests of a module: a browser or context for each would double their time."""
    with chromium() as browser:
        yield new_tab(browser)


@pytest.fixture
def tab(page: Any, tmp_path: Path) -> Iterator[WatchedTab]:
    """The tab; at the end its pages have asked for nothing and complained of nothing."""
    watched = WatchedTab(page, tmp_path)
    yield watched
    watched.close()
    assert watched.problems == []
