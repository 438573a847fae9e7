"""A load test as a whole: a master that listens, workers on this machine or others, a Profile."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import gevent

from lgprof.errors import LgprofError, UsageError
from lgprof.load.locust_api import Environment, MasterRunner, quiet_locust
from lgprof.load.master import Master, Watcher
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.plan import TestPlan
from lgprof.load.processes import LocalWorker, local_workers
from lgprof.load.report import load_profile
from lgprof.load.roster import Roster
from lgprof.load.web_page import web_page
from lgprof.model import Failure, Profile
from lgprof.target import Inputs

_LINGER_MS = 200
"""How long the last words to the workers may take."""


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
    quiet_locust()
    with ExitStack() as stack:
        port = fleet.port or _free_port(fleet.host)
        runner = stack.enter_context(_listening(fleet.host, port))
        plan = TestPlan(options, fleet)
        local: list[LocalWorker] = []
        if fleet.expect_workers is None:
            local = stack.enter_context(
                local_workers(plan.workers, target, fleet.host, port, folder)
            )
        page = stack.enter_context(web_page(plan.warmup_s)) if fleet.ui else None
        if page is not None:
            watch.tell(f"Locust's web page: {page.url}")
        roster = stack.enter_context(_dismissed(Roster(runner, plan.workers)))
        master = Master(roster, plan, local, inputs, watch, page)
        with _interrupts(master.interrupt):
            outcome = master.run()
    return LoadResult(load_profile(outcome, options), outcome.failures)


@contextmanager
def _dismissed(roster: Roster) -> Iterator[Roster]:
    """Let the workers go in the end, with a word on why where it is not the test's end."""
    error: LgprofError | None = None
    try:
        yield roster
    except LgprofError as found:
        error = found
        raise
    finally:
        roster.dismiss(error)


@contextmanager
def _listening(host: str, port: int) -> Iterator[MasterRunner]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"cannot listen on {host}:{port}: {error.strerror}",
                hint="name another address with --bind HOST:PORT",
            ) from error
    runner = Environment(user_classes=[]).create_master_runner(host, port)
    try:
        yield runner
    finally:
        runner.greenlet.kill(block=False)
        context = runner.server.socket.context
        runner.server.close(linger=_LINGER_MS)  # type: ignore[no-untyped-call]
        context.term()


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _interrupts(handler: Callable[[], None]) -> Iterator[None]:
    watchers = [
        gevent.signal_handler(number, handler) for number in (signal.SIGINT, signal.SIGTERM)
    ]
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.cancel()
