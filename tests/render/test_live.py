"""The panel and the line that show a load test while it runs."""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lgprof.model import LatencySummary
from lgprof.model.live import LiveState
from lgprof.render.terminal.charset import ASCII, UNICODE
from lgprof.render.terminal.live import live_line, live_lines

LATENCY = LatencySummary(mean=0.066, p50=0.064, p90=0.068, p95=0.07, p99=0.071, max=0.113)
STEADY = LiveState(
    elapsed_s=12.3,
    duration_s=60.0,
    phase="load",
    target_rps=50.0,
    offered=600,
    started=600,
    completed=596,
    failed=0,
    timed_out=0,
    cancelled=0,
    dropped=0,
    unsent=0,
    in_flight=4,
    queued=0,
    offered_rps=50.0,
    achieved_rps=50.0,
    recent=LATENCY,
    total=LATENCY,
    lag_p99_s=0.0009,
    loop_lag_p99_s=0.0012,
    cpu_share=0.34,
    workers=1,
    lost_workers=0,
    note="",
)


def changed(**values: Any) -> LiveState:
    return dataclasses.replace(STEADY, **values)


def plain(state: LiveState, width: int = 100) -> list[str]:
    return [line.plain for line in live_lines(state, width, UNICODE)]


def test_the_panel() -> None:
    assert plain(STEADY, 80) == [
        "  load      ━━━━━━━━━━━━─────────────────────────────────────────────  12/60 s",
        "  rate      offered 50.0/s   started 50.0/s   target 50.0/s",
        "  requests  in flight 4      queued 0         errors 0         done 596",
        "  last 5 s  p50 64.0 ms      p95 70.0 ms      p99 71.0 ms      max 113 ms",
        "  in all    p50 64.0 ms      p95 70.0 ms      p99 71.0 ms      max 113 ms",
        "  lag p99   schedule 900 µs  loop 1.20 ms     CPU 34%          workers 1",
        "",
    ]


def test_the_line() -> None:
    assert live_line(STEADY) == (
        "lgprof: 12/60 s  offered 50.0/s  started 600  done 596  in flight 4  p50 64.0 ms  "
        "p99 71.0 ms  lag p99 900 us  errors 0"
    )


def test_the_line_names_what_goes_wrong() -> None:
    state = changed(failed=12, timed_out=3, queued=7, dropped=2, unsent=9, lost_workers=1)
    line = live_line(state)
    for fact in ("errors 15", "queued 7", "dropped 2", "unsent 9", "1 worker lost"):
        assert f"  {fact}" in line


@pytest.mark.parametrize("phase", ["starting workers", "warm-up", "draining"])
def test_a_phase_other_than_the_load_is_named(phase: str) -> None:
    assert phase in live_line(changed(phase=phase))
    assert plain(changed(phase=phase))[0].startswith(f"  {phase}")


def test_nothing_is_known_yet() -> None:
    state = changed(
        phase="starting workers",
        duration_s=None,
        recent=None,
        total=None,
        lag_p99_s=None,
        loop_lag_p99_s=None,
        cpu_share=None,
    )
    lines = plain(state)
    assert len(lines) == len(plain(STEADY))
    assert lines[3].endswith("no answer yet")
    assert "━" not in lines[0]
    assert "p50" not in live_line(state)


def test_a_panel_for_a_narrow_terminal_still_says_what_matters() -> None:
    shown = "\n".join(plain(changed(lost_workers=1, queued=225), 60))
    for fact in ("offered", "started", "in flight", "queued", "errors", "p99", "lost 1"):
        assert fact in shown


@given(
    width=st.integers(1, 250),
    ascii_only=st.booleans(),
    phase=st.sampled_from(["starting workers", "warm-up", "load", "draining"]),
    number=st.integers(0, 10**9),
    seconds=st.one_of(st.none(), st.floats(0, 1e5)),
    note=st.text(max_size=200),
)
def test_its_height_and_width_are_fixed(width, ascii_only, phase, number, seconds, note) -> None:
    state = changed(
        phase=phase,
        duration_s=seconds,
        failed=number,
        queued=number,
        dropped=number,
        lag_p99_s=seconds,
        cpu_share=seconds,
        recent=None if seconds is None else LATENCY,
        lost_workers=number,
        note=note,
    )
    lines = live_lines(state, width, ASCII if ascii_only else UNICODE)
    assert len(lines) == 7
    for line in lines:
        assert cell_len(line.plain) <= width
        assert not {unicodedata.category(each) for each in line.plain} & {"Cc", "Cf", "Cs"}
        assert not ascii_only or line.plain.isascii()
    assert live_line(state).isascii()
