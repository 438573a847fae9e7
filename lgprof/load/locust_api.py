"""Locust as a library: its processes, messages and web page. None of its load model is used.

Importing it this way leaves Python's standard library as it is: gevent's monkey patching would turn
the graph's threads into greenlets and change what is measured.
"""

from __future__ import annotations

import logging
import os

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

from locust import __version__ as locust_version
from locust import runners
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner
from locust.stats import (
    PERCENTILES_TO_CHART,
    PERCENTILES_TO_STATISTICS,
    RequestStats,
    StatsEntry,
    StatsError,
    stats_history,
)
from locust.web import WebUI

MASTER_SILENT_S = 20

__all__ = [
    "PERCENTILES_TO_CHART",
    "PERCENTILES_TO_STATISTICS",
    "Environment",
    "LocalRunner",
    "MasterRunner",
    "RequestStats",
    "StatsEntry",
    "StatsError",
    "WebUI",
    "WorkerRunner",
    "end_without_master",
    "locust_version",
    "quiet_locust",
    "stats_history",
]


def quiet_locust() -> None:
    """What Locust has to say about workers, lgprof says itself."""
    logging.getLogger("locust").setLevel(logging.CRITICAL)


def end_without_master() -> None:
    """Let a worker end when it has not heard of its master for this long, not for a minute."""
    runners.MASTER_HEARTBEAT_TIMEOUT = MASTER_SILENT_S
