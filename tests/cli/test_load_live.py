"""What a load test shows while it runs: on a terminal, elsewhere, and when it has to ask."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from lgprof.cli.live import LineWatcher, PanelWatcher, QuietWatcher, watching
from lgprof.model.live import LiveState


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for what draws a state."""
    stand_in = SimpleNamespace(
        live_line=lambda state: f"{state.elapsed_s:g} s, {state.offered} offered",
        live_lines=lambda state, width, glyphs: [
            Text(f"{state.elapsed_s:g} s".ljust(width, "-")),
            Text(f"{state.offered} offered"),
        ],
    )
    monkeypatch.setitem(sys.modules, "lgprof.render.terminal.live", stand_in)


def state(elapsed_s: float, offered: int = 0) -> LiveState:
    counts = ("started", "completed", "failed", "timed_out", "cancelled", "dropped", "unsent")
    rates: dict[str, Any] = dict.fromkeys(("offered_rps", "achieved_rps"), 0.0)
    unknown: dict[str, Any] = dict.fromkeys(
        ("duration_s", "target_rps", "recent", "total", "lag_p99_s", "loop_lag_p99_s", "cpu_share")
    )
    numbers = dict.fromkeys((*counts, "in_flight", "queued", "workers", "lost_workers"), 0)
    return LiveState(
        elapsed_s=elapsed_s, phase="load", offered=offered, note="", **numbers, **rates, **unknown
    )


def terminal(**more: Any) -> Console:
    return Console(file=Terminal(), force_terminal=True, width=40, color_system=None, **more)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_must_be_known_is_told_even_when_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    with watching(quiet=True, yes=False) as watcher:
        watcher.tell("look here")
    assert capfd.readouterr() == ("", "look here\n")


def test_quiet_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with watching(quiet=True, yes=False) as watcher:
        watcher.show(state(1))
    assert capfd.readouterr() == ("", "")


def test_a_line_every_ten_seconds_elsewhere(capfd: pytest.CaptureFixture[str]) -> None:
    moments = iter([0.0, 9.9, 10.0, 10.0, 19.9, 20.0, 20.0])
    watcher = LineWatcher(yes=False, now_s=lambda: next(moments))
    for elapsed_s in (9.9, 10.0, 19.9, 20.0):
        watcher.show(state(elapsed_s, offered=int(elapsed_s * 10)))
    assert capfd.readouterr().err == "10 s, 100 offered\n20 s, 200 offered\n"


def test_a_pipe_gets_lines_whatever_colour_is_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with watching(quiet=False, yes=False) as watcher:
        assert isinstance(watcher, LineWatcher)


@pytest.mark.parametrize(("kind", "expected"), [("xterm", PanelWatcher), ("dumb", LineWatcher)])
def test_a_terminal_gets_the_panel_unless_it_is_a_dumb_one(
    monkeypatch: pytest.MonkeyPatch, kind: str, expected: type
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with watching(quiet=False, yes=False) as watcher:
        assert type(watcher) is expected


def test_the_panel_is_redrawn_in_place_and_taken_away() -> None:
    import threading

    console = terminal()
    watcher = PanelWatcher(console, yes=False)
    threads = threading.active_count()
    watcher.show(state(1, offered=10))
    drawn = text_of(console)
    assert drawn.endswith("1 s" + "-" * 37 + "\n10 offered")
    assert "\x1b[?25l" in drawn  # the cursor is hidden
    watcher.show(state(2, offered=20))
    assert "\x1b[1A" in text_of(console)[len(drawn) :]  # up to the panel's first line
    assert threading.active_count() == threads
    watcher.pause()
    assert text_of(console).endswith("\x1b[2K")  # the last line is cleared
    assert text_of(console).count("\x1b[?25h") == 1
    watcher.pause()
    assert text_of(console).count("\x1b[?25h") == 1


def test_what_is_printed_meanwhile_stays_above_the_panel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console = terminal()
    watcher = PanelWatcher(console, yes=False)
    watcher.show(state(1))
    print("from the graph")
    watcher.pause()
    assert "from the graph" in text_of(console)


def test_the_terminal_is_left_as_it_was_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)

    def fail() -> None:
        with watching(quiet=False, yes=False) as watcher:
            watcher.show(state(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert "\x1b[?25h" in stderr.getvalue()
    assert sys.stderr is stderr


@pytest.mark.parametrize(
    ("answer", "yes"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_an_answer(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], answer: str, yes: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert QuietWatcher(yes=False).confirm("300 requests") is yes
    assert capfd.readouterr().err == "300 requests\nGo on? [y/N] "


def test_the_panel_makes_room_for_a_question(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    console = terminal()
    watcher = PanelWatcher(console, yes=False)
    watcher.show(state(1))
    assert watcher.confirm("300 requests")
    before = text_of(console)
    assert before.endswith("\x1b[2K")
    assert "300 requests" in capfd.readouterr().err
    watcher.show(state(2))
    assert "\x1b[1A" not in text_of(console)[len(before) :]  # the question is not drawn over
    watcher.pause()
