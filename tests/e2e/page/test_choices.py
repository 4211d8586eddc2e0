"""What a visitor chooses while the session goes on: background, puppet mode, being remembered; errors in Chinese."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.live_browser import CHROMIUM
from tests.e2e.page.kit import ask, browser, live, served, until, visit

from mien import config

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytest.importorskip("aiortc", reason="the extra 'live' is not installed")
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt install chromium)")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        plain = config.Settings()
        with served(settings=replace(plain, think=replace(plain.think, memory="ask"))) as place:
            yield place


def corner(page: Page) -> Any:
    """A pixel at the picture's edge, as the page shows it."""
    return page.evaluate("""() => { const shown = document.querySelector('#avatar').firstElementChild
      const look = new OffscreenCanvas(1, 1).getContext('2d')
      look.drawImage(shown, 3, 3, 1, 1, 0, 0, 1, 1)
      return [...look.getImageData(0, 0, 1, 1).data].slice(0, 3) }""")


def settle(page: Page, colour: tuple[int, int, int]) -> bool:
    """Wait until the picture has this colour at its edge."""
    for _ in range(200):
        if max(abs(a - b) for a, b in zip(corner(page), colour, strict=True)) < 14:
            return True
        page.wait_for_timeout(50)
    return False


def test_another_background_needs_no_other_session(chromium: Browser, address: str, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (30, 30), (20, 120, 200)).save(tmp_path / "sea.png")
    with visit(chromium, f"{address}?transport=socket") as page:
        live(page)
        session = page.evaluate("mien.link.session.id")
        page.click("#settings-open")
        page.select_option("[data-key=background]", "#00b140")
        assert settle(page, (0, 177, 64)), corner(page)
        page.set_input_files("#settings input[type=file]", str(tmp_path / "sea.png"))
        assert settle(page, (20, 120, 200)), corner(page)
        assert "sea.png" in page.inner_text("#settings-form select[data-key=background] option:checked")
        assert page.evaluate("mien.link.session.id") == session
        page.select_option("[data-key=background]", "transparent")  # pictures with alpha need another session
        until(page, f"mien.link.session && mien.link.session.id != '{session}' && mien.link.session.alpha")
        live(page)


def test_a_puppeteer_s_voice_moves_the_face_and_is_not_heard_by_themselves(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}?transport=socket") as page:
        live(page)
        page.click("#settings-open")
        page.check("input[name=handsFree][value=puppet]", force=True)
        state = f"fetch('{address}/api/sessions/' + mien.link.session.id).then(a => a.json()).then(s => s.puppet)"
        until(page, state, 40)
        page.keyboard.press("Escape")
        assert page.is_disabled("#question")
        page.click("#mic")
        until(page, "mien.stage.sound.loud")  # the browser's own fake microphone beeps, and comes back
        page.click("#settings-open")
        page.check("input[name=handsFree][value=on]", force=True)
        until(page, state.replace("s.puppet", "!s.puppet"))
        assert page.is_enabled("#question")


def test_who_wants_it_is_remembered_and_can_see_and_erase_it(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}?transport=socket") as page:
        live(page)
        assert page.evaluate("mien.link.wish.visitor") is None
        page.click("#settings-open")
        first = page.evaluate("mien.link.session.id")
        page.check("[data-key=visitor]", force=True)
        until(page, f"mien.link.session && mien.link.session.id != '{first}' && mien.link.wish.visitor?.length > 20")
        live(page)
        page.keyboard.press("Escape")
        ask(page, "My name is Anna.")
        kept = f"fetch('{address}/api/visitors/' + mien.link.wish.visitor + '/memory').then(a => a.json())"
        until(page, f"{kept}.then(m => m.facts.name == 'Anna')")
        page.click("#settings-open")
        page.click("details.kept summary")
        page.wait_for_selector("details.kept li")
        assert "Anna" in page.inner_text("details.kept")
        page.click("[data-key=erase]")
        until(page, f"{kept}.then(m => !m.facts.name && m.agreed)")
        name = page.evaluate("mien.link.wish.visitor")
        page.uncheck("[data-key=visitor]", force=True)
        until(page, "!mien.link.wish.visitor")
        assert not page.evaluate(f"fetch('{address}/api/visitors/{name}/memory').then(a => a.json())")["agreed"]


def test_errors_are_told_in_the_visitor_s_language(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}?transport=socket", locale="zh-CN") as page:
        live(page)
        wrong = (
            {"voice": "nobody:here", "type": "voice"},
            {"background": "blurple", "type": "background"},
            {"type": "x"},
        )
        for order in wrong:
            page.evaluate("order => mien.link.send(order)", order)
        until(page, "document.querySelectorAll('.fault').length == 3")
        for told in page.query_selector_all(".fault"):
            assert "。" in told.inner_text()
            assert not any(word in told.inner_text() for word in (" the ", " is ", "There", "cannot"))


def test_what_the_browser_measures_reaches_the_server(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}?transport=socket") as page:
        live(page)
        page.click("#sound-on") if page.is_visible("#sound-on") else None
        ask(page)
        until(page, f"fetch('{address}/metrics').then(a => a.text()).then(t => t.includes('kind=\"sound\"'))")
