"""A headless Chromium for tests of pages; without one, they are skipped with the reason."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_INSTALLED = ("chromium", "chromium-browser", "google-chrome", "chrome")
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_PATIENCE_MS = 60_000
"""Only a page that hangs waits so long; nothing is measured by it."""


@contextmanager
def chromium() -> Iterator[Any]:
    """Playwright's own browser, else one that is installed.

    ``LGPROF_TEST_BROWSER=required`` makes its absence a failure.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        _without("playwright is not installed")
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path).exists()
        found = None if own else next(filter(None, map(shutil.which, _INSTALLED)), None)
        try:
            browser = playwright.chromium.launch(
                executable_path=found, args=_QUIET, timeout=_PATIENCE_MS
            )
        except Error as error:
            _without(f"no Chromium to run: {error.message.splitlines()[0]}")
        try:
            yield browser
        finally:
            browser.close()


def _without(reason: str) -> None:
    if os.environ.get("LGPROF_TEST_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


def new_tab(browser: Any) -> Any:
    page = browser.new_page(reduced_motion="reduce")
    page.set_default_timeout(_PATIENCE_MS)
    return page


@dataclass
class WatchedTab:
    """A tab that notes what its pages complain of and what they ask for beside themselves."""

    page: Any
    folder: Path
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._opened: set[str] = set()
        self._listeners = {
            "console": lambda message: self.problems.append(f"console: {message.text}"),
            "pageerror": lambda error: self.problems.append(f"error: {error}"),
            "request": self._asked,
        }
        for event, listener in self._listeners.items():
            self.page.on(event, listener)

    def _asked(self, request: Any) -> None:
        if request.url not in self._opened:
            self.problems.append(f"request: {request.url}")

    def open(self, content: bytes, suffix: str) -> Any:
        file = self.folder / f"page-{len(self._opened)}{suffix}"
        file.write_bytes(content)
        self._opened.add(file.as_uri())
        self.page.goto(file.as_uri())
        return self.page

    def close(self) -> None:
        """Forget what pages stored; on the way, whatever was still to be reported arrives."""
        self.page.evaluate("localStorage.clear()")
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)
