"""Every export is read again, by its format's own schema or reader where there is one."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from lgprof.analysis.flame import FlameOptions
from lgprof.errors import UsageError
from lgprof.model import Fidelity, Profile, PythonFrame, SampledPlace, Sampling, StackRow
from lgprof.render.chrome_trace import chrome_trace
from lgprof.render.folded import folded
from lgprof.render.lanes import Bar, lanes_of
from lgprof.render.otlp import otlp, otlp_batches
from lgprof.render.profile_markdown import profile_markdown
from lgprof.render.request_table import request_table
from lgprof.render.speedscope import speedscope
from lgprof.render.svg import flame_svg
from tests.render import sample_load_profiles, sample_profiles
from tests.render.sample_profiles import Recording, profile_of

DATA = Path(__file__).parent / "data"
SPEEDSCOPE = jsonschema.Draft7Validator(json.loads((DATA / "speedscope.schema.json").read_text()))
SAMPLES = ["agent", "fan_out", "retries", "loop", "nested", "hostile", "none_succeeded", "costs"]


def sample(name: str) -> Profile:
    if name == "load":
        return sample_load_profiles.saturated()
    made = sample_profiles.costs() if name == "costs" else sample_profiles.SAMPLES[name]()
    assert isinstance(made, Profile)
    return made


def hostile() -> Profile:
    """A node and a function that would be more than text if they were let."""
    recording = Recording()
    recording.run('<img src=x onerror="alert(1)">]]>;\x00\x1b[31m&amp;', 2.0)
    recording.run("plain;node", 1.0)
    made = profile_of([recording.done()])
    frame = PythonFrame("</script><script>alert(1)</script>", 'a";b.py', 3)
    place = SampledPlace(
        node="plain;node", wall_s=1.0, rows=[StackRow(parent=-1, frame=0, line=0, self_s=1.0)]
    )
    made.sampling = Sampling(
        requests=1, slowdown=None, samples=9, interval_s=0.001, frames=[frame], places=[place]
    )
    return made


def test_folded_stacks_add_up() -> None:
    recording = Recording()
    node = recording.run("plan", 6.0)
    recording.model(node, node.start_s + 4, node.start_s + 6)
    made = profile_of([recording.done()])
    assert folded(made) == "plan 4000000\nplan;llm gpt-4o 2000000\n"
    assert folded(made, FlameOptions(by="cost")) == "plan;llm gpt-4o 4100\n"
    assert folded(made, FlameOptions(by="tokens")) == (
        "plan;llm gpt-4o;input tokens 900\nplan;llm gpt-4o;output tokens 180\n"
    )


@pytest.mark.parametrize("name", [*SAMPLES, "load"])
def test_folded_lines_are_stacks_and_weights(name: str) -> None:
    for line in folded(sample(name)).splitlines():
        assert re.fullmatch(r"\S.* [1-9]\d*", line)


def test_folded_names_do_not_break_the_line() -> None:
    lines = folded(hostile()).splitlines()
    assert len(lines) == 2
    assert lines[1] == 'plain:node;</script><script>alert(1)</script> (a":b.py:3) 1000000'


@pytest.mark.parametrize("name", [*SAMPLES, "load"])
@pytest.mark.parametrize("by", ["time", "tokens"])
def test_speedscope_takes_it(name: str, by: str) -> None:
    try:
        document = json.loads(speedscope(sample(name), FlameOptions(by=by)))
    except UsageError:
        assert by == "tokens"
        return
    SPEEDSCOPE.validate(document)
    frames = len(document["shared"]["frames"])
    for profile in document["profiles"]:
        if profile["type"] == "sampled":
            assert len(profile["samples"]) == len(profile["weights"])
            assert all(0 <= frame < frames for stack in profile["samples"] for frame in stack)
        else:
            check_events(profile)


def check_events(profile: dict) -> None:
    """Speedscope wants events in order, and each close to be of the frame opened last."""
    open_frames, at = [], profile["startValue"]
    for event in profile["events"]:
        assert event["at"] >= at
        at = event["at"]
        if event["type"] == "O":
            open_frames.append(event["frame"])
        else:
            assert open_frames.pop() == event["frame"]
    assert open_frames == []
    assert at <= profile["endValue"]


@pytest.mark.parametrize("name", [*SAMPLES, "load"])
def test_trace_events_nest_on_each_lane(name: str) -> None:
    made = sample(name)
    events = json.loads(chrome_trace(made))["traceEvents"]
    lanes = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            lanes[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    named = {event["tid"] for event in events if event["name"] == "thread_name"}
    assert named == set(lanes)
    for bars in lanes.values():
        around: list[float] = []
        for start, end in sorted(bars, key=lambda bar: (bar[0], -bar[1])):
            while around and around[-1] <= start:
                around.pop()
            assert not around or end <= around[-1], "it ends within what it began in"
            around.append(end)
    assert sum(event.get("cat") == "request" for event in events) == len(made.requests)


def test_what_runs_side_by_side_stands_on_lanes_of_its_own() -> None:
    recording = Recording()
    for name, start_s, end_s in (("a", 1.0, 4.0), ("b", 2.0, 3.0), ("c", 4.0, 5.0)):
        recording.node(name, start_s, end_s, step=1)
    lanes = lanes_of([recording.done()])
    names = [[inner.call.span.name for inner in bar.inside if inner.call] for bar in lanes[0]]
    assert names == [["a", "c"]]
    assert [[bar.call.span.name for bar in lane if bar.call] for lane in lanes[1:]] == [["b"]]


@given(
    st.lists(
        st.tuples(st.floats(0, 50), st.floats(0.01, 20), st.floats(0, 1)), min_size=1, max_size=12
    )
)
def test_lanes_hold_every_call_once_and_nothing_overlaps(
    nodes: list[tuple[float, float, float]],
) -> None:
    recording = Recording()
    for number, (start_s, seconds, share) in enumerate(nodes):
        node = recording.node(f"n{number}", start_s, start_s + seconds, step=1)
        recording.model(node, start_s, start_s + seconds * share)
    lanes = lanes_of([recording.done()])
    assert len(lanes[0]) >= 1
    assert sum(map(count_calls, (bar for lane in lanes for bar in lane))) == 2 * len(nodes)
    for lane in lanes:
        check_apart(lane)


def count_calls(bar: Bar) -> int:
    return (bar.call is not None) + sum(map(count_calls, bar.inside))


def check_apart(bars: list[Bar]) -> None:
    for left, right in pairwise(bars):
        assert left.end_s <= right.start_s
    for bar in bars:
        assert all(bar.start_s <= inner.start_s <= inner.end_s <= bar.end_s for inner in bar.inside)
        check_apart(bar.inside)


def read_otlp(text: str) -> ExportTraceServiceRequest:
    """Read it as a collector does: ids are hexadecimal there, where protobuf's JSON has base64."""
    document = json.loads(text)
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        raw = bytes.fromhex(span[name])
                        span[name] = base64.b64encode(raw).decode()
    return json_format.ParseDict(document, ExportTraceServiceRequest())


