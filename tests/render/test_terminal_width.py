"""No line is wider than the terminal, ASCII is ASCII, and no name of the user gets through raw."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pytest
import sample_load_profiles
import sample_profiles
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_samples = {
    **sample_profiles.SAMPLES,
    **{f"load {name}": make for name, make in sample_load_profiles.LOAD_SAMPLES.items()},
}
_profile = cache(lambda name: _samples[name]())
_options = {
    "saved_to": ".lgprof/" + "long/" * 40 + "run.json",
    "next_steps": ["lgprof " + "x" * 120],
}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.sampled_from(sorted(_samples)),
    width=st.integers(60, 200),
    kind=st.sampled_from(["plain", "ascii", "colour"]),
    verbosity=st.integers(0, 1),
)
def test_no_line_is_too_wide(show, name: str, width: int, kind: str, verbosity: int) -> None:
    failures = sample_profiles.FAILURES.get(name, list)()
    options = {"failures": failures, "verbosity": verbosity, **_options}
    shown = show(_profile(name), width, kind, **options)
    for line in _COLOURS.sub("", shown).split("\n"):
        assert cell_len(line) <= width, line
        assert line == line.rstrip(" ") or kind == "colour"


@pytest.mark.parametrize("width", range(60, 201, 7))
@pytest.mark.parametrize("name", sorted(_samples))
def test_every_sample_at_every_width(show, name: str, width: int) -> None:
    failures = sample_profiles.FAILURES.get(name, list)()
    for line in show(_profile(name), width, failures=failures, **_options).split("\n"):
        assert cell_len(line) <= width, line


@pytest.mark.parametrize("width", [1, 10, 30, 59, 400])
def test_odd_widths_do_not_break_it(show, width: int) -> None:
    for name in _samples:
        for line in show(_profile(name), width).split("\n"):
            assert cell_len(line) <= width


@pytest.mark.parametrize("name", sorted(_samples))
def test_ascii_is_ascii(show, name: str) -> None:
    failures = sample_profiles.FAILURES.get(name, list)()
    assert show(_profile(name), 100, "ascii", failures=failures).isascii()


def test_legacy_windows_gets_ascii(samples, monkeypatch) -> None:
    import io

    from rich.console import Console

    from lgprof.render import terminal

    monkeypatch.setattr(terminal, "critical_spans", samples.critical_spans)
    file = io.StringIO()
    console = Console(file=file, width=80, legacy_windows=True, force_terminal=False)
    terminal.render_report(_profile("agent"), console)
    assert file.getvalue().isascii()


@pytest.mark.parametrize("name", ["hostile", "load hostile"])
@pytest.mark.parametrize("kind", ["plain", "colour"])
def test_no_control_character_gets_through(show, kind: str, name: str) -> None:
    failures = sample_profiles.hostile_failures()
    shown = show(_profile(name), 120, kind, failures=failures, verbosity=1)
    left = (
        _COLOURS.sub("", shown).replace("\n", "") if kind == "colour" else shown.replace("\n", "")
    )
    bad = {character for character in left if unicodedata.category(character) in ("Cc", "Cf", "Cs")}
    assert bad == set()


def test_markup_in_names_is_shown_not_obeyed(show) -> None:
    failures = sample_profiles.hostile_failures()
    shown = show(_profile("hostile"), 120, failures=failures)
    assert "[red]x[/red]" in shown
    assert "[bold]E[/bold]" in shown
    assert "[red]boom[/red]" in shown
