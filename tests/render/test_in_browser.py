"""Pages and pictures in a real browser: they open from disk alone, and all they offer works."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from lgprof import readable
from lgprof.model import Advice, Profile
from lgprof.render.html.diff import html_diff
from lgprof.render.html.report import html_report
from lgprof.render.svg import flame_svg
from tests.render import diffs, sample_load_profiles, sample_profiles
from tests.render.browser import WatchedTab

ATTACK = "<img src=x onerror=\"document.title='attacked'\">"
Open = Callable[..., Any]
pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def open_page(tab: WatchedTab) -> Open:
    """Opens a Profile's page in the tab of all tests."""

    def opened(profile: Profile, width: int = 1280, scheme: str = "light") -> Any:
        tab.page.set_viewport_size({"width": width, "height": 800})
        tab.page.emulate_media(media="screen", color_scheme=scheme)
        page = tab.open(html_report(profile), ".html")
        page.wait_for_selector("html[data-ready]")
        return page

    return opened


def agent_with_advice() -> Profile:
    profile = sample_profiles.costs()
    request = profile.requests[2]
    span = next(span for span in request.spans if span.kind == "model")
    profile.advice = [
        Advice(
            kind="cache",
            nodes=[span.path],
            title="Cache it",
            why="it is asked the same again",
            change="graph.add_node(...)",
            evidence=[f"{request.index}/{span.id}"],
            saving=None,
            status="predicted",
        )
    ]
    return profile


def texts(page: Any, selector: str) -> list[str]:
    return page.locator(selector).all_inner_texts()


@pytest.mark.parametrize(
    "make", [sample_profiles.agent, sample_load_profiles.saturated], ids=["run", "load"]
)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_opens_from_disk_at_any_width(open_page, make, width, scheme):
    page = open_page(make(), width, scheme)
    assert page.locator("h1").count() == 1
    assert page.locator("main section").count() >= 10
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.wait_for_selector(".chart canvas")


def test_profiles_without_results_open_too(open_page):
    for make in (
        sample_profiles.none_succeeded,
        sample_load_profiles.none_succeeded,
        sample_load_profiles.short,
    ):
        assert open_page(make()).locator("main section").count() > 5


def test_hostile_names_do_nothing(open_page):
    profile = sample_profiles.agent()
    old = profile.nodes[0].path
    profile.target.name = profile.nodes[0].path = ATTACK
    profile.target.nodes = [ATTACK if node == old else node for node in profile.target.nodes]
    for request in profile.requests:
        for span in request.spans:
            if span.path == old:
                span.path = span.name = ATTACK
    for row in [*profile.models, *profile.tools]:
        row.node = ATTACK
    page = open_page(profile)
    assert page.locator("img").count() == 0
    assert page.title() == f"{ATTACK} · lgprof"
    node = page.locator(".graph .node").filter(has_text="<img")
    node.first.click()
    assert page.locator("img").count() == 0
    assert ATTACK in page.locator(".chip").inner_text()


def test_policy_stops_what_is_not_of_the_page(page, tmp_path):
    file = tmp_path / "report.html"
    file.write_bytes(html_report(sample_profiles.one()))
    page.goto(file.as_uri())
    blocked = page.evaluate(
        """() => new Promise((done) => {
            const told = (event) => done(event.effectiveDirective);
            document.addEventListener("securitypolicyviolation", told);
            const script = document.createElement("script");
            script.textContent = "document.title = 'attacked'";
            document.body.append(script);
        })"""
    )
    assert blocked.startswith("script-src")
    assert page.title() != "attacked"


def test_clicking_a_node_filters_the_rest(open_page):
    page = open_page(agent_with_advice())
    path = page.locator(".graph .node").last.get_attribute("data-path")
    rows = page.locator("#models tbody tr")
    before = rows.filter(visible=True).count()
    page.locator(f'.graph .node[data-path="{path}"]').click()
    assert page.locator(f'.graph .node[data-path="{path}"]').get_attribute("aria-pressed") == "true"
    assert rows.filter(visible=True).count() < before
    assert page.locator("#timeline .call.dim").count() > 0
    assert page.locator("#nodes tr.chosen").get_attribute("data-path") == path
    assert page.locator(".side h3").inner_text() == path
    page.locator(".chip").click()
    assert rows.filter(visible=True).count() == before
    assert page.locator(".dim").count() == 0


