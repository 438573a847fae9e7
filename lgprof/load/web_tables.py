"""Tables that Locust's web page shows beside its own: graph nodes, fidelity, workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lgprof.load.book import Book, WorkerBook
from lgprof.model.live import LiveState

Row = dict[str, Any]

NODES, FIDELITY, WORKERS = "graph-nodes", "fidelity", "load-workers"

_TITLES = {NODES: "Graph nodes", FIDELITY: "Fidelity", WORKERS: "Load workers"}
_COLUMNS = {
    NODES: {
        "node": "Node",
        "calls": "Calls",
        "errors": "Errors",
        "p50": "p50 (ms)",
        "p95": "p95 (ms)",
        "p99": "p99 (ms)",
        "unloaded": "Unloaded (ms)",
        "factor": "p50 / unloaded",
    },
    FIDELITY: {"figure": "Figure", "value": "Value"},
    WORKERS: {
        "host": "Host",
        "started": "Started",
        "running": "Running",
        "queued": "Queued",
        "cpu": "CPU (cores)",
        "memory": "Memory (MB)",
        "lost": "Lost",
    },
}
_BALANCE = (
    ("offered", "Arrivals offered"),
    ("started", "... started"),
    ("dropped", "... dropped (too many in flight)"),
    ("unsent", "... never sent"),
    ("completed", "Requests completed"),
    ("failed", "... failed"),
    ("timed_out", "... timed out"),
    ("cancelled", "... cancelled"),
    ("in_flight", "Running now"),
    ("queued", "Waiting to start now"),
)


def tabs() -> dict[str, Any]:
    """The tabs and the columns of their tables, as Locust's page takes them."""
    return {
        "extended_tabs": [{"key": key, "title": title} for key, title in _TITLES.items()],
        "extended_tables": [
            {
                "key": table,
                "structure": [{"key": key, "title": title} for key, title in columns.items()],
            }
            for table, columns in _COLUMNS.items()
        ],
    }


def rows(
    state: LiveState, book: Book, unloaded_s: Mapping[str, float], warmup_s: float
) -> dict[str, list[Row]]:
    """What stands in each table now.

    Args:
        state: How the test stands.
        book: What was reported so far.
        unloaded_s: Median latency of each node without load.
        warmup_s: Length of the warm-up; the CPU share of a worker counts from its start.
    """
    return {
        NODES: list(_node_rows(book, unloaded_s)),
        FIDELITY: [{"figure": name, "value": value} for name, value in _fidelity(state)],
        WORKERS: [_worker_row(found, warmup_s) for found in book.workers.values()],
    }


def _node_rows(book: Book, unloaded_s: Mapping[str, float]) -> Iterator[Row]:
    for key in sorted(book.total.keys("node")):
        latency_s = book.total.histogram(*key).summary()
        if latency_s is None:
            continue
        before_s = unloaded_s.get(key[1])
        yield {
            "node": key[1],
            "calls": book.total.histogram(*key).total,
            "errors": book.total.counts.get(key, {}).get("errors", 0),
            "p50": _ms(latency_s.p50),
            "p95": _ms(latency_s.p95),
            "p99": _ms(latency_s.p99),
            "unloaded": _ms(before_s),
            "factor": round(latency_s.p50 / before_s, 2) if before_s else None,
        }


def _fidelity(state: LiveState) -> Iterator[tuple[str, str]]:
    yield "Phase", f"{state.phase}, {state.elapsed_s:.0f} s"
    target = "closed model" if state.target_rps is None else f"{state.target_rps:.4g}/s"
    yield "Target rate", target
    yield "Offered, last 5 s", f"{state.offered_rps:.4g}/s"
    yield "Achieved, last 5 s", f"{state.achieved_rps:.4g}/s"
    for name, title in _BALANCE:
        yield title, str(getattr(state, name))
    yield "Schedule lag, p99", _ms_text(state.lag_p99_s)
    yield "Event-loop lag, p99", _ms_text(state.loop_lag_p99_s)
    cpu = "unknown" if state.cpu_share is None else f"{state.cpu_share:.0%} of a core"
    yield "CPU of all workers, last 5 s", cpu
    yield "Workers", f"{state.workers}, {state.lost_workers} lost"


def _worker_row(book: WorkerBook, warmup_s: float) -> Row:
    row: Row = {"host": book.host, "started": book.balance.started, "lost": _yes(book.lost)}
    last = book.last
    if last is None:
        return row
    seconds = last.t_s + warmup_s
    return row | {
        "running": last.in_flight,
        "queued": last.queued,
        "cpu": round(last.cpu_s / seconds, 2) if seconds > 0 else None,
        "memory": round(last.rss_bytes / 1e6),
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 2)


def _ms_text(seconds: float | None) -> str:
    return "none yet" if seconds is None else f"{seconds * 1e3:.3g} ms"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
