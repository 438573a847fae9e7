"""What the sections say."""

from __future__ import annotations

import time

import pytest

from lgprof.analysis.call_tree import call_tree
from lgprof.analysis.costs import summed_cost
from lgprof.model import Attribution, Request
from lgprof.render.terminal import SECTIONS
from lgprof.render.terminal.timeline_rows import select_rows


def test_sections_come_in_order(show, samples) -> None:
    shown = show(samples.agent(25))
    titles = [
        "app ", "Latency ", "Where the time goes", "Timeline", "Nodes", "Models", "Cost",
        "Tools",
        "Flame graph", "Latency histogram", "Warnings",
    ]  # fmt: skip
    places = [shown.index(f"\n{title}" if index else title) for index, title in enumerate(titles)]
    assert places == sorted(places)
    assert len(set(SECTIONS)) == len(SECTIONS)


def test_sections_can_be_chosen(show, samples) -> None:
    shown = show(samples.agent(), sections=["nodes", "latency"])
    assert [line.split("  ")[0] for line in shown.splitlines() if "───" in line] == [
        "Latency",
        "Nodes",
    ]


def test_a_chosen_section_without_content_says_so(show, samples) -> None:
    assert show(samples.chain(), sections=["models"]) == "no model calls\n"


def test_an_unknown_section_is_refused(show, samples) -> None:
    with pytest.raises(ValueError, match="no section 'nope'; there are target, fidelity"):
        show(samples.chain(), sections=["nope"])


def test_percentiles_that_are_the_maximum_are_marked(show, samples) -> None:
    shown = show(samples.chain(10), sections=["latency"])
    assert "p50  " in shown
    assert "p90  " in shown
    assert "p95†" in shown
    assert "p99†" in shown
    assert "† the slowest of 10" in shown


def test_attribution_adds_up_and_names_what_is_not_attributed(show, samples) -> None:
    profile = samples.chain()
    profile.attribution_s = Attribution(model=0.5, node_wait=0.25, framework=0.25)
    lines = show(profile, sections=["attribution"]).splitlines()
    assert any(line.split() == ["unattributed", "0", "s", "0%"] for line in lines)
    assert any(line.split() == ["mean", "latency", "1.00", "s", "100%"] for line in lines)


def test_unknown_is_not_zero(show, samples) -> None:
    profile = samples.chain()
    profile.summary.cpu_s = profile.summary.peak_rss_bytes = profile.summary.cold_s = None
    for row in profile.nodes:
        row.cpu_s = row.blocking_s = None
    shown = show(profile, 160)
    assert shown.count("unknown") == 3
    header = next(line for line in shown.splitlines() if line.startswith("  node "))
    assert "CPU" not in header


def test_the_longest_hold_of_the_loop_has_a_column_on_a_wide_terminal(show, samples) -> None:
    profile = samples.chain()
    profile.nodes[0].longest_hold_s = 0.0421
    shown = {width: show(profile, width, sections=["nodes"]) for width in (119, 120)}
    assert "longest hold" in shown[120]
    assert "42.1 ms" in shown[120]
    assert "longest hold" not in shown[119]


def test_the_critical_path_is_marked_without_colour(show, samples) -> None:
    lines = show(samples.fan_out(), sections=["timeline"]).splitlines()
    searches = [line for line in lines if line[2:].startswith("search")]
    assert [line[0] for line in searches].count("┃") == 2  # once in the median, once collapsed
    assert sum("█" in line for line in searches) == 2


def test_the_slowest_request_is_shown_where_it_differs(show, samples) -> None:
    shown = show(samples.fan_out(), sections=["timeline"])
    assert "Slowest request  #9, 664 ms, 2.5× the median, 400 ms more in search" in shown  # noqa: RUF001
    assert "Slowest" not in show(samples.chain(), sections=["timeline"])


def test_failed_attempts_and_backoff_show_in_the_bar(show, samples) -> None:
    lines = show(samples.retries(), 160, sections=["timeline"]).splitlines()
    line = next(line for line in lines if "fetch" in line)
    assert "fetch !2" in line
    bar = line[line.index("!2") + 2 :]
    assert bar.count("!") == 2
    assert "░" in bar


def test_time_to_first_token_is_the_lighter_part(show, samples) -> None:
    lines = show(samples.agent(), 100, sections=["timeline"]).splitlines()
    line = next(line for line in lines if "gpt-4o-mini" in line)
    light, body = line.count("▒"), line.count("█")
    assert light / (light + body) == pytest.approx(0.3, abs=0.06)


