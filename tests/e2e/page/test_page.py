"""The page in headless Chromium, against the real server with small parts: what a visitor sees, hears and can do."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.live_browser import CHROMIUM
from benchmarks.live_recovery import RELAYED, Relay, free_port
from tests.e2e.page.kit import another, ask, browser, live, served, until, visit

from mien.transmit.rtc_settings import RtcSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("aiortc", reason="the extra 'live' is not installed")
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt install chromium)")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as there:
        yield there


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


def _complaints(page: Page) -> list[str]:
    return list(page.mien_complaints)  # type: ignore[attr-defined]


def _snapshot(page: Page) -> str:
    """The picture's pixels, as text."""
    drawn = """() => { const c = document.createElement('canvas'); c.width = c.height = 128
      c.getContext('2d').drawImage(document.querySelector('#avatar > *'), 0, 0, 128, 128)
      return c.toDataURL() }"""
    return str(page.evaluate(drawn))


def _shot(page: Page, selector: str) -> Any:
    """What is seen, RGBA."""
    from PIL import Image

    return Image.open(io.BytesIO(page.locator(selector).screenshot(omit_background=True))).convert("RGBA")


def test_a_question_is_answered_with_caption_sound_and_moving_picture(address: str, chromium: Browser) -> None:
    with visit(chromium, address) as page:
        live(page)
        assert page.evaluate("mien.link.status.path") == "webrtc"
        assert page.text_content("#name") == "Ada"
        ask(page)
        until(page, "document.querySelector('#caption').textContent.includes('Good to see you')")
        until(page, "mien.stage.sound.loud")
        before, count = _snapshot(page), page.evaluate("mien.stage.frames")
        turn = until(page, "(() => { const t = mien.turns.all[0]; return t?.sound && t?.frame && t })()")
        assert 0 < turn["text"] - turn["asked"] <= turn["sound"] - turn["asked"] < 5000
        assert abs(turn["sound"] - turn["frame"]) < 1000  # a busy machine: the benchmark has the figures
        until(page, "document.querySelector('#timing-list li') != null")
        until(page, f"mien.stage.frames > {count + 5}")
        assert _snapshot(page) != before
        assert "Hello" in str(page.text_content(".said.mine"))
        page.click(".cited summary")
        assert "guests.md" in str(page.text_content(".cited"))
        assert _complaints(page) == []


def test_the_stop_key_brings_silence_and_says_what_was_cut(address: str, chromium: Browser) -> None:
    with visit(chromium, address) as page:
        live(page)
        ask(page)
        until(page, "mien.stage.sound.loud")
        page.wait_for_timeout(400)
        page.keyboard.press("Escape")
        silence = until(page, "mien.silences[0]")
        assert silence < 400.0  # a busy machine: the benchmark has the figures
        until(page, "document.querySelector('.said .cut') != null")
        heard = page.text_content(".said:not(.mine) p")
        assert heard and "cut it short" not in heard
        page.wait_for_timeout(600)
        assert not page.evaluate("mien.stage.sound.loud")
        ask(page)  # and the next answer is heard again
        until(page, "mien.stage.sound.loud")


def test_the_browser_chooses_the_language_and_the_visitor_another(address: str, chromium: Browser) -> None:
    with visit(chromium, address, locale="zh-CN") as page:
        live(page)
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        assert page.text_content("#status-words") == "已连接"
        page.click("#language")
        assert page.evaluate("document.documentElement.lang") == "en"
        assert page.text_content("#status-words") == "Live"
        page.click("#language")
        visible = str(page.evaluate("document.body.innerText"))
        assert "对话" in visible and "Conversation" not in visible
        assert page.get_attribute("#question", "placeholder") == "想说点什么？"
        ask(page, "你好")
        until(page, "document.querySelector('#caption').textContent.includes('很高兴')")


