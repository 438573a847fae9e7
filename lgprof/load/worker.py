"""A worker process: Locust's messages on the main thread, the graph in a thread of its own."""

from __future__ import annotations

import hashlib
import inspect
import math
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import gevent
import psutil

import lgprof
from lgprof.clock import SYSTEM_CLOCK
from lgprof.config import load_settings
from lgprof.errors import ExitCode, LgprofError, UsageError
from lgprof.load import messages as wire
from lgprof.load.assigned import Assigned
from lgprof.load.locust_api import (
    Environment,
    WorkerRunner,
    end_without_master,
    quiet_locust,
)
from lgprof.load.site import Site
from lgprof.load.waiting import in_thread, set_when
from lgprof.load.worker_names import STARTED_BY_MASTER
from lgprof.readable import plural
from lgprof.target import TargetSource, import_sandbox, load_target

REPORT_EVERY_S = 1.0
_CLOSE_WITHIN_S = 1.5
_LOOK_FOR_MASTER_EVERY_S = 0.5


def serve_worker(
    target: str | None,
    master_host: str,
    master_port: int,
    *,
    folder: Path,
    tell: Callable[[str], None],
) -> int:
    """Be a worker until the master says that it is over.

    Args:
        target: As typed.
        master_host: Where the master listens.
        master_port: Its port.
        folder: The project's folder.
        tell: Told what comes of it.

    Returns:
        The exit code.

    Raises:
        UsageError: There is no such host, or no master on it.
    """
    quiet_locust()
    end_without_master()
    _end_with_master()
    where = f"{master_host}:{master_port}"
    _check_host(master_host)
    with import_sandbox():
        source: TargetSource | None = None
        refusal: wire.Refusal | None = None
        try:
            # Here, since a module that sets a signal handler must be imported on the main thread.
            source = load_target(target, load_settings(folder), folder)
        except LgprofError as error:
            refusal = refusal_of(error)
        tell(f"looking for the master at {where}")
        try:
            runner = Environment(user_classes=[]).create_worker_runner(master_host, master_port)
        except ConnectionError as error:
            raise UsageError(
                f"no master answers at {where}",
                hint="start it there with lgprof load --master --bind HOST:PORT",
            ) from error
        _Worker(runner, source, refusal, target, folder, tell).serve()
    tell("the master is gone: this worker ends")
    return ExitCode.INVALID


def _check_host(host: str) -> None:
    try:
        socket.getaddrinfo(host.strip("[]"), None)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"--master-host: there is no host {host}", hint="give the address that --bind names"
        ) from error


def _end_with_master() -> None:
    """End soon after the master that started this process, whatever the graph is doing then."""
    master = int(os.environ.get(STARTED_BY_MASTER, "0"))

    def watch() -> None:
        while os.getppid() == master:
            time.sleep(_LOOK_FOR_MASTER_EVERY_S)
        os._exit(ExitCode.OK)

    if master:
        threading.Thread(target=watch, name="lgprof-master-watch", daemon=True).start()


def refusal_of(error: LgprofError) -> wire.Refusal:
    """An error of ours as the master shall show it."""
    return wire.Refusal(type(error).__name__, error.message, error.hint, error.user_traceback)


