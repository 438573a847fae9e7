"""How soon does the HTML report of a large Profile open, and does it stay smooth?

    python tests/benchmarks/html_page.py [--spans 100000] [--rounds 5]

Opens the page from disk in headless Chromium, in a fresh tab each time. Prints the time from the
navigation's start until the report is painted, and how long some clicks (choose a node,
zoom the flame graph, search it, show every call of a timeline) held the page, to the frame after
it; exits 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "render"))

from goals import TABLE_HEAD, Goal, machine, plain, told

from lgprof.render.html.report import html_report
from tests.render.browser import chromium, new_tab
from tests.render.sample_profiles import many_spans

OPEN_GOAL_S = 3.0
CLICK_GOAL_S = 0.5
SIZE_GOAL_BYTES = 600_000
_UNTIL_PAINTED = """(act) => new Promise((done) => {
    const start = performance.now();
    new Function(act)();
    requestAnimationFrame(() => setTimeout(() => done((performance.now() - start) / 1000)));
})"""
_CLICK = (
    "document.querySelector('{}').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))".format
)
CLICKS = {
    "choose a node": _CLICK(".graph .node"),
    "zoom the flame graph": _CLICK(".flame .frame[data-kind=node]"),
    "search the flame graph": (
        "const box = document.querySelector('#flame input[type=search]');"
        "box.value = 'node 3'; box.dispatchEvent(new Event('input', {bubbles: true}))"
    ),
    "show every call of a timeline": _CLICK("#timeline .after button"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    profile = many_spans(arguments.spans)
    start = time.perf_counter()
    page = html_report(profile)
    written_s = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        file = Path(folder, "report.html")
        file.write_bytes(page)
        rounds = [once(browser, file.as_uri()) for _ in range(arguments.rounds)]
        engine = f"Chromium {browser.version}"
    goals = judged(rounds, written_s, len(page))
    print(f"{arguments.spans:,} spans, {engine}, {machine('lgprof')}\n\n{TABLE_HEAD}")
    print(*(goal.row() for goal in goals), sep="\n")
    return int(any(goal.met is False for goal in goals))


def once(browser: Any, address: str) -> dict[str, float]:
    """Seconds to open, and for each click, in a tab of its own."""
    tab = new_tab(browser)
    start = time.perf_counter()
    tab.goto(address)
    tab.wait_for_selector("html[data-ready]")
    tab.evaluate(_UNTIL_PAINTED, "")
    took = {"open": time.perf_counter() - start}
    took |= {name: tab.evaluate(_UNTIL_PAINTED, act) for name, act in CLICKS.items()}
    tab.close()
    return took


def judged(rounds: list[dict[str, float]], written_s: float, size_bytes: int) -> list[Goal]:
    """The median of the rounds beside each goal."""
    median = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    return [
        told("report written", written_s, "s"),
        plain("size of the page", size_bytes, SIZE_GOAL_BYTES, "bytes"),
        plain("opens, until it is painted", median.pop("open"), OPEN_GOAL_S, "s"),
        *(plain(name, took_s, CLICK_GOAL_S, "s") for name, took_s in median.items()),
    ]


if __name__ == "__main__":
    sys.exit(main())
