"""A headless Chromium for tests of pages; without one, they are skipped with the reason."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_INSTALLED = ("chromium", "chromium-browser", "google-chrome", "chrome")
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


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
        found = next(filter(None, map(shutil.which, _INSTALLED)), None)
        try:
            browser = playwright.chromium.launch(executable_path=found, args=_QUIET)
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
