"""Every sample graph, profiled for real: what must hold whatever the machine does."""

from __future__ import annotations

import importlib
import json
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest

from lgprof.analysis.attribution import attribute
from lgprof.model import (
    ATTRIBUTION_CATEGORIES,
    Profile,
    profile_json_schema,
    read_profile,
    write_profile,
)
from tests.analysis.schedule import replayed_latency_s
from tests.profiling import profile_graph

SAMPLES = Path(__file__).parents[2] / "sample_graphs"
NAMES = sorted(file.stem for file in SAMPLES.glob("*.jsonl"))


@pytest.fixture(scope="module", params=NAMES)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    graph = importlib.import_module(f"sample_graphs.{request.param}").app
    lines = (SAMPLES / f"{request.param}.jsonl").read_text().splitlines()
    inputs = [json.loads(line) for line in lines[:4]]
    profile = profile_graph(graph, *inputs, warmup=1).profile
    file = tmp_path_factory.mktemp("profiles") / "profile.json"
    write_profile(profile, file)
    return file


@pytest.fixture
def profile(saved: Path) -> Profile:
    return read_profile(saved)


def test_nothing_failed_and_every_request_is_kept(profile: Profile) -> None:
    assert profile.summary.succeeded == profile.summary.requests == len(profile.requests) == 4


def test_the_books_balance(profile: Profile) -> None:
    latency_s = profile.summary.latency_s
    parts = [getattr(profile.attribution_s, name) or 0.0 for name in ATTRIBUTION_CATEGORIES]
    assert sum(parts) == pytest.approx(latency_s.mean, rel=1e-3)
    assert profile.attribution_s.unattributed <= 0.01 * latency_s.mean
    assert sum(row.share for row in profile.critical_path) == pytest.approx(1.0)


def test_tiles_follow_each_other_without_gap_or_overlap(profile: Profile) -> None:
    for request in profile.requests:
        tiles = attribute(request)
        assert sum(t.end_s - t.start_s for t in tiles) == pytest.approx(request.latency_s)
        for before, after in pairwise(tiles):
            assert after.start_s >= before.end_s - 1e-9


def test_the_schedule_is_rebuilt_from_the_file_alone(profile: Profile) -> None:
    for request in profile.requests:
        assert replayed_latency_s(request) == pytest.approx(request.latency_s, rel=0.01)


def test_children_lie_within_their_parents(profile: Profile) -> None:
    for request in profile.requests:
        spans = {span.id: span for span in request.spans}
        for span in request.spans:
            assert span.end_s >= span.start_s
            if span.parent is not None and span.kind in ("node", "attempt", "model", "tool"):
                parent = spans[span.parent]
                assert parent.start_s <= span.start_s
                assert span.end_s <= parent.end_s + 1e-9


def test_the_file_fits_the_published_schema(saved: Path) -> None:
    jsonschema.validate(json.loads(saved.read_text()), profile_json_schema())


def test_the_file_holds_no_content(saved: Path) -> None:
    text = saved.read_text()
    name = json.loads(text)["target"]["name"]
    for line in (SAMPLES / f"{name}.jsonl").read_text().splitlines() if name in NAMES else []:
        for value in json.loads(line).values():
            if isinstance(value, str) and len(value) > 12:
                assert value not in text
