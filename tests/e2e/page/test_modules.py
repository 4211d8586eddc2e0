"""The page's modules one by one, in the browser that they are for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.live_browser import CHROMIUM
from tests.e2e.page.kit import browser, served

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest.importorskip("aiortc", reason="the extra 'live' is not installed")
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt install chromium)")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with served() as address, browser() as chromium:
        made = chromium.new_page()
        made.goto(f"{address}/health")
        yield made


def _run(page: Page, module: str, body: str) -> Any:
    return page.evaluate(f"async () => {{ const m = await import('/page/{module}'); {body} }}")


def test_both_languages_say_everything(page: Page) -> None:
    english = _run(page, "words-en.js", "return m.ENGLISH")
    chinese = _run(page, "words-zh.js", "return m.CHINESE")
    assert english.keys() == chinese.keys()
    assert all(text.strip() for text in [*english.values(), *chinese.values()])
    same = {key for key in english if english[key] == chinese[key]}
    assert same <= {"obs"}
    holes = [{part.split("}")[0] for part in text.split("{")[1:]} for text in english.values()]
    assert holes == [{part.split("}")[0] for part in chinese[key].split("{")[1:]} for key in english]


def test_every_word_that_the_page_asks_for_is_there(page: Page) -> None:
    import re
    from pathlib import Path

    import mien

    folder = Path(mien.__file__).parent / "apps/server/page"
    sources = "".join(file.read_text("utf-8") for file in [*folder.glob("*.js"), folder / "index.html"])
    asked = set(re.findall(r"""say\('([\w]+)'|data-say(?:-label)?="(\w+)"|PathError\('(\w+)'""", sources))
    keys = {key for found in asked for key in found if key}
    assert len(keys) > 40
    assert keys <= _run(page, "words-en.js", "return m.ENGLISH").keys()


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_inline(page: Page) -> None:
    import re
    from pathlib import Path

    import mien

    for file in (Path(mien.__file__).parent / "apps/server/page").iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text), (
            file.name
        )
        if file.suffix == ".html":
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\son\w+=", text), file.name


@pytest.mark.parametrize(
    ("languages", "chosen"), [(["zh-TW", "en"], "zh"), (["fr", "en-GB"], "en"), (["ja"], "en"), (["ja", "zh"], "zh")]
)
def test_the_language_is_the_first_that_the_page_speaks(page: Page, languages: list[str], chosen: str) -> None:
    assert _run(page, "words.js", f"return m.chosen({languages})") == chosen


def test_the_clock_trusts_what_came_quickest(page: Page) -> None:
    body = """const c = new m.TickClock(); const empty = c.local(0); c.note(48000, 1530); c.note(96000, 2510)
      c.note(144000, 3600); return [empty, c.local(48000), c.tick(1510)]"""
    assert _run(page, "clock.js", body) == [None, 1510, 48000]


def test_captions_wait_for_their_tick_and_are_cut(page: Page) -> None:
    body = """const heard = []; const c = new m.Captions(one => heard.push(one.number))
      c.add({turn: 1, number: 1, at: 200}); c.add({turn: 1, number: 0, at: 100}); c.add({turn: 1, number: 2, at: 300})
      c.look(null); c.look(99); const none = heard.length; c.look(200); const lost = [...c.cut(250)]; c.look(999)
      return [none, heard, lost]"""
    assert _run(page, "captions.js", body) == [0, [0, 1], [1]]


def test_clauses_join_as_their_writing_does(page: Page) -> None:
    body = "return [m.joined('One,', 'two.'), m.joined('你好，', '世界'), m.joined('', 'a')]"
    assert _run(page, "captions.js", body) == ["One, two.", "你好，世界", "a"]


def test_a_turn_is_measured_from_its_own_question(page: Page) -> None:
    body = """const told = []; const t = new m.Turns(turn => told.push(m.spans(turn)))
      t.speaking(1000); t.begin(1, 1400); t.text(1, 1450); t.text(1, 1500); t.onset(1500)
      t.frame({tick: null, received: 1500, shown: 1510}); t.told(1, 48000, 1600)
      t.frame({tick: 47000, received: 1650, shown: 1650}); t.frame({tick: 48000, received: 1660, shown: 1670})
      t.onset(1700); t.onset(1900); return [t.all[0].by, told.at(-1)]"""
    assert _run(page, "turns.js", body) == ["voice", {"text": 450, "sound": 700, "frame": 670}]


def test_messages_of_the_media_socket_are_read_and_written(page: Page) -> None:
    body = """const there = m.unwrap(m.wrapSound(123456789012, Int16Array.of(1, -2, 3)))
      const samples = [...new Int16Array(there.body.slice().buffer)]
      return [there.kind, there.tick, there.duration, samples, [...m.fromHex('00ff10')]]"""
    assert _run(page, "wire.js", body) == [2, 123456789012, 3, [1, -2, 3], [0, 255, 16]]


def test_alpha_is_unpacked_without_webgl_too(page: Page) -> None:
    body = """const data = new Uint8ClampedArray([100, 50, 0, 255, 9, 9, 9, 255, 128, 128, 128, 255, 0, 0, 0, 255])
      return [...m.unpacked(data, 2, 1).data]"""
    straight = _run(page, "screen.js", body)
    assert straight[:4] == [199, 100, 0, 128] and straight[7] == 0
