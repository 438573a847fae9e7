"""One side of a pair: a process that runs one version of the graph, as the gate asks it to.

Started as ``python -m lgprof.gate.side`` in the version's own tree. Questions come by standard
input and answers go by standard output, which the user's program does not get to see.
"""

from __future__ import annotations

import gc
import os
import queue
import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import psutil

import lgprof
from lgprof.analysis.spans import SpanBuilder
from lgprof.clock import SYSTEM_CLOCK
from lgprof.config import Settings
from lgprof.errors import LgprofError
from lgprof.gate import protocol
from lgprof.gate.rows import request_row
from lgprof.langgraph_adapter.input_schema import input_json_schema
from lgprof.llm.counting import TokenCounter
from lgprof.record.connections import watched_connections
from lgprof.record.digest import Digester
from lgprof.record.session import RecordingSession, recording_session
from lgprof.run.async_driver import AsyncDriver
from lgprof.run.conduct import Conductor
from lgprof.run.environment import describe_environment
from lgprof.run.failures import group_failures
from lgprof.run.host import pool_size, request_plan
from lgprof.run.opening import opened
from lgprof.run.sync_driver import SyncDriver
from lgprof.target import Inputs, inputs_from_schema, load_target
from lgprof.target.user_code import user_traceback

_CLOSE_WITHIN_S = 2.0
_FIRST_INDEX = 2_000_000_000
"""Of the first request: ``{{i}}`` is another one than that of any measured request."""


class Side:
    """A version of the graph, open and recorded by callbacks alone.

    Probes would cost several times as much per node, and a gate compares wholes.
    """

    def __init__(self) -> None:
        self._cleanup = ExitStack()
        self._stuck = False

    def answer(self, question: protocol.Question) -> protocol.Answer:
        """Do what the gate asks for.

        Raises:
            LgprofError: It cannot be done.
        """
        match question:
            case protocol.Open():
                return self._open(question)
            case protocol.WarmUp():
                return self._warm_up(question)
            case protocol.Pin(core):
                _pin(core)
                return protocol.Done()
            case protocol.Run(first, count):
                self._drive(range(first, first + count))
                return protocol.Ran(self._stuck)
            case protocol.Report():
                return self._report()

    def close(self) -> None:
        """Undo everything; a graph that hangs is left to the process's end."""
        self._cleanup.close()

    def _open(self, asked: protocol.Open) -> protocol.Opened:
        _lead_imports(Path(asked.root), Path(asked.tree))
        file = Path(asked.settings_file) if asked.settings_file else None
        source = load_target(asked.spec, Settings(app=asked.app, file=file), Path.cwd())
        foreign = _modules_from(asked.foreign)
        options = protocol.unpacked_options(asked)
        site = self._cleanup.enter_context(opened(source, options))
        self._target, self._mode, self._thread = site.target, site.mode, site.thread
        inputs = (
            inputs_from_schema(input_json_schema(site.target.graph))
            if asked.inputs is None
            else Inputs(asked.inputs, "the gate")
        )
        loop = self._thread.loop if self._mode == "async" else None
        self._session: RecordingSession = self._cleanup.enter_context(
            recording_session(SYSTEM_CLOCK, probes=False, loop=loop)
        )
        self._digester = Digester(options.failed_when, counter=TokenCounter())
        self._conductor = Conductor(
            request_plan(self._target, inputs, options),
            SYSTEM_CLOCK,
            concurrency=1,
            timeout_s=options.timeout_s,
            failed_when=options.failed_when,
            pool_size=lambda: pool_size(loop),
            after_request=lambda request, done: None,
            idle=lambda: self._digester.digest(self._session.recording),
        )
        with watched_connections() as hosts:
            self._drive(range(_FIRST_INDEX, _FIRST_INDEX + 1))
        first = self._report()
        return protocol.Opened(
            lgprof.__version__,
            describe_environment(Path.cwd()),
            inputs.items,
            first.rows[0],
            sorted(hosts),
            foreign,
            first.failures,
        )

    def _warm_up(self, asked: protocol.WarmUp) -> protocol.WarmedUp:
        begin_s, begin_cpu_s = time.monotonic(), time.process_time()
        for number in range(asked.most):
            self._drive(range(asked.first_index + number, asked.first_index + number + 1))
            elapsed_s = time.monotonic() - begin_s
            if elapsed_s > asked.within_s or self._stuck:
                break
        cpu_share = (time.process_time() - begin_cpu_s) / elapsed_s
        made = self._report()
        gc.collect()
        gc.freeze()
        has_children = bool(psutil.Process().children())
        wall_s = [row.wall_s for row in made.rows]
        succeeded = sum(row.outcome == "ok" for row in made.rows)
        return protocol.WarmedUp(wall_s, cpu_share, has_children, succeeded, made.failures)

    def _drive(self, indices: range) -> None:
        if self._stuck:
            return
        if self._mode == "async":
            AsyncDriver(self._target, self._conductor, self._thread).drive(indices)
            self._stuck = self._thread.stuck
        else:
            driver = SyncDriver(self._target, self._conductor, set())
            driver.drive(indices)
            self._stuck = driver.left_behind > 0

    def _report(self) -> protocol.Reported:
        """What became of the requests since the last report, which are then forgotten."""
        conductor, recording = self._conductor, self._session.recording
        self._session.note_unfinished()
        self._digester.digest(recording)
        finished = sorted(conductor.finished, key=lambda request: request.log.index)
        started = [request for request in finished if request.log.legs]
        origin_ns = min((request.start_ns for request in started), default=0)
        builder = SpanBuilder(recording, origin_ns, in_loop=self._mode == "async")
        requests = builder.requests(
            [request.log for request in started], [request.log for request in conductor.set_aside]
        )
        failures = group_failures(
            (request.error, made.error_node)
            for request, made in zip(started, requests, strict=True)
            if request.error is not None
        )
        conductor.forget_finished()
        recording.clear()
        return protocol.Reported([request_row(request) for request in requests], failures)


