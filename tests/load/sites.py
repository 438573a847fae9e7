"""A worker's graph in the test's own process, without master, messages or a schedule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lgprof.load.ledger import Arrival
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.plan import TestPlan
from lgprof.load.site import Site
from lgprof.run.options import RunOptions
from lgprof.target import Inputs, TargetSource


@contextmanager
def opened_site(
    graph: Any, *inputs: Any, folder: Path, keep: int = 200, **request: Any
) -> Iterator[Site]:
    """A site whose graph has made its first request."""
    options = LoadOptions(request=RunOptions(**request), keep=keep)
    given = Inputs(items=list(inputs) or [{}], source="the test", synthesized=False)
    setup = TestPlan(options, FleetOptions()).setup(0, given, b"salt")
    site = Site(TargetSource(spec="tests:graph", obj=graph, attribute="graph"), setup, folder)
    try:
        site.open()
        yield site
    finally:
        site.close()


def make_requests(site: Site, numbers: Iterable[int], *, sampled: bool = True) -> None:
    """Measured requests, all at once."""
    now_ns = site.ledger.clock.now_ns()
    arrivals = (Arrival(number, now_ns, sampled=sampled) for number in numbers)
    site.finish(site.start_schedule(arrivals))
