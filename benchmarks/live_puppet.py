"""Puppet mode, from the microphone to the lips on the screen, as a browser and the server measure it.

    python -m benchmarks.live_puppet [--bursts 50] [--way webrtc] [--look-ahead 3]

Serves a session, whose pictures carry their number and how far the jaw is open, to headless Chromium on this machine
with a file of spoken vowels as its microphone. The page tells when each vowel came out of the microphone, when it
sounded at the loudspeaker and which picture was shown when; the server tells which sound it sent with which picture.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.live_browser import CHROMIUM, FLAGS
from mien import config
from mien.audio.base import ROW
from mien.live.puppet import LATE, Puppet
from mien.live.session import Troupe
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.live import Tally
from mien.types import AudioChunk, ByteArray, FaceClip, FloatArray, VideoFrame

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = Path(__file__).with_suffix(".js")
BITS = 24
ROWS = 24
FPS = 25
FRAME = TICKS_PER_SECOND // FPS
MOVED = 0.05
"""Of the jaw's way: what can be seen."""
_VOICES = (("en-us", "male"), ("en-gb", "female"), ("en-us", "female"), ("en-gb-x-rp", "male"))
_LEVEL = 0.35
_APART = 0.7  # seconds within which what happens belongs to one vowel
_LOUD = 0.05


