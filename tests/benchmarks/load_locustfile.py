"""Stock Locust on the stalling graph: two users that keep up 50 requests a second if they can."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import gevent
from gevent.monkey import get_original
from load_targets import SERVICE_S, STALL_EVERY_S, State, in_a_row, log, stop_the_world
from locust import User, constant_throughput, events, task

RATE = 25.0


def _serve(state: State) -> State:
    log("start", state["i"], time.monotonic())
    time.sleep(SERVICE_S)
    return {"x": 1}


_graph = in_a_row(_serve)
_made = iter(range(10**9))


class Caller(User):
    wait_time = constant_throughput(RATE)

    @task
    def call(self) -> None:
        began_s = time.perf_counter()
        _graph.invoke({"i": next(_made)})
        spent_ms = (time.perf_counter() - began_s) * 1e3
        self.environment.events.request.fire(
            request_type="graph", name="graph", response_time=spent_ms, response_length=0
        )


def _keep_stalling() -> None:
    while True:
        gevent.sleep(STALL_EVERY_S)
        stop_the_world(get_original("time", "sleep"))


@events.test_start.add_listener
def _start(**_: object) -> None:
    gevent.spawn(_keep_stalling)


@events.quitting.add_listener
def _tell(environment: object, **_: object) -> None:
    total = environment.stats.total  # type: ignore[attr-defined]
    found = {f"p{q}": total.get_response_time_percentile(q / 100) / 1e3 for q in (50, 95, 99)}
    found["requests"] = total.num_requests
    Path(os.environ["LGPROF_BENCHMARK_RESULT"]).write_text(json.dumps(found))
