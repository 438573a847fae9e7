"""How the tests are shared out among processes (``pytest -n 2``)."""

from __future__ import annotations

from pathlib import Path

import pytest

_TOGETHER = "load"
"""Tests of this folder run in one process: two load tests at once would disturb each other."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests together: they share what they measured once."""
    here = Path(__file__).parent
    for item in items:
        folder, *rest = item.path.relative_to(here).parts
        group = _TOGETHER if folder == _TOGETHER else "/".join((folder, *rest))
        item.add_marker(pytest.mark.xdist_group(group))
