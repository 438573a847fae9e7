"""Ends a child process together with the processes that it started."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Any


def kill_group(process: subprocess.Popen[Any]) -> None:
    """End a process that was started in a session of its own, at once, and wait for its end."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