class _Worker:
    def __init__(
        self,
        runner: WorkerRunner,
        source: TargetSource | None,
        refusal: wire.Refusal | None,
        target: str | None,
        folder: Path,
        tell: Callable[[str], None],
    ) -> None:
        self._runner, self._source, self._folder, self._tell = runner, source, folder, tell
        self._setup: wire.Setup | None = None
        self._site: Site | None = None
        self._assigned: Assigned | None = None
        self._seq = 0
        self._origin_ns = 0
        self._running: Future[None] | None = None
        self._process = psutil.Process()
        self._cpu_start_s = self._cpu_s()
        self._starved_start_s = 0.0
        handlers: dict[str, Callable[[bytes], None]] = {
            wire.SETUP: self._on_setup,
            wire.BASELINE: self._on_baseline,
            wire.GO: self._on_go,
            wire.SHARE: self._on_share,
            wire.STOP: lambda data: self._site.stop() if self._site else None,
            wire.CANCEL: lambda data: self._site.cancel() if self._site else None,
            wire.QUIT: self._on_quit,
        }
        for name, handler in handlers.items():
            listener = partial(self._receive, handler)
            runner.register_message(name, listener, concurrent=True)
        self._hello = wire.Hello(
            version=lgprof.__version__,
            host=socket.gethostname(),
            pid=os.getpid(),
            spec=source.spec if source else target or "",
            target_hash=_target_hash(source) if source else "",
            refusal=refusal,
        )

    def serve(self) -> None:
        """Answer the master until it is over, or is gone."""
        self._send(wire.HELLO, self._hello)
        self._tell("the master was found; it begins when all workers are there")
        self._runner.greenlet.join()

    def _receive(
        self, handler: Callable[[bytes], None], environment: Any, msg: Any, **_: Any
    ) -> None:
        self._guarded(lambda: handler(wire.body_of(msg.data)))

    def _guarded(self, work: Callable[[], None]) -> None:
        """A defect of ours ends the test: the master would wait for ever."""
        try:
            work()
        except Exception as error:
            refusal = refusal_of(error) if isinstance(error, LgprofError) else _defect()
            self._send(wire.REFUSED, refusal)

    def _send(self, name: str, message: Any) -> None:
        self._runner.send_message(name, wire.envelope(message))

    def _on_quit(self, data: bytes) -> None:
        word = wire.decode(data, wire.Quit)
        if self._site is not None:
            closing = gevent.spawn(in_thread, partial(self._wind_up, self._site))
            gevent.wait([closing], timeout=_CLOSE_WITHIN_S)
        self._tell(word.reason or f"the test is over: {self._requests_made()}")
        # A graph that hangs would keep an ordinary exit waiting.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(word.code)

    def _wind_up(self, site: Site) -> None:
        if self._running is not None and not self._running.done():
            site.cancel()  # what still runs would complain of a loop that is closed under it
            site.finish(self._running)
        site.close()

    def _requests_made(self) -> str:
        made = self._site.ledger.balance.started if self._site else 0
        return f"this worker made {plural(made, 'request')}"

    # --- before the load -----------------------------------------------------------------------

    def _on_setup(self, data: bytes) -> None:
        setup = self._setup = wire.decode(data, wire.Setup)
        if self._source is None:
            return
        site = self._site = Site(self._source, setup, self._folder)
        self._send(wire.READY, in_thread(site.open))

    def _on_baseline(self, data: bytes) -> None:
        site, wanted = self._site, wire.decode(data, wire.Baseline)
        if site is not None:
            self._send(wire.BASELINED, in_thread(lambda: site.baseline(wanted)))

    # --- under load ----------------------------------------------------------------------------

    def _on_go(self, data: bytes) -> None:
        go = wire.decode(data, wire.Go)
        if self._site is None or self._setup is None:
            return
        assigned = self._assigned = Assigned(go, self._setup)
        self._origin_ns = self._site.lag_from_ns = assigned.origin_ns
        self._cpu_start_s, self._starved_start_s = self._cpu_s(), self._site.starved_s()
        if go.users is None:
            self._running = self._site.start_schedule(assigned.scheduled())
        else:
            self._running = self._site.start_users(go.users, assigned.taken_by_user, go.think_s)
            if go.duration_s is not None:  # a user who thinks then need not come back
                gevent.spawn_later(go.start_in_s + go.duration_s, self._site.stop)
        gevent.spawn(self._guarded, self._report)
        self._tell("the load begins")

    def _on_share(self, data: bytes) -> None:
        if self._assigned is not None:
            self._assigned.take_over(wire.decode(data, wire.ShareOf))

    def _report(self) -> None:
        """A batch every second, and the last word when all is over."""
        site, running = self._site, self._running
        assert site is not None
        assert running is not None
        # At whole seconds of the test, so that reports and intervals have the same bounds.
        due_s = math.floor(self._time_s()) + REPORT_EVERY_S
        over = set_when(running)
        while not over.wait(max(0.0, due_s - self._time_s())) and not site.is_stuck:
            if self._time_s() >= due_s:
                due_s = math.floor(self._time_s()) + REPORT_EVERY_S
                self._send(wire.BATCH, self._batch())
        if not running.done():
            site.end_stuck()
        self._send(wire.DONE, in_thread(self._last_word))

    def _time_s(self) -> float:
        """Seconds since the first measured arrival was due."""
        return (SYSTEM_CLOCK.now_ns() - self._origin_ns) / 1e9

    def _batch(self, *, finished: bool = False) -> wire.Batch:
        site = self._site
        assert site is not None
        ledger, desk = site.ledger, site.desk
        balance, counted = ledger.tally.take()
        self._seq += 1
        return wire.Batch(
            seq=self._seq,
            t_s=self._time_s(),
            balance=balance,
            counted=counted,
            in_flight=len(ledger.in_flight),
            queued=len(desk.waiting),
            cpu_s=self._cpu_s() - self._cpu_start_s,
            starved_s=site.starved_s() - self._starved_start_s,
            executor_queued=site.executor_queued,
            rss_bytes=self._process.memory_info().rss,
            peak_in_flight=ledger.peak_in_flight,
            peak_queued=desk.peak_waiting,
            warm_up_requests=ledger.warm_up.requests,
            warm_up_failed=ledger.warm_up.failed,
            consumed=self._assigned.consumed if self._assigned else 0,
            finished=finished,
        )

    def _last_word(self) -> wire.Done:
        site, running = self._site, self._running
        assert site is not None
        assert running is not None
        stuck = not running.done()
        if not stuck:
            running.result()  # a defect of ours is not hidden
        site.biller.finish()
        return wire.Done(
            batch=self._batch(finished=True),
            elapsed_s=max(0, site.ledger.last_end_ns - self._origin_ns) / 1e9,
            requests=site.keeper.requests(self._origin_ns, in_loop=site.mode == "async"),
            failures=site.failures.as_list(),
            orphans=site.recording.orphans,
            unanswered=sorted(site.caller.unanswered),
            left_threads=site.caller.left_threads,
            left_behind=site.left_behind,
            stuck=stuck,
        )

    def _cpu_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def _defect() -> wire.Refusal:
    return wire.Refusal(
        "LgprofError",
        "a worker failed: this is a defect of lgprof, not of your graph",
        hint="please report it with the lines above",
        user_traceback=traceback.format_exc(),
    )


def _target_hash(source: TargetSource) -> str:
    """Of the target's name and, where it can be read, the source around it."""
    module = inspect.getmodule(source.obj) or inspect.getmodule(type(source.obj))
    try:
        text = inspect.getsource(module) if module else ""
    except (OSError, TypeError):
        text = ""
    return hashlib.sha256(f"{source.spec}\n{text}".encode()).hexdigest()[:16]