@pytest.mark.parametrize("name", [*SAMPLES, "load"])
def test_a_collector_reads_the_traces(name: str) -> None:
    made = sample(name)
    (resource,) = read_otlp(otlp(made)).resource_spans
    spans = resource.scope_spans[0].spans
    assert len(spans) == len(made.requests) + sum(len(each.spans) for each in made.requests)
    assert {len(span.trace_id) for span in spans} == {16}
    assert {len(span.span_id) for span in spans} == {8}
    assert len({span.trace_id for span in spans}) == len(made.requests)
    known = {(span.trace_id, span.span_id) for span in spans}
    assert len(known) == len(spans)
    roots = [span for span in spans if not span.parent_span_id]
    assert len(roots) == len(made.requests)
    for span in spans:
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert not span.parent_span_id or (span.trace_id, span.parent_span_id) in known


def test_model_calls_follow_the_conventions_for_generative_ai() -> None:
    recording = Recording()
    recording.model(recording.run("plan", 2.0), 0.5, 1.0)
    (resource,) = read_otlp(otlp(profile_of([recording.done()]))).resource_spans
    span = next(span for span in resource.scope_spans[0].spans if span.name == "chat gpt-4o")
    told = {each.key: each.value for each in span.attributes}
    assert span.kind == span.SPAN_KIND_CLIENT
    assert told["gen_ai.operation.name"].string_value == "chat"
    assert told["gen_ai.provider.name"].string_value == "openai"
    assert told["gen_ai.request.model"].string_value == "gpt-4o"
    assert told["gen_ai.usage.input_tokens"].int_value == 900
    assert told["gen_ai.usage.output_tokens"].int_value == 180
    assert told["gen_ai.usage.cache_read.input_tokens"].int_value == 300
    assert span.end_time_unix_nano - span.start_time_unix_nano == 500_000_000


