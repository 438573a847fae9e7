"""Figures beside what they should be, as rows of a Markdown table."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from paired import Interval


@dataclass(frozen=True)
class Goal:
    """One line of the verdict."""

    what: str
    measured: float
    low: float | None
    high: float | None
    limit: str
    unit: str
    met: bool | None
    """None: no goal, reported for completeness."""

    def row(self) -> str:
        between = "" if self.low is None else f"{figure(self.low)} to {figure(self.high)}"
        verdict = "" if self.met is None else "PASS" if self.met else "**FAIL**"
        measured = f"{figure(self.measured)} {self.unit}".rstrip()
        return f"| {self.what} | {measured} | {between} | {self.limit} | {verdict} |"


TABLE_HEAD = "| Goal | Measured | 95 % interval | Limit | |\n|---|--:|--:|--:|---|"


def figure(value: float | None) -> str:
    """As short as it may be without misleading."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.3g}"


def at_most(what: str, found: Interval, limit: float, unit: str, high: float | None = None) -> Goal:
    """A median that must not be above a limit, nor the end of its interval above another."""
    bound = "" if high is None else f", upper bound {high:g}"
    met = found.median <= limit and (high is None or found.high <= high)
    return Goal(what, *found, f"at most {limit:g} {unit}{bound}".rstrip(), unit, met)


def at_least(what: str, found: Interval, limit: float, unit: str) -> Goal:
    """A median that must not be below a limit."""
    limit_text = f"at least {limit:g} {unit}".rstrip()
    return Goal(what, *found, limit_text, unit, found.median >= limit)


def plain(what: str, value: float, limit: float, unit: str) -> Goal:
    """One value that must not be above a limit."""
    return Goal(what, value, None, None, f"at most {limit:g} {unit}", unit, value <= limit)


def told(what: str, value: float, unit: str, found: Interval | None = None) -> Goal:
    """A value without a goal."""
    low, high = (found.low, found.high) if found else (None, None)
    return Goal(what, value, low, high, "", unit, None)


def machine(*packages: str) -> str:
    """Where the figures come from, with versions of packages."""
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    python = platform.python_version()
    return (
        f"{_cpu_model()}, {os.cpu_count()} cores, {platform.system()}, Python {python}, {versions}"
    )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
