"""The pytest plugin: the fixture ``lgprof``. What it takes is imported when a test uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lgprof.pytest_plugin.fixture import Profiler


@pytest.fixture
def lgprof(request: pytest.FixtureRequest) -> Profiler:
    """Run a graph and hold it to budgets.

    ::

        def test_latency(lgprof):
            lgprof.run("app:graph", inputs=[{"question": "?"}]).check("p95<2s", "error_rate<1%")
    """
    from lgprof.pytest_plugin.fixture import Profiler

    return Profiler(request.config.rootpath)