def test_the_keyboard_alone_is_enough(address: str, chromium: Browser) -> None:
    with visit(chromium, address) as page:
        live(page)
        order = []
        for _ in range(10):
            page.keyboard.press("Tab")
            order.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        assert order[:9] == [
            "skip", "record", "language", "settings-open", "mic", "question", "stop", "send", "log",
        ]  # fmt: skip
        page.focus("#settings-open")
        page.keyboard.press("Enter")
        assert page.evaluate("document.querySelector('#settings').open")
        page.focus("[data-key=lip_strength]")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.querySelector('.dial output').textContent") == "105 %"
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.id") == "settings-open"
        page.focus("#question")
        page.keyboard.type("Hello")
        page.keyboard.press("Enter")
        until(page, "mien.stage.sound.loud")


def test_the_space_bar_talks_while_it_is_held(address: str, chromium: Browser) -> None:
    with visit(chromium, address) as page:
        live(page)
        page.evaluate("mien.link.addEventListener('event', e => (window.told ??= []).push(e.detail.type))")
        page.focus("#log")
        page.keyboard.down("Space")
        until(page, "document.querySelector('#mic').matches('[aria-pressed=true]')")
        until(page, "window.told?.includes('speech_started')")
        page.keyboard.up("Space")
        until(page, "window.told.includes('speech_ended')")
        page.focus("#question")
        page.keyboard.type("a b")
        assert page.input_value("#question") == "a b"


def test_a_phone_needs_no_scrolling_sideways(address: str, chromium: Browser) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    small = """[...document.querySelectorAll('button, select')].filter(e => e.offsetParent)
      .filter(e => e.getBoundingClientRect().height < 44).map(e => e.id)"""
    with visit(chromium, address, **phone) as page:
        live(page)
        ask(page, "Hello")
        until(page, "document.querySelector('.said') != null")
        for _ in ("en", "zh"):
            assert page.evaluate("document.documentElement.scrollWidth <= 390")
            field = page.locator("#ask").bounding_box()
            assert field and field["y"] + field["height"] <= 844
            page.click("#settings-open")
            assert page.evaluate("document.querySelector('#settings').scrollWidth <= 390")
            assert page.evaluate(small) == []
            page.click("#settings-close")
            page.click("#language")