@dataclass
class Witness:
    """What the server heard and sent, with the seconds at which it did. pieces: of the microphone, as they came."""

    heard: list[tuple[float, FloatArray]] = field(default_factory=list)
    moved: list[tuple[float, int, FloatArray]] = field(default_factory=list)
    tally = Tally()
    _now: float = 0.0

    def hear(self, chunk: AudioChunk) -> None:
        """The microphone's sound."""
        self.heard.append((time.monotonic(), chunk.samples.copy()))

    def move(self, clip: FaceClip) -> None:
        """Coefficients are there."""
        self._now = time.monotonic()

    def show(self, frame: VideoFrame, sound: AudioChunk) -> None:
        """The sound that goes with them."""
        self.moved.append((self._now, sound.start, sound.samples.copy()))

    def cut(self, tick: int) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing to release."""

    def delays(self, look_ahead: int) -> list[float]:
        """ms from the arrival of sound to the coefficients that tell its lips, for each moment whose sound can be found
        in what was heard. They come before the voice, which is held back. look_ahead: of the network, rows.
        """
        sound = np.concatenate([samples for _, samples in self.heard])
        ends = np.cumsum([len(samples) for _, samples in self.heard])
        times = np.array([at for at, _ in self.heard])
        data, begin, found = sound.tobytes(), 0, []
        for at, _, sent in self.moved:
            first = int(np.argmax(np.abs(sent) > 1e-4))
            if np.abs(sent[first : first + 64]).min(initial=1.0) == 0.0 or first + 64 > len(sent):
                continue
            place = data.find(sent[first : first + 64].tobytes(), begin)
            if place >= 0 and place % 4 == 0:
                begin = place
                told = int(np.searchsorted(ends, place // 4 + LATE - look_ahead * ROW, side="right"))
                found.append(1000 * (at - float(times[min(told, len(times) - 1)])))
        return found

    def onsets(self) -> list[int]:
        """Ticks at which vowels begin in what was sent."""
        sound, start = np.concatenate([s for _, _, s in self.moved]), self.moved[0][1]
        loud = np.flatnonzero(np.abs(sound) > _LOUD)
        return [start + int(n) for n in loud[np.diff(loud, prepend=-TICKS_PER_SECOND) > 9600]]


def marked(troupe: Troupe) -> Troupe:
    """The same players; the first rows of their pictures tell the frame's number and the jaw, as white blocks."""
    jaws = [0.0]

    def canvas() -> Any:
        made = troupe.canvas()
        draw = made.draw

        class Marked:
            def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
                jaws[0] = float(shapes[17])
                return draw(shapes, head)

        return Marked()

    def compose(tick: int, pixels: ByteArray) -> ByteArray:
        made = (pixels if troupe.compose is None else troupe.compose(tick, pixels)).copy()
        code = (tick // FRAME & 0xFFFF) << 8 | min(255, round(255 * jaws[0]))
        width = made.shape[1] / BITS
        for bit in range(BITS):
            made[:ROWS, round(bit * width) : round((bit + 1) * width)] = 255 * (code >> (BITS - 1 - bit) & 1)
        return made

    return replace(troupe, canvas=canvas, compose=compose)


def vowels(path: Path, count: int = 8) -> None:
    """A WAV file of short vowels with quiet between them, which the browser plays again and again."""
    import wave

    from mien.dialogue.speak.base import SpeakRequest
    from mien.dialogue.speak.espeak import EspeakSpeaker

    speaker, pieces = EspeakSpeaker(), [np.zeros(TICKS_PER_SECOND, np.float32)]
    try:
        for n in range(count):
            language, voice = _VOICES[n % len(_VOICES)]
            said = speaker.speak(SpeakRequest("Ah.", language, voice=voice))
            sound = np.concatenate([p.audio.samples for p in said])
            loud = np.flatnonzero(np.abs(sound) > 0.1 * np.abs(sound).max())
            sound = sound[loud[0] : loud[-1]][: TICKS_PER_SECOND // 2]
            quiet = np.zeros(round((0.75 + 0.017 * n) * TICKS_PER_SECOND), np.float32)
            pieces += [sound * np.float32(_LEVEL / np.abs(sound).max()), quiet]
    finally:
        speaker.close()
    whole = np.concatenate(pieces) + np.random.default_rng(1).normal(0, 3e-4, sum(map(len, pieces)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(TICKS_PER_SECOND)
        file.writeframes((whole.clip(-1, 1) * 32767).astype("<i2").tobytes())


@contextmanager
def served() -> Iterator[tuple[str, Any]]:
    """A server with the embedded back ends, and its inside."""
    import uvicorn

    from mien.apps.server.app import create_app
    from mien.apps.server.options import ServeOptions
    from mien.live.troupe import cast

    settings = config.load()
    app = create_app(
        ServeOptions(), settings,
        caster=lambda wish, persona, thinker: marked(
            cast(wish, settings, app.state.desk.cabinet, thinker, persona, lambda _: None)
        ),
    )  # fmt: skip
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/", app.state.desk
    finally:
        server.should_exit = True
        thread.join(10.0)


def run(bursts: int, way: str, look_ahead: int) -> tuple[dict[str, Any], Witness]:
    """Let a visitor be a puppeteer for so many vowels."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, served() as (address, desk), sync_playwright() as playwright:
        sound = Path(folder) / "vowels.wav"
        vowels(sound)
        flags = [f for f in FLAGS if not f.startswith(("--headless", "--mute"))]
        flags.append(f"--use-file-for-fake-audio-capture={sound}")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_context(permissions=["microphone"], bypass_csp=True).new_page()
        page.add_init_script(path=SCRIPT)
        page.goto(f"{address}?transport={way}")
        _until(page, "window.mien?.link.status.phase == 'live' && mien.stage.frames > 50")
        witness = _puppet(page, desk, look_ahead)
        page.evaluate("bench.listen()")
        _until(page, f"bench.kept.microphone.length > {bursts}", 3.0 * bursts + 30)
        page.wait_for_timeout(1500)
        kept: dict[str, Any] = page.evaluate("({...bench.kept, fps: mien.stage.frames})")
        browser.close()
    return kept, witness


def _puppet(page: Page, desk: Any, look_ahead: int) -> Witness:
    """Puppet mode on, with somebody who keeps what is heard and sent."""
    page.click("#mic")
    room = desk.room(page.evaluate("mien.link.session.id"))
    desk.set_puppet(room, True)
    room.puppet.close()
    room.puppet = Puppet(room.session, room.puppet.settings, look_ahead=look_ahead)
    witness, hear = Witness(), room.puppet.hear

    def both(chunk: AudioChunk) -> None:
        witness.hear(chunk)
        hear(chunk)

    room.microphone = both
    room.session.watch(witness, pictures=False)
    return witness


def _until(page: Page, expression: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > end:
            raise TimeoutError(expression)
        page.wait_for_timeout(200)


def figures(kept: dict[str, Any], witness: Witness, look_ahead: int) -> dict[str, list[float]]:
    """ms, by what they tell."""
    first: dict[int, float] = {}
    for number, _, at in kept["pictures"]:
        first.setdefault(number, at)
    shown = [first.get(tick // FRAME & 0xFFFF) for tick in witness.onsets()]
    pictures = np.array([at for at in shown if at is not None])
    spoken, sounded = np.array(kept["microphone"]), np.array(kept["speaker"])
    opened = _openings(kept["pictures"])
    return {
        "microphone → coefficients, from its arrival": witness.delays(look_ahead),
        "microphone → lips that moved": _after(spoken, opened),
        "microphone → own voice at the loudspeaker": _after(spoken, sounded),
        "voice after the picture it was sent with": _apart(pictures, sounded),
        "voice after lips that moved": _apart(opened, sounded),
    }


def _openings(pictures: list[list[float]]) -> FloatArray:
    """ms at which a jaw that was shut for 0.2 s is first seen open."""
    found, shut = [], 0
    for _, jaw, at in pictures:
        if jaw >= MOVED:
            if shut >= FPS // 5:
                found.append(at)
            shut = 0
        else:
            shut += 1
    return np.array(found)


def _after(causes: FloatArray, effects: FloatArray) -> list[float]:
    """From each cause to the first effect that may be its own."""
    waits = []
    for cause in causes:
        later = effects[effects > cause]
        if len(later) and later[0] - cause < 1000 * _APART:
            waits.append(float(later[0] - cause))
    return waits


def _apart(ones: FloatArray, others: FloatArray) -> list[float]:
    pairs = [(one, others[np.argmin(np.abs(others - one))]) for one in ones] if len(others) else []
    return [float(other - one) for one, other in pairs if abs(other - one) < 500 * _APART]


def main() -> None:
    """The table."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--bursts", type=int, default=50)
    words.add_argument("--way", choices=["webrtc", "socket"], default="webrtc")
    words.add_argument("--look-ahead", type=int, choices=[0, 3], default=3, help="of the network, rows of 20 ms")
    asked = words.parse_args()
    if CHROMIUM is None:
        raise SystemExit("There is no Chromium on this machine (apt install chromium).")
    kept, witness = run(asked.bursts, asked.way, asked.look_ahead)
    what = f"{len(kept['microphone'])} vowels over {asked.way}, look-ahead {20 * asked.look_ahead} ms"
    print(f"{what:44s}     n    p50    p95  (ms)")
    for name, values in figures(kept, witness, asked.look_ahead).items():
        spread = np.abs(values) if "after" in name else np.array(values)
        p50 = np.percentile(values, 50) if values else np.nan
        p95 = np.percentile(spread, 95) if values else np.nan
        print(f"{name:44s} {len(values):5d} {p50:6.0f} {p95:6.0f}")
    print(f"the browser hands the microphone's sound over {kept['lag']:.0f} ms after its own time stamp at least")


if __name__ == "__main__":
    main()
