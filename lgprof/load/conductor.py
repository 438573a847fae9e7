"""What the master of a test works with: a port to listen on, its workers, a web page, Ctrl-C."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import gevent

from lgprof.errors import LgprofError, UsageError
from lgprof.load.locust_api import Environment, MasterRunner, quiet_locust
from lgprof.load.master import Master
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.outcome import Outcome
from lgprof.load.plan import TestPlan
from lgprof.load.processes import LocalWorker
from lgprof.load.roster import Roster
from lgprof.load.watcher import Watcher
from lgprof.load.web_page import web_page
from lgprof.readable import plural
from lgprof.target import Inputs

_ALL_ADDRESSES = ("0.0.0.0", "::")
_LINGER_MS = 200
"""How long the last words to the workers may take."""


def conduct(
    options: LoadOptions,
    fleet: FleetOptions,
    port: int,
    local: Sequence[LocalWorker],
    inputs: Inputs | None,
    watch: Watcher,
) -> Outcome:
    """Lead a test from its first worker to its last.

    Args:
        options: What to do.
        fleet: Where the workers are.
        port: Where they look for the master.
        local: Those that were started here.
        inputs: None lets the workers make one from the input schema.
        watch: Told how it stands, and asked before a live provider is loaded.

    Raises:
        LgprofError: The target cannot be loaded, or an option does not fit it.
        KeyboardInterrupt: Ctrl-C, or a no, before the load began.
    """
    quiet_locust()
    with ExitStack() as stack:
        runner = stack.enter_context(_listening(fleet.host, port))
        plan = TestPlan(options, fleet)
        page = stack.enter_context(web_page(plan.warmup_s)) if fleet.ui else None
        if page is not None:
            watch.tell(f"Locust's web page: {page.url}")
        if not local:
            watch.tell(_invitation(plan.workers, fleet.host, port))
        roster = stack.enter_context(_dismissed(Roster(runner, plan.workers)))
        master = Master(roster, plan, local, inputs, watch, page)
        with _interrupts(master.interrupt):
            return master.run()


def _invitation(workers: int, host: str, port: int) -> str:
    """What to type on the other machines."""
    reached_as = socket.gethostname() if host in _ALL_ADDRESSES else host
    command = f"lgprof load --worker --master-host {reached_as}:{port} TARGET"
    return f"waiting for {plural(workers, 'worker')}: {command}"


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