def test_settings_reach_the_session(address: str, chromium: Browser) -> None:
    with visit(chromium, address) as page:
        live(page)
        first = page.evaluate("mien.link.session.id")
        page.click("#settings-open")
        page.check("[data-key=mirror]")
        assert page.evaluate("document.querySelector('#avatar').classList.contains('mirrored')")
        page.select_option("[data-key=background]", "transparent")
        until(page, f"mien.link.session?.id && mien.link.session.id != '{first}'")
        live(page)
        page.keyboard.press("Escape")
        page.wait_for_timeout(400)
        shot = _shot(page, "#picture")
        ground = shot.getpixel((4, shot.height - 4))
        middle = shot.getpixel((shot.width // 2, shot.height // 2))
        assert ground == (245, 243, 239, 255)  # the page's own
        assert middle[0] > 150 and middle[1] < 90


def test_without_udp_it_falls_back_within_three_seconds_and_says_so(address: str, chromium: Browser) -> None:
    blocked = ("--webrtc-ip-handling-policy=disable_non_proxied_udp", "--force-webrtc-ip-handling-policy")
    with another(chromium.browser_type, *blocked) as other, visit(other, address) as page:
        until(page, "window.mien?.link.status.phase == 'connecting'")
        until(page, "mien.link.status.phase == 'live'", 3.5)
        assert page.evaluate("mien.link.status.path") == "socket"
        assert "UDP" in str(page.text_content("#banner"))
        live(page)
        ask(page)
        until(page, "mien.stage.sound.loud && document.querySelector('#caption').textContent")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has 127.0.0.2 without being asked")
def test_when_udp_stops_under_way_it_goes_on_over_the_socket(chromium: Browser) -> None:
    port = free_port(socket.SOCK_DGRAM)
    relay = Relay(port)
    rtc = RtcSettings(ports=(port, port), announce=(RELAYED,))
    with served(rtc=rtc) as there, visit(chromium, there) as page:
        live(page)
        session = page.evaluate("mien.link.session.id")
        assert page.evaluate("mien.link.status.path") == "webrtc"
        relay.close()
        until(page, "mien.link.status.path == 'socket' && mien.link.status.phase == 'live'", 6.0)
        assert "broke" in str(page.text_content("#banner"))
        assert page.evaluate("mien.link.session.id") == session
        ask(page)
        until(page, "mien.stage.sound.loud")


def test_without_webcodecs_it_plays_fragments_and_hears(address: str, chromium: Browser) -> None:
    with visit(chromium, "about:blank") as page:
        page.add_init_script("delete window.VideoDecoder")
        page.goto(f"{address}/?transport=socket")
        live(page)
        ask(page)
        until(page, "mien.stage.sound.loud && document.querySelector('#caption').textContent")
        assert page.evaluate("mien.stage.video.src.startsWith('blob:')")
        page.evaluate("mien.link.addEventListener('event', e => (window.told ??= []).push(e.detail.type))")
        page.focus("#log")
        page.keyboard.down("Space")  # the microphone takes the same socket
        until(page, "window.told?.includes('speech_started')")
        page.keyboard.up("Space")
        until(page, "window.told.includes('speech_ended')")


def test_it_comes_back_when_the_server_does(chromium: Browser) -> None:
    with socket.socket() as spare:
        spare.bind(("127.0.0.1", 0))
        port = spare.getsockname()[1]
    with served(port) as there:
        page_of = visit(chromium, there)
        page = page_of.__enter__()
        live(page)
        ask(page)
        until(page, "document.querySelector('.said.mine') != null")
    until(page, "mien.link.status.phase == 'retrying'")
    assert "cannot be reached" in str(page.text_content("#banner"))
    with served(port):
        live(page, 15.0)
        assert page.evaluate("document.querySelector('#banner').hidden")
        assert page.locator(".said.mine").count() == 1
        page_of.__exit__(None, None, None)


def test_a_wrong_token_is_asked_for_and_never_stays_in_the_address(chromium: Browser) -> None:
    from mien.apps.server.options import parse_token

    tokens = (parse_token("correct-horse-battery"),)
    given = "?token=wrong-token-here&transport=socket"
    with served(tokens=tokens) as there, visit(chromium, f"{there}/{given}") as page:
        until(page, "window.mien?.link.status.phase == 'token'")
        assert "token=" not in page.url and "transport=socket" in page.url
        page.fill("#token", "correct-horse-battery")
        page.press("#token", "Enter")
        live(page)
        assert "token" not in page.url
        kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state])")
        assert "correct-horse" not in str(kept)


def test_a_full_house_says_so_and_lets_in_when_there_is_room(chromium: Browser) -> None:
    with served(sessions=1) as there, visit(chromium, there) as first:
        live(first)
        with visit(chromium, there) as second:
            until(second, "window.mien?.link.status.phase == 'refused'")
            assert "taken" in str(second.text_content("#banner"))
            first.goto("about:blank")
            live(second, 12.0)


def test_the_stage_is_transparent_and_nothing_else(address: str, chromium: Browser) -> None:
    with visit(chromium, f"{address}/stage?mirror=1", viewport={"width": 128, "height": 128}) as page:
        until(page, "window.mien?.stage.frames > 5")
        page.evaluate("mien.link.send({type: 'say', text: 'Hello there.'})")
        until(page, "mien.stage.sound.loud")
        assert page.evaluate("document.querySelectorAll('button, input').length") == 0
        shot = _shot(page, "body")
        red, green, blue, alpha = shot.getpixel((64, 64))
        assert alpha == 255 and red > 150 and green < 90 and blue < 90
        assert shot.getpixel((4, 124))[3] < 10
        assert _complaints(page) == []