def test_a_node_is_chosen_with_the_keyboard(open_page):
    page = open_page(sample_profiles.agent())
    node = page.locator(".graph .node").first
    node.focus()
    page.keyboard.press("Enter")
    assert node.get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    assert node.get_attribute("aria-pressed") == "false"


def test_tables_sort_both_ways(open_page):
    page = open_page(sample_profiles.agent())
    head = page.locator("#nodes th").filter(has_text=re.compile("^p95"))
    column = head.evaluate("(cell) => cell.cellIndex")

    def seconds() -> list[float]:
        cells = page.locator(f"#nodes tbody tr > :nth-child({column + 1})").all_inner_texts()
        units = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
        return [float(cell.split()[0]) * units[cell.split()[1]] for cell in cells]

    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert seconds() == sorted(seconds(), reverse=True)
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert seconds() == sorted(seconds())


def test_the_flame_graph_zooms_searches_and_changes_its_width(open_page):
    page = open_page(sample_profiles.costs())
    frames = page.locator(".flame .frame")
    frame = page.locator('.flame .frame[data-kind="node"]').last
    label = frame.get_attribute("aria-label")
    narrow = frame.bounding_box()["width"]
    frame.click()
    zoomed = page.locator(f'.flame [aria-label="{label}"]')
    assert zoomed.bounding_box()["width"] > narrow
    assert page.locator(".trail").is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".trail").is_hidden()

    page.get_by_label("Search the flame graph").fill("gpt-4o")
    matches = page.locator(".flame .match").count()
    assert 0 < matches < frames.count()
    assert f"{matches} match" in page.locator("#flame [role=status]").inner_text()
    page.get_by_label("Search the flame graph").fill("")

    page.locator("#flame .choice label").filter(has_text="cost").click()
    assert "$" in frames.first.get_attribute("aria-label")


def test_the_flame_graph_is_walked_with_arrow_keys(open_page):
    page = open_page(sample_profiles.agent())
    page.locator(".flame .frame").first.focus()
    seen = []
    for key in ("ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        seen.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    down, right, left, up = seen
    assert down == left != right
    assert up == page.locator(".flame .frame").first.get_attribute("aria-label")


def test_timelines_of_other_requests_open_and_zoom(open_page):
    page = open_page(sample_profiles.retries())
    assert page.locator(".timeline .call.critical").count() > 0
    assert page.locator(".track .failed").count() > 0
    options = page.locator("#timeline .choice label")
    options.last.click()
    shown = page.locator("#timeline .subhead .note").inner_text()
    assert options.last.inner_text().split()[-1] in shown

    bar = page.locator(".track .body").first
    before = bar.bounding_box()["width"]
    page.locator(".call").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".track .body").first.bounding_box()["width"] > before
    page.keyboard.press("Escape")
    assert abs(page.locator(".track .body").first.bounding_box()["width"] - before) < 1


def test_evidence_of_advice_leads_to_its_span(open_page):
    profile = agent_with_advice()
    page = open_page(profile)
    page.locator(".advice .evidence button").first.click()
    index, span = profile.advice[0].evidence[0].split("/")
    assert page.evaluate("document.activeElement.id") == f"span-{index}-{span}"
    assert page.locator(f"#span-{index}-{span}").is_visible()


def test_the_colours_switch(open_page):
    page = open_page(sample_profiles.one(), scheme="light")

    def brightness() -> int:
        found = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", found)[:3]))

    light = brightness()
    switch = page.get_by_role("switch")
    switch.click()
    assert switch.get_attribute("aria-checked") == "true"
    assert brightness() < light / 3
    page.emulate_media(media="print")
    assert brightness() > 2 * light / 3, "on paper it is light"


