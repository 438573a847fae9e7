"""Worker processes on this machine: started, watched, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lgprof.load.worker_names import STARTED_BY_MASTER

_SHOWN_LINES = 20
_END_WITHIN_S = 2.0


@dataclass(slots=True)
class LocalWorker:
    """A worker process that we started."""

    process: subprocess.Popen[bytes]
    printed: IO[bytes]
    """Where its standard output and error go: what a graph prints would tear the live panel."""

    @property
    def ended(self) -> bool:
        """Whether the process is over."""
        return self.process.poll() is not None

    def how_it_ended(self) -> str:
        """Its exit code, or the signal that ended it."""
        code = self.process.returncode
        return f"killed by {_signal_name(-code)}" if code < 0 else f"exit code {code}"

    def last_words(self) -> str:
        """The end of what it printed."""
        self.printed.flush()
        self.printed.seek(0)
        lines = self.printed.read().decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-_SHOWN_LINES:])


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


@contextmanager
def local_workers(
    count: int, target: str | None, host: str, port: int, folder: Path
) -> Iterator[list[LocalWorker]]:
    """Start worker processes; when the context ends they do, too.

    Args:
        count: How many.
        target: As typed.
        host: Where the master listens.
        port: Its port.
        folder: The project's folder.
    """
    # -P: a file of the project named like a module that we need must not take its place.
    command = [sys.executable, "-P", "-m", "lgprof", "load", "--worker", "--quiet"]
    command += ["--master-host", host, "--master-port", str(port)]
    if target is not None:
        command += ["--", target]
    workers = [_start(command, folder) for _ in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            _end(worker)


def _start(command: list[str], folder: Path) -> LocalWorker:
    printed = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, STARTED_BY_MASTER: str(os.getpid())},
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is for the master, which ends the test in order
    )
    return LocalWorker(process, printed)


def _end(worker: LocalWorker) -> None:
    try:
        worker.process.wait(_END_WITHIN_S)
    except subprocess.TimeoutExpired:
        worker.process.kill()
        worker.process.wait()
    worker.printed.close()
