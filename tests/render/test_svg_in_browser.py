"""The flame graph's picture in a real browser: zoom, search, keyboard, and nothing from outside."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lgprof.render.svg import flame_svg
from tests.render import sample_profiles

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


def test_zoom_search_and_keys(tmp_path: Path) -> None:
    file = tmp_path / "flame.svg"
    file.write_text(flame_svg(sample_profiles.agent()), encoding="utf-8")
    troubles: list[str] = []
    requests: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
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
        page.on("dialog", lambda dialog: dialog.accept("llm"))
        page.locator("#search").click()
        assert page.locator(".match").count() > 0
        assert "%" in (page.locator("#found").text_content() or "")
        page.keyboard.press("Escape")
        assert page.locator(".match").count() == 0
        browser.close()
    assert troubles == []
    assert requests == [file.as_uri()]
