"""A load test as a whole: workers on this machine or others, a master, a Profile.

Workers take a second or two to import the graph, and the master as long to import what it needs: so
this module imports little, and starts them first.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lgprof.load.options import FleetOptions, LoadOptions, wanted_workers
from lgprof.load.processes import LocalWorker, local_workers

if TYPE_CHECKING:
    from lgprof.load.watcher import Watcher
    from lgprof.model import Failure, Profile
    from lgprof.target import Inputs


@dataclass(frozen=True, slots=True)
class LoadResult:
    """A load test's Profile and what is not for a file."""

    profile: Profile
    failures: list[Failure]
    abandoned: bool = False
    """Of this process: the graph runs in the workers, and none is left to itself here."""


def load_test(
    target: str | None,
    inputs: Inputs | None,
    options: LoadOptions,
    fleet: FleetOptions,
    *,
    folder: Path,
    watch: Watcher,
) -> LoadResult:
    """Load a graph and profile it under load.

    Args:
        target: As typed; the workers resolve it.
        inputs: None lets the workers make one from the input schema.
        options: What to do.
        fleet: Where the workers are.
        folder: The project's folder.
        watch: Told how it stands, and asked before a live provider is loaded.

    Raises:
        LgprofError: The target cannot be loaded, or an option does not fit it.
        KeyboardInterrupt: Ctrl-C, or a no, before the load began.
    """
    with ExitStack() as stack:
        port, local = fleet.port, list[LocalWorker]()
        with socket.socket() as reserved:  # so that nobody takes the port during the imports
            if port is None:
                reserved.bind((fleet.host, 0))
                port = reserved.getsockname()[1]
            if fleet.expect_workers is None:
                count = wanted_workers(options, fleet)
                local = stack.enter_context(local_workers(count, target, fleet.host, port, folder))

            from lgprof.load.conductor import conduct
            from lgprof.load.report import load_profile

        outcome = conduct(options, fleet, port, local, inputs, watch)
    return LoadResult(load_profile(outcome, options), outcome.failures)
