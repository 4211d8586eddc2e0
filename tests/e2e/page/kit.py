"""A server with small parts behind the real page, and headless Chromium in front of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from benchmarks.live_browser import CHROMIUM, FLAGS

from mien import config
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.dialogue.think.base import Citation, Persona, Piece, Question, Thinker, ThinkerInfo
from mien.face.base import FaceSettings
from mien.face.phones import PhoneDriver
from mien.live.session import Troupe
from mien.live.troupe import Wish
from mien.turn import Turn
from mien.types import ByteArray, FloatArray

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType, Page

SIZE = 128
ANSWER = "Good to see you, my friend. This answer is long enough that somebody may well want to cut it short."


class Disc:
    """A canvas: a red disc as large as the mouth is open, and a blue dot that wanders; around them nothing."""

    def __init__(self) -> None:
        self._count = 0

    def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        self._count += 1
        rows, columns = np.mgrid[0:SIZE, 0:SIZE] - SIZE // 2
        pixels = np.zeros((SIZE, SIZE, 4), np.uint8)
        pixels[np.hypot(rows, columns) < 30 + 20 * shapes[17]] = (200, 30, 30, 255)
        at = self._count % (SIZE - 16)
        pixels[8:24, at : at + 16] = (30, 30, 220, 255)
        return pixels


class Opaque(Disc):
    """The same on white."""

    def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        pixels = super().draw(shapes, head)
        return np.where(pixels[..., 3:] > 0, pixels[..., :3], np.uint8(255))


class Host:
    """Answers everything alike, with a source."""

    @property
    def info(self) -> ThinkerInfo:
        return ThinkerInfo("host", streaming=True)

    def answer(self, question: Question, turn: Turn) -> Iterator[Piece]:
        text = "很高兴见到你。有什么想问的吗？" if question.answer_language == "zh" else ANSWER
        yield Piece(text, (Citation("guests.md", "Manners", "Be glad."),))

    def close(self) -> None:
        pass


def _cast(wish: Wish, persona: Persona, thinker: Thinker) -> Troupe:
    return Troupe(
        driver=lambda: PhoneDriver(FaceSettings()), canvas=Disc if wish.alpha else Opaque, speaker=EspeakSpeaker(),
        thinker=thinker, size=(SIZE, SIZE), fps=Fraction(25), persona=Persona(name="Ada"),
    )  # fmt: skip


@contextmanager
def served(port: int = 0, settings: config.Settings | None = None, **options: Any) -> Iterator[str]:
    """A running server. Yields its address."""
    import uvicorn

    from mien.apps.server.app import create_app
    from mien.apps.server.options import ServeOptions

    app = create_app(ServeOptions(port=port, **options), settings or config.Settings(), caster=_cast, thinker=Host())
    served_by = uvicorn.Config(app, "127.0.0.1", port, log_level="error", ws="websockets-sansio")
    server = uvicorn.Server(served_by)
    served_by.timeout_graceful_shutdown = 1
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 30
    while not server.started and time.monotonic() < end:
        time.sleep(0.02)
    number = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{number}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def browser(*flags: str) -> Iterator[Browser]:
    """Chromium, driven by Playwright, of which a thread can have only one: for others see :func:`another`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, another(playwright.chromium, *flags) as made:
        yield made


@contextmanager
def another(kind: BrowserType, *flags: str) -> Iterator[Browser]:
    """One more Chromium, with other flags."""
    assert CHROMIUM is not None
    kept = [f for f in FLAGS if not f.startswith("--headless")]
    made = kind.launch(executable_path=CHROMIUM, args=[*kept, *flags])
    try:
        yield made
    finally:
        made.close()


@contextmanager
def visit(chromium: Browser, address: str, **context: Any) -> Iterator[Page]:
    """A page of its own. What the browser complains of is in ``page.mien_complaints``."""
    settings = {
        "viewport": {"width": 1440, "height": 900},
        "locale": "en",
        "permissions": ["microphone"],
        "reduced_motion": "reduce",
        **context,
    }
    made = chromium.new_context(**settings)
    page = made.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.mien_complaints = complaints  # type: ignore[attr-defined]
    try:
        page.goto(address)
        yield page
    finally:
        made.close()


def until(page: Page, expression: str, seconds: float = 60.0) -> Any:
    """Wait until something is true on the page, and return it. (The page's policy forbids Playwright's own way.)"""
    end = time.monotonic() + seconds
    while not (found := page.evaluate(expression)):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {expression}; {page.evaluate('mien?.link?.status')}")
        page.wait_for_timeout(20)
    return found


def live(page: Page, seconds: float = 60.0) -> None:
    """Wait until a picture of a live session is shown."""
    until(page, "window.mien?.link.status.phase == 'live' && document.querySelector('.picture.shown') != null", seconds)


def ask(page: Page, text: str = "Hello") -> None:
    """Type a question."""
    page.fill("#question", text)
    page.press("#question", "Enter")
