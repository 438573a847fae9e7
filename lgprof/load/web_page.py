"""Locust's web page over a running test: to look at, on this machine alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import gevent
from flask import Flask, Response, make_response, request
from gevent.pywsgi import WSGIServer
from gevent.socket import SO_REUSEADDR, SOL_SOCKET, socket

from lgprof.load.book import Book
from lgprof.load.locust_api import (
    PERCENTILES_TO_CHART,
    PERCENTILES_TO_STATISTICS,
    Environment,
    LocalRunner,
    WebUI,
    locust_version,
    stats_history,
)
from lgprof.load.web_stats import WebStats
from lgprof.load.web_tables import Row, rows, tabs
from lgprof.model.live import LiveState

HOST = "127.0.0.1"
PREFERRED_PORT = 8089
"""Locust's own; where it is taken, a free one."""
_EVERY_S = 1.0
_NO_BUTTONS = "<style>.MuiAppBar-root .MuiButton-contained{display:none}</style>"
"""Edit, stop and reset would be for Locust's own users."""


class _Looker(LocalRunner):
    """Stands where Locust expects what runs its users: there are none, only figures to show."""

    in_flight = 0

    @property
    def user_count(self) -> int:
        """Requests running at once, which is what Locust's users are to a graph."""
        return self.in_flight


class _Page(WebUI):
    """Locust's page without its form for a new test, which would read our command line as its."""

    def update_template_args(self) -> None:
        runner, stats = self.environment.runner, self.environment.stats
        assert runner is not None
        self.template_args = {
            **tabs(),
            "state": runner.state,
            "user_count": runner.user_count,
            "host": self.environment.host or "",
            "version": locust_version,
            "history": stats.history if stats.num_requests else [],
            "is_distributed": False,
            "worker_count": 0,
            "tasks": "{}",
            "extra_options": {},
            "percentiles_to_chart": PERCENTILES_TO_CHART,
            "percentiles_to_statistics": PERCENTILES_TO_STATISTICS,
        }


class WebPage:
    """The page of one test. It has a Locust environment of its own, without any user.

    Args:
        warmup_s: Length of the test's warm-up.
    """

    def __init__(self, warmup_s: float) -> None:
        self._warmup_s = warmup_s
        self._environment = Environment(user_classes=[])
        self._runner = _Looker(self._environment)
        self._environment.runner = self._runner
        self._stats = WebStats(self._environment.stats)
        self._rows: dict[str, list[Row]] = {}
        self._next_s = 0.0
        self.app = self._made_app()
        self._server = _started(self.app)
        self._history = gevent.spawn(stats_history, self._runner)

    @property
    def url(self) -> str:
        """Where to look."""
        return f"http://{HOST}:{self._server.server_port}/"

    def show(
        self, state: LiveState, book: Book, spec: str, unloaded_s: Mapping[str, float]
    ) -> None:
        """Bring the page up to date; more often than once a second does nothing.

        Args:
            state: How the test stands.
            book: What was reported so far.
            spec: Of the target.
            unloaded_s: Median latency of each node without load.
        """
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + _EVERY_S
        self._environment.host = self._environment.locustfile = spec
        self._runner.state = "running" if state.phase in ("load", "draining") else "spawning"
        self._runner.in_flight = state.in_flight
        self._stats.update(spec, book.total)
        self._rows = rows(state, book, unloaded_s, self._warmup_s)

    def close(self) -> None:
        """Take the page away; browsers keep what they show."""
        self._history.kill(block=False)
        self._runner.greenlet.kill(block=False)
        self._server.stop(timeout=0.1)

    def _made_app(self) -> Flask:
        app = _Page(self._environment, HOST, PREFERRED_PORT, delayed_start=True).app
        assert app is not None
        app.debug = False
        app.before_request(self._refusal)
        # First in the list is last in turn: after the one that lets any site read the page.
        app.after_request_funcs.setdefault(None, []).insert(0, self._completed)
        return app

    def _refusal(self) -> Response | None:
        """Nothing can be changed here, and no other site may read it under a name of its own."""
        if request.method not in ("GET", "HEAD"):
            return make_response("this page is to look at: Ctrl-C ends the test", 405)
        if request.host.rpartition(":")[0] not in (HOST, "localhost"):
            return make_response("ask for 127.0.0.1 or localhost", 403)
        return None

    def _completed(self, response: Response) -> Response:
        response.headers.remove("Access-Control-Allow-Origin")
        if request.path == "/stats/requests":
            report: dict[str, Any] = response.get_json()
            tables = [{"key": key, "data": data} for key, data in self._rows.items()]
            report |= {"extended_stats": tables, "state": self._runner.state}
            response.set_data(self.app.json.dumps(report))
        elif request.path == "/" and response.status_code == 200:
            text = response.get_data(as_text=True)
            response.set_data(text.replace("</head>", f"{_NO_BUTTONS}</head>", 1))
        return response


@contextmanager
def web_page(warmup_s: float) -> Iterator[WebPage]:
    """A page that is there until the context ends."""
    page = WebPage(warmup_s)
    try:
        yield page
    finally:
        page.close()


def _started(app: Flask) -> WSGIServer:
    try:
        listener = _listener(PREFERRED_PORT)
    except OSError:
        listener = _listener(0)
    server = WSGIServer(listener, app, log=None, error_log=None)
    server.start()
    return server


def _listener(port: int) -> socket:
    listener = socket()
    try:
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
