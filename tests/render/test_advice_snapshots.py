"""What advice looks like. LGPROF_UPDATE_SNAPSHOTS=1 writes the snapshots anew."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from lgprof.model import Advice, MeasuredSaving, Profile, Saving
from lgprof.render.terminal import AdviceNotes, render_counsel

SNAPSHOTS = Path(__file__).parent / "snapshots"
CODE = """import json
from langgraph.types import CachePolicy

def find_policy_key(state):
    # messages by their content: their ids differ every time, and no cache would ever hit on them
    return json.dumps([state.get(key) for key in ("topic",)], sort_keys=True, default=content)"""


def saving(
    mean_s: float, share: float, usd: float | None = 0.0, p95_s: float | None = None
) -> Saving:
    return Saving(
        p50_s=mean_s, p95_s=p95_s, mean_s=mean_s, mean_ci_s=(mean_s * 0.9, mean_s * 1.1),
        share=share, usd_per_1k_requests=usd,
    )  # fmt: skip


def advised(profile: Profile) -> Profile:
    """A Profile with a proven change, one that is not, one without a saving and one refused."""
    profile.advice = [
        Advice(
            kind="what_if", nodes=[], title="node.draft*0.5", why="", change="",
            evidence=[], saving=saving(0.12, 0.2, None), status="predicted",
        ),
        Advice(
            kind="parallel", nodes=["load_customer", "load_orders"],
            title="Run load_customer and load_orders side by side",
            why="They run one after another, and none needs what another does.",
            change='graph.add_edge(["load_customer", "load_orders"], "classify")',
            evidence=["3/12", "4/15"], saving=saving(0.0258, 0.056, p95_s=0.03), status="proven",
            reasons=["0 of 24 runs of the changed copy differed"],
            measured=MeasuredSaving(
                mean_s=0.0251, mean_ci_s=(0.0242, 0.0261), prediction_error=0.0015,
                outputs_equal=True, inputs=24, control_error=-0.002,
            ),
        ),
        Advice(
            kind="cache", nodes=["find_policy"], title="Cache find_policy by topic",
            why="8 calls of 12 read what an earlier call had read (topic).", change=CODE,
            evidence=["3/132"], saving=saving(0.0138, 0.03, 1.25), status="unproven",
            reasons=["8 repeats of 4 keys agreed; 59 of 5 keys or more would rule out that one in "
                     "twenty differs"],
        ),
        Advice(
            kind="recursion", nodes=[], title="Find out why the graph runs into its limit",
            why="2 requests were stopped.", change="", evidence=[], saving=None,
            status="unproven", reasons=["whether the loop would have ended cannot be told"],
        ),
        Advice(
            kind="parallel", nodes=["draft", "review"], title="Run draft and review side by side",
            why="They run one after another.", change="", evidence=[], saving=saving(0.05, 0.1),
            status="unsafe", reasons=["review reads draft, which draft writes"],
        ),
    ]  # fmt: skip
    return profile


def shown(profile: Profile, notes: AdviceNotes, width: int, kind: str = "plain") -> str:
    encoding = "ascii" if kind == "ascii" else "utf-8"
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    console = Console(file=file, width=width, color_system=None, legacy_windows=False)
    render_counsel(profile, console, notes, quiet=True)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("width", "kind"), [(60, "plain"), (80, "ascii"), (100, "plain"), (160, "plain")]
)
def test_advice_looks_as_it_did(samples, width: int, kind: str) -> None:
    text = shown(advised(samples.agent()), AdviceNotes(minor=2, refused=1), width, kind)
    path = SNAPSHOTS / f"advice-{width}-{kind}.txt"
    if os.environ.get("LGPROF_UPDATE_SNAPSHOTS") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_code_is_never_cut_and_prose_never_wider_than_the_page(samples) -> None:
    text = shown(advised(samples.agent()), AdviceNotes(), 60)
    assert 'graph.add_edge(["load_customer", "load_orders"], "classify")' in text
    wide = [line for line in text.splitlines() if len(line) > 60]
    assert all("graph." in line or "json." in line for line in wide)


def test_what_is_unsafe_stands_apart(samples) -> None:
    text = shown(advised(samples.agent()), AdviceNotes(), 100)
    advice, refused = text.split("Refused  considered, and not safe")
    assert "Run draft and review side by side" not in advice
    assert "review reads draft, which draft writes" in refused


def test_what_saves_nothing_stands_below_what_saves(samples) -> None:
    profile = advised(samples.agent())
    profile.advice.insert(1, Advice(
        kind="blocking", nodes=["find_policy"], title="Do not block the event loop in find_policy",
        why="Others wait for it.", change="", evidence=[], saving=saving(-0.001, -0.003),
        status="unproven",
    ))  # fmt: skip
    gains, others = shown(profile, AdviceNotes(), 100).split("No saving  2 changes that take")
    assert "Do not block" not in gains
    assert "predicted  no saving: -1.00 ms of the mean, -0.3%" in others
    assert "Find out why the graph runs into its limit" in others


def test_what_saves_money_alone_says_so_in_a_line(samples) -> None:
    profile = advised(samples.agent())
    profile.advice = profile.advice[-1:]
    profile.advice[0].saving = saving(0.0, 0.0, 5.38)
    profile.advice[0].status = "predicted"
    text = shown(profile, AdviceNotes(), 100)
    assert "predicted  $5.38 per 1,000 requests, and no time" in text


def test_nothing_to_gain_says_why(samples) -> None:
    profile = samples.agent()
    profile.advice = []
    text = shown(profile, AdviceNotes(minor=1, nothing=["All of it is one model call."]), 100)
    assert "nothing to gain that is worth a change" in text
    assert "All of it is one model call." in text
    assert "1 change would save less than 2%: --all" in text


def test_the_report_names_three_and_no_question(samples, show) -> None:
    text = show(advised(samples.agent()), sections=["advice"], saved_to=".lgprof/run.json")
    assert "node.draft*0.5" not in text
    assert "Run draft and review" not in text
    assert "lgprof advise .lgprof/run.json" in text
