"""A load test while it runs: a panel for a terminal, one line for a log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from lgprof.model import LatencySummary
from lgprof.model.live import LiveState
from lgprof.readable import count, duration, percent, plural, rate, trimmed, whole_percent
from lgprof.render.terminal import palette, text
from lgprof.render.terminal.charset import Glyphs
from lgprof.render.terminal.page import INDENT
from lgprof.render.terminal.palette import Role

_Fact = tuple[str, str, Style]
"""Name, value, and the value's style."""

_LABEL = 10
_WHOLE = 0.095
"""From this share on errors are shown in whole percents, to stay in their column."""
_LATE = 0.1
"""A schedule lag beyond this share of the median latency is marked, as the verdict would."""


def live_lines(state: LiveState, width: int, glyphs: Glyphs) -> list[Text]:
    """The panel: always the same number of lines, none wider than the terminal."""
    panel = _Panel(state, width, glyphs)
    lines = [
        panel.progress(),
        panel.rates(),
        panel.requests(),
        panel.latency("last 5 s", state.recent),
        panel.latency("in all", state.total),
        panel.generator(),
        panel.note(),
    ]
    for line in lines:
        line.truncate(width)
        line.rstrip()
    return lines


def live_line(state: LiveState) -> str:
    """The same on one line of ASCII, for where no terminal is."""
    facts = [
        _clock(state, ascii_only=True),
        "" if state.phase == "load" else state.phase,
        f"offered {rate(state.offered_rps)}",
        f"started {count(state.started)}",
        f"done {count(state.completed)}",
        f"in flight {count(state.in_flight)}",
        f"queued {count(state.queued)}" if state.queued else "",
    ]
    if state.recent is not None:
        facts += [f"{name} {_time(getattr(state.recent, name))}" for name in ("p50", "p99")]
    if state.lag_p99_s is not None:
        facts.append(f"lag p99 {_time(state.lag_p99_s)}")
    facts += [
        f"errors {count(state.errors)}",
        f"dropped {count(state.dropped)}" if state.dropped else "",
        f"unsent {count(state.unsent)}" if state.unsent else "",
        f"{plural(state.lost_workers, 'worker')} lost" if state.lost_workers else "",
        text.clean(state.note, ascii_only=True),
    ]
    return "lgprof: " + "  ".join(fact for fact in facts if fact)


def _clock(state: LiveState, *, ascii_only: bool) -> str:
    """``12/60 s``: how far it is, in whole seconds."""
    if state.duration_s is None or state.phase in ("starting workers", "draining"):
        return f"{state.elapsed_s:.0f} s"
    whole = trimmed(f"{state.duration_s:.1f}")
    return f"{min(state.elapsed_s, state.duration_s):.0f}/{whole} s"


def _time(seconds: float, *, ascii_only: bool = True) -> str:
    return duration(seconds, ascii_only=ascii_only)


@dataclass(frozen=True, slots=True)
class _Panel:
    """The lines of one state."""

    state: LiveState
    width: int
    glyphs: Glyphs

    def progress(self) -> Text:
        """Phase, bar, time."""
        state = self.state
        line = Text(" " * INDENT)
        line.append(text.pad(state.phase, max(_LABEL, len(state.phase) + 2)), style=palette.TITLE)
        end = f"  {_clock(state, ascii_only=False)}"
        room = self.width - line.cell_len - len(end) - INDENT
        if room >= 8:
            done = self._share_done() * room
            line.append(self.glyphs.progress[0] * round(done), palette.bar_style(Role.NODE))
            line.append(self.glyphs.progress[1] * (room - round(done)), style=palette.QUIET)
        return line.append(end)

    def rates(self) -> Text:
        """Requests per second."""
        state = self.state
        facts = [_plain("offered", rate(state.offered_rps))]
        facts.append(_plain("started", rate(state.achieved_rps)))
        if state.target_rps is not None:
            facts.append(_plain("target", rate(state.target_rps)))
        return self._facts("rate", facts)

    def requests(self) -> Text:
        """Counts."""
        state = self.state
        share = state.errors / state.started if state.started else 0.0
        shown = whole_percent(share) if share >= _WHOLE else percent(share)
        errors = f"{count(state.errors)} ({shown})" if state.errors else "0"
        facts = [
            _plain("in flight", count(state.in_flight)),
            ("queued", count(state.queued), palette.WARNING if state.queued else palette.PLAIN),
            ("errors", errors, palette.ERROR if state.errors else palette.PLAIN),
            _plain("done", count(state.completed)),
        ]
        facts += [
            (name, count(getattr(state, name)), palette.ERROR)
            for name in ("dropped", "unsent", "cancelled")
            if getattr(state, name)
        ]
        return self._facts("requests", facts)

    def latency(self, label: str, latency: LatencySummary | None) -> Text:
        """Percentiles, from the intended start."""
        if latency is None:
            return self._facts(label, [("", "no answer yet", palette.QUIET)])
        names = ("p50", "p95", "p99", "max")
        return self._facts(
            label, [(name, self._time(getattr(latency, name)), palette.STRONG) for name in names]
        )

    def generator(self) -> Text:
        """Whether what makes the load keeps up."""
        state = self.state
        lag_s = state.lag_p99_s
        late = lag_s is not None and state.total is not None and lag_s > _LATE * state.total.p50
        lag = "-" if lag_s is None else self._time(lag_s)
        facts = [("schedule", lag, palette.WARNING if late else palette.PLAIN)]
        if state.loop_lag_p99_s is not None:
            facts.append(_plain("loop", self._time(state.loop_lag_p99_s)))
        if state.lost_workers:
            facts.append(("lost", count(state.lost_workers), palette.ERROR))
        if state.cpu_share is not None:
            facts.append(_plain("CPU", whole_percent(state.cpu_share)))
        facts.append(_plain("workers", count(state.workers)))
        return self._facts("lag p99", facts)

    def note(self) -> Text:
        """Whatever else there is."""
        shown = text.clean(self.state.note, ascii_only=self.glyphs.ascii_only)
        fitted = text.fit(shown, self.width - INDENT, self.glyphs.ellipsis)
        return Text(" " * INDENT).append(fitted, style=palette.QUIET)

    def _facts(self, label: str, facts: Sequence[_Fact]) -> Text:
        """Facts in columns that stay where they are; those without room are left out."""
        line = Text(" " * INDENT)
        line.append(text.pad(label, _LABEL), style=palette.QUIET)
        column = min(max((self.width - INDENT - _LABEL) // 4, 13), 18)
        for name, value, style in facts:
            fact = Text().append(f"{name} " if name else "", style=palette.QUIET)
            fact.append(value, style=style)
            if line.cell_len + fact.cell_len > self.width:
                break
            gap = column - fact.cell_len
            line.append_text(fact).append(" " * (gap if gap > 0 else 2))
        return line

    def _share_done(self) -> float:
        state = self.state
        if state.phase == "draining":
            return 1.0
        if state.phase == "starting workers" or not state.duration_s:
            return 0.0
        return min(max(state.elapsed_s / state.duration_s, 0.0), 1.0)

    def _time(self, seconds: float) -> str:
        return _time(seconds, ascii_only=self.glyphs.ascii_only)


def _plain(name: str, value: str) -> _Fact:
    return name, value, palette.PLAIN