def _pin(core: int) -> None:
    """Of all threads: an affinity is each thread's own, and a new thread gets its maker's."""
    if sys.platform == "linux":
        for thread in psutil.Process().threads():
            with suppress(OSError):  # it has just ended
                os.sched_setaffinity(thread.id, {core})


def _lead_imports(root: Path, tree: Path) -> None:
    """Import from our own tree what is installed from the working tree in editable mode."""
    for place, entry in enumerate(sys.path):
        folder = Path(entry).resolve()
        if not entry or _is_installed(folder) or not folder.is_relative_to(root):
            continue
        ours = tree / folder.relative_to(root)
        if ours.is_dir():
            sys.path[place] = str(ours)


def _is_installed(path: Path) -> bool:
    """Whether a path is of the environment: that may lie in the working tree too."""
    return path.is_relative_to(sys.prefix) or "site-packages" in path.parts


def _modules_from(folders: list[str]) -> list[str]:
    """Files of loaded modules that lie in one of the folders; lgprof's own and installed ones not.

    Where a project is installed in editable mode, a module that its own tree does not provide at
    the same place, or that a finder of its own leads to, comes from the tree that is installed.
    """
    places = [Path(folder) for folder in folders]
    return sorted(
        file
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] != "lgprof"
        and (file := getattr(module, "__file__", None)) is not None
        and not _is_installed(Path(file))
        and any(Path(file).is_relative_to(place) for place in places)
    )


def _problem(error: Exception) -> protocol.Problem:
    if isinstance(error, LgprofError):
        kind = type(error).__name__
        return protocol.Problem(kind, error.message, error.hint, error.user_traceback)
    return protocol.Problem(
        "LgprofError", f"{type(error).__name__}: {error}", None, user_traceback(error)
    )


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for the gate alone: what the user prints goes to standard error."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return questions, answers


def _read(questions: BinaryIO, lines: queue.SimpleQueue[bytes]) -> None:
    """Hand on what the gate asks. Where it has gone, end, whatever the graph does."""
    for line in questions:
        lines.put(line)
    lines.put(b"")
    time.sleep(_CLOSE_WITHIN_S)
    _leave()


def _leave() -> None:
    """End the process, and those that the graph started: they share its process group."""
    if os.name == "posix" and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)


def main() -> None:
    """Answer questions until the gate has none left."""
    questions, answers = _private_streams()
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(questions, lines), daemon=True).start()
    side = Side()
    while line := lines.get():
        try:
            answer = side.answer(protocol.decode_question(line))
        except Exception as error:
            answer = _problem(error)
        answers.write(protocol.encode(answer))
        answers.flush()
    side.close()
    _leave()


if __name__ == "__main__":
    main()