def test_numbers_read_as_on_the_terminal(open_page):
    page = open_page(sample_profiles.one())
    source = (resources.files("lgprof.render.html") / "scripts/format.js").read_text("utf-8")
    known = "duration, percent, wholePercent, usd, rate, count, size"
    call = (
        f"([name, values]) => {{ {source.replace('export ', '')}\n"
        f"return values.map((value) => ({{ {known} }})[name](value)); }}"
    )
    powers = [10**exponent for exponent in range(-8, 6)]
    values = [0, *(power * factor for power in powers for factor in (1, 1.234, 4.6, 9.996))]
    for name, python in (
        ("duration", readable.duration),
        ("percent", readable.percent),
        ("wholePercent", readable.whole_percent),
        ("usd", readable.usd),
        ("rate", readable.rate),
    ):
        shown = page.evaluate(call, [name, values])
        assert shown == [python(value) for value in values], name
    counts = [0, 1, 999, 9_999, 10_000, 12_345, 999_499, 999_500, 4_560_000, 10**10]
    for name, whole in (("count", readable.count), ("size", readable.size)):
        shown = page.evaluate(call, [name, counts])
        assert shown == [whole(value) for value in counts], name


def test_every_control_has_a_name(open_page):
    page = open_page(agent_with_advice())
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [role=button]")]
            .filter((control) => !(control.textContent.trim() || control.getAttribute("aria-label")
                || control.labels?.[0]?.textContent.trim())).map((control) => control.outerHTML)"""
    )
    assert nameless == []
    assert page.locator("main, header, footer, nav").count() >= 4
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"


def test_many_spans_are_thinned_for_the_view_not_for_the_figures(open_page):
    profile = sample_profiles.many_spans(20_000)
    page = open_page(profile)
    assert page.locator(".timeline .call").count() == 400
    assert page.get_by_role("button", name=f"Show all {readable.count(1_000)} calls").is_visible()
    assert "shorter calls not shown" in page.locator("#timeline .after").inner_text()
    assert 0 < page.locator(".flame .frame").count() < 3000
    calls = page.locator("#nodes th").filter(has_text=re.compile("^calls"))
    column = calls.evaluate("(cell) => cell.cellIndex")
    shown = texts(page, f"#nodes tbody tr > :nth-child({column + 1})")
    recorded = [span.kind for request in profile.requests for span in request.spans]
    assert sum(map(int, shown)) == recorded.count("node")


def test_the_picture_of_the_flame_graph_zooms_searches_and_obeys_keys(tab: WatchedTab) -> None:
    page = tab.open(flame_svg(sample_profiles.agent()).encode(), ".svg")
    frames = page.locator(".frame")

    def visible() -> int:
        return sum(frames.nth(index).is_visible() for index in range(frames.count()))

    whole = visible()
    assert whole == frames.count()
    frames.nth(1).click()
    assert 0 < visible() < whole
    page.locator("#reset").click()
    assert visible() == whole
    frames.nth(1).focus()
    page.keyboard.press("Enter")
    assert visible() < whole
    page.keyboard.press("Escape")
    assert visible() == whole
    page.once("dialog", lambda dialog: dialog.accept("llm"))
    page.locator("#search").click()
    assert page.locator(".match").count() > 0
    assert "%" in (page.locator("#found").text_content() or "")
    page.keyboard.press("Escape")
    assert page.locator(".match").count() == 0


def test_a_diff_in_pictures_and_tables(tab):
    tab.page.set_viewport_size({"width": 390, "height": 800})
    page = tab.open(html_diff(diffs.changed()), ".html")
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".timeline").count() == 2
    ends = [page.locator(".timeline").nth(at).locator(".tick").last.inner_text() for at in range(2)]
    assert ends[0] == ends[1], "one scale"
    assert "- review" in page.locator(".graph .node.removed .name").all_text_contents()
    assert "+ judge" in page.locator(".graph .node.added .name").all_text_contents()
    tones = {
        page.locator(f'.flame .frame[data-tone="{tone}"]').first.evaluate(
            "(frame) => getComputedStyle(frame).backgroundColor"
        )
        for tone in (3, -3, 0)
    }
    assert len(tones) == 3
    page.locator("#nodes th button", has_text="time per call").click()
    assert texts(page, "#nodes tbody th")[0] in ("plan", "draft")
    page.locator(".flame .frame").nth(1).click()
    assert page.locator(".trail").is_visible()


def test_hostile_names_do_nothing_in_a_diff(tab):
    page = tab.open(html_diff(diffs.hostile()), ".html")
    page.wait_for_selector("html[data-ready]")
    page.locator(".graph .node").first.click()
    assert page.locator("img").count() == 0
    assert page.title() == f"{diffs.ATTACK} · lgprof diff"