def test_large_profiles_are_sent_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    made = sample("agent")
    monkeypatch.setattr("lgprof.render.otlp._BATCH_SPANS", 2 * len(made.requests[0].spans))
    batches = [read_otlp(batch) for batch in otlp_batches(made)]
    assert len(batches) > 1
    whole = read_otlp(otlp(made)).resource_spans[0].scope_spans[0].spans
    parts = [span for each in batches for span in each.resource_spans[0].scope_spans[0].spans]
    assert parts == list(whole)


def test_requests_as_a_table() -> None:
    recording = Recording()
    node = recording.run("plan", 2.0)
    recording.model(node, 0.5, 1.0)
    request = recording.done("failed", error_type="=cmd()", error_node="plan")
    rows = list(csv.DictReader(io.StringIO(request_table(profile_of([request])))))
    assert len(rows) == 1
    (row,) = rows
    assert row["outcome"] == "failed"
    assert float(row["latency_s"]) == request.latency_s
    assert (row["llm_calls"], row["input_tokens"], row["output_tokens"]) == ("1", "900", "180")
    assert row["error_type"] == "'=cmd()", "no formula of a spreadsheet"
    assert row["intended_s"] == ""


@pytest.mark.parametrize("name", [*SAMPLES, "load"])
def test_the_picture_is_well_formed_and_needs_no_other_file(name: str) -> None:
    text = flame_svg(sample(name))
    root = ElementTree.fromstring(text)
    assert root.findall(".//{*}g[@class='frame']")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert "href" not in text
    assert "url(" not in text


def test_names_are_text_in_the_picture() -> None:
    text = flame_svg(hostile())
    root = ElementTree.fromstring(text)
    titles = [title.text or "" for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any("</script><script>alert(1)</script>" in title for title in titles)
    assert any('<img src=x onerror="alert(1)">' in title for title in titles)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}script"))) == 1
    assert not list(root.iter("{http://www.w3.org/2000/svg}img"))


@pytest.mark.parametrize("write", [folded, speedscope, flame_svg])
def test_nothing_to_draw_is_said(write) -> None:
    recording = Recording()
    recording.run("plan", 2.0)
    with pytest.raises(UsageError, match="the cost of no model call is known"):
        write(profile_of([recording.done()]), FlameOptions(by="cost"))


_BAR = re.compile(r"(?<!\\)\|")
"""One that is not escaped."""


def test_markdown_of_a_load_test_says_whether_to_trust_it_and_what_it_found() -> None:
    profile = sample_load_profiles.saturated()
    lines = profile_markdown(profile).splitlines()
    assert lines[2].startswith("- the numbers: **degraded**: schedule lag p99 is 31 % of")
    assert lines[3].startswith("- the graph: **saturated**: ")
    assert lines[5] == "| arrivals | offered | started | completed | timed out |"
    assert lines[7] == "| 40.0/s offered | 1000 | 1000 | 947 | 53 |"
    [blocker] = [line for line in lines if line.startswith("| blocks\\_loop")]
    assert blocker.endswith("| 23.2 ms | blocks the event loop |")
    profile.load.saturation, profile.load.fidelity.verdict = None, "invalid"
    profile.load.fidelity.reasons = ["a worker was lost"]
    lines = profile_markdown(profile).splitlines()
    assert lines[2:4] == ["- the numbers: **invalid**: a worker was lost", ""]
    profile.load.fidelity = Fidelity(verdict="ok")
    lines = profile_markdown(profile).splitlines()
    assert lines[2:4] == ["- the numbers: **ok**", "- the graph: **keeps up**"]


@pytest.mark.parametrize("name", [*SAMPLES, "load"])
def test_tables_of_markdown_are_tables(name: str) -> None:
    text = profile_markdown(sample(name))
    assert text.startswith("### ")
    widths: list[int] = []
    for line in text.splitlines():
        if line.startswith("|"):
            widths.append(len(_BAR.findall(line)))
            assert widths[0] == widths[-1], line
        else:
            widths = []
    text = profile_markdown(hostile())
    assert not re.search(r"(?<!\\)<img", text)
    assert "\x1b" not in text
