"""``lgprof report -o``: other formats, and traces sent to a collector."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lgprof.model import write_profile
from tests.cli.harness import ProjectHere
from tests.render import sample_profiles

SUFFIXES = [".svg", ".folded", ".speedscope.json", ".trace.json", ".otlp.json", ".csv", ".md"]


@pytest.fixture
def saved(project: ProjectHere) -> Path:
    file = project.folder / "run.json"
    write_profile(sample_profiles.agent(2), file)
    return file


def test_every_format_is_written(project: ProjectHere, saved: Path) -> None:
    files = [f"out{suffix}" for suffix in SUFFIXES]
    done = project.call("report", str(saved), *(part for file in files for part in ("-o", file)))
    assert done.code == 0, done.err
    assert done.out.splitlines() == [f"written: {file}" for file in files]
    for file in files:
        assert (project.folder / file).stat().st_size > 100
        if file.endswith(".json"):
            json.loads(project.read(file))


def test_what_is_asked_for_is_drawn(project: ProjectHere, saved: Path) -> None:
    for by in ("time", "tokens"):
        assert project.call("report", str(saved), "-o", f"{by}.folded", "--by", by).code == 0
    assert "input tokens" in project.read("tokens.folded")
    assert "input tokens" not in project.read("time.folded")


class Collector(HTTPServer):
    """Takes traces, and keeps what it was sent."""

    def __init__(self, status: int, answer: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.answer = status, answer
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def collector(status: int = 200, answer: bytes = b"{}") -> Iterator[Collector]:
    with Collector(status, answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_traces_are_sent(project: ProjectHere, saved: Path) -> None:
    headers = {"OTEL_EXPORTER_OTLP_HEADERS": "x-token=a%20b, other=1"}
    with collector() as server:
        arguments = ("report", str(saved), "--otlp-endpoint", server.url)
        done = project.call(*arguments, env=headers)
    assert done.code == 0, done.err
    assert done.out == f"sent: 2 traces to {server.url}/v1/traces\n"
    ((path, told, body),) = server.got
    assert path == "/v1/traces"
    assert told["content-type"] == "application/json"
    assert (told["x-token"], told["other"]) == ("a b", "1")
    spans = json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert len({span["traceId"] for span in spans}) == 2


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (401, b"", "it answers 401 Unauthorized"),
        (200, b'{"partialSuccess": {"rejectedSpans": "3"}}', "it rejected 3 spans"),
    ],
)
def test_a_refusal_is_told(
    project: ProjectHere, saved: Path, status: int, answer: bytes, why: str
) -> None:
    with collector(status, answer) as server:
        done = project.call("report", str(saved), "--otlp-endpoint", server.url)
    assert done.code == 2
    assert why in done.error


def test_nobody_listens(project: ProjectHere, saved: Path) -> None:
    done = project.call("report", str(saved), "--otlp-endpoint", "http://127.0.0.1:1/v1/traces")
    assert done.code == 2
    assert "http://127.0.0.1:1/v1/traces did not take the traces" in done.error
    assert "4318" in done.hint


@pytest.mark.parametrize("address", ["localhost:4318", "ftp://host", "http://", "http://h:x"])
def test_no_address(project: ProjectHere, saved: Path, address: str) -> None:
    done = project.call("report", str(saved), "--otlp-endpoint", address)
    assert done.code == 2
    assert "is no address" in done.error
