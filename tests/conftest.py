"""How the tests run: shared out among processes (``pytest -n 2``), and without deadlines."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest

_TOGETHER = "tests/load/"
"""Tests of this folder run in one process: two load tests at once would disturb each other."""

hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Keep a file's tests together: they share what they measured once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return _TOGETHER if file.startswith(_TOGETHER) else file

    return ByFile(config, log)