def test_a_bill_without_any_price_is_unknown(show, samples) -> None:
    profile = samples.nested()
    for request in profile.requests:
        for span in request.spans:
            if span.model is not None:
                span.model.cost_usd = None
    [row] = profile.models
    row.cost_usd, row.unpriced_calls = None, 1
    profile.summary.cost_usd = summed_cost(profile.requests)
    shown = show(profile, sections=["cost"])
    assert "in all      unknown" in shown
    assert "gpt-4o in outer/middle/leaf.two, 1 call: no price (--prices)" in shown
    assert "$" not in shown


def test_nothing_is_billed_where_no_model_was_called(show, samples) -> None:
    assert "Cost" not in show(samples.chain())
    assert "nothing to bill" in show(samples.chain(), sections=["cost"])


def test_a_long_loop_takes_few_rows(show, samples) -> None:
    shown = show(samples.loop(), sections=["timeline"])
    assert len(shown.splitlines()) < 15
    assert "×325 think" in shown  # noqa: RUF001
    assert "650 supersteps are too many to draw" in shown


@pytest.mark.parametrize(("verbosity", "most"), [(0, 40), (1, 200)])
def test_rows_are_limited_whatever_the_shape(samples, verbosity: int, most: int) -> None:
    recording = samples.Recording()
    for index in range(3000):
        recording.run(f"node {index}", 0.001 * (1 + index % 17))
    request: Request = recording.done()
    selection = select_rows(call_tree(request), request.latency_s, most)
    assert len(selection.rows) == most
    assert selection.left_out == 3000 - most
    shown_s = sum(row.seconds for row in selection.rows)
    total_s = sum(call.seconds for call in call_tree(request))
    assert shown_s + selection.left_out_s == pytest.approx(total_s)


def test_only_the_first_traceback_unless_more_are_asked_for(show, samples) -> None:
    profile, failures = samples.retries(), samples.failures()
    shown = show(profile, sections=["errors"], failures=failures)
    assert "no such table: drafts" in shown
    assert "-v shows 1 more traceback" in shown
    assert "KeyError: 'draft'" not in shown
    assert "KeyError: 'draft'" in show(profile, sections=["errors"], failures=failures, verbosity=1)


def test_a_long_traceback_keeps_its_end(show, samples) -> None:
    failure = samples.failures()[0]
    failure.traceback = "\n".join(["Traceback:", *(f"  frame {n}" for n in range(90)), "E: last"])
    shown = show(samples.retries(), sections=["errors"], failures=[failure])
    assert "E: last" in shown
    assert "frame 3\n" not in shown
    assert "68 lines left out (-v)" in shown


def test_no_successful_request(show, samples) -> None:
    shown = show(samples.none_succeeded())
    assert "no request succeeded" in shown
    assert "Where the time goes" not in shown
    assert "none succeeded, #0 failed" in shown
    assert "4 of 4 (100%)" in shown


def test_spans_that_refer_to_each_other_do_no_harm(show, samples) -> None:
    profile = samples.chain(1)
    spans = profile.requests[0].spans
    spans[2].parent, spans[3].parent = spans[3].id, spans[2].id
    spans[4].parent = 10_000
    show(profile)


def test_histogram_from_the_stored_one_where_requests_were_sampled(show, samples) -> None:
    profile = samples.agent(60)
    from_requests = show(profile, sections=["histogram"])
    profile.requests = profile.requests[:5]
    from_file = show(profile, sections=["histogram"])
    assert from_requests.splitlines()[0] == from_file.splitlines()[0]
    assert len(from_requests.splitlines()) == len(from_file.splitlines())


def test_ten_requests_render_quickly(show, samples) -> None:
    profile = samples.agent(10)
    show(profile)
    started = time.perf_counter()
    show(profile, 100, "colour")
    assert time.perf_counter() - started < 0.2


@pytest.mark.slow
def test_many_spans_neither_flood_nor_stall(show, samples) -> None:
    profile = samples.many_spans()
    assert sum(len(request.spans) for request in profile.requests) >= 100_000
    started = time.perf_counter()
    shown = show(profile)
    assert time.perf_counter() - started < 5
    assert len(shown.splitlines()) < 150
