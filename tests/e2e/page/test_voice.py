"""Talking to the page by voice: the browser's microphone plays a file, what follows is heard at its loudspeaker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks.live_browser import CHROMIUM
from benchmarks.live_spoken import Utterance, spoken
from tests.e2e.page.kit import browser, live, served, until, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("aiortc", reason="the extra 'live' is not installed")
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytest.importorskip("pocketsphinx", reason="the extra 'hear' is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt install chromium)")

CLEAR = "Tell me something about this place."


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Utterance]]:
    file = tmp_path_factory.mktemp("voice") / "visitor.wav"
    return file, spoken(2, 1.5, (2.2, 2.2), file, questions=(CLEAR,))


@pytest.fixture(scope="module")
def chromium(said: tuple[Path, list[Utterance]]) -> Iterator[Browser]:
    with browser(f"--use-file-for-fake-audio-capture={said[0]}%noloop") as made:
        yield made


WATCH = """() => { window.seen = []
  mien.link.addEventListener('event', e => seen.push([performance.now(), e.detail.type, e.detail]))
  for (const kind of ['onset', 'silence'])
    mien.stage.sound.addEventListener(kind, e => seen.push([e.detail.at, kind])) }"""


def moments(page: Page, kind: str) -> list[float]:
    return list(page.evaluate(f"seen.filter(s => s[1] == '{kind}').map(s => s[0])"))


def test_a_spoken_question_is_answered_and_speaking_over_the_answer_ends_it(chromium: Browser) -> None:
    with served() as address, visit(chromium, address) as page:
        live(page)
        page.evaluate(WATCH)
        page.click("#mic")
        until(page, "seen.some(s => s[1] == 'cut')", 20.0)
        until(page, "seen.filter(s => s[1] == 'heard').length == 2 && mien.stage.sound.loud", 15.0)
        spans = page.evaluate("mien.turns.all.map(t => [t.by, t.sound - t.asked])")
        first, again = moments(page, "onset")[0], moments(page, "sound")[1]
        started, silent = moments(page, "speech_started")[1], moments(page, "silence")
        assert [by for by, _ in spans] == ["voice", "voice"]
        assert 0 < spans[0][1] < 4000  # a busy machine: the benchmark has the figures
        assert moments(page, "speech_ended")[0] < first < started
        assert any(started - 1000 < at < min(started + 1500, again) for at in silent)
        assert page.locator(".said.mine").count() == 2
        assert "something" in str(page.text_content(".said.mine"))
