"""Hours of a session in minutes: ``python -m benchmarks.live_sessions hours 2``.

The clock is virtual and goes as fast as what it shows is received; all the rest is real: session, voice, face,
renderer, encoders, and the feed that a page has over a WebSocket. Each picture carries its number, which is read from
the coded pictures; each block of sound is compared with what the session gave. The avatar speaks, is cut short, idles.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.portrait import portrait
from mien import config
from mien.apps.server.memory import settle
from mien.dialogue.think.base import Persona, Thinker
from mien.live.clock import VirtualClock
from mien.live.session import Session
from mien.live.troupe import Wardrobe, Wish, cast
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.broadcast import Broadcast
from mien.transmit.live import Tally
from mien.transmit.rtc_sound import BLOCK, to_int16
from mien.transmit.socket_feed import FLAG_KEY, HEADER, PICTURE, SOUND_SAMPLES, SocketFeed
from mien.types import ARKIT_SHAPES, AudioChunk, ByteArray, FaceClip, VideoFrame

SIDE = 256
FRAME = TICKS_PER_SECOND // 25
GROWTH = 0.03
DRIFT = 20.0
"""Milliseconds by which lips may move against sound from the first half to the second: half a picture."""
CUT = 80.0
"""Milliseconds of picture and sound that an interrupt may take away: the moment that waits to be coded."""
_BITS, _BLOCK = 20, 8  # the number in the picture: 20 bits in blocks of 8 pixels
_JAW = ARKIT_SHAPES.index("jawOpen")
_PATIENCE = 20.0


class Given:
    """A viewer that keeps what the session gave lately, and how wide the jaw and how loud the sound was."""

    def __init__(self) -> None:
        self.sounds: OrderedDict[int, bytes] = OrderedDict()
        self.jaw: list[float] = []
        self.loud: list[float] = []
        self.frames, self.tick = 0, -1

    @property
    def tally(self) -> Tally:
        return Tally(frames=self.frames, state="live")

    def move(self, clip: FaceClip) -> None:
        self.jaw.append(float(clip.shapes[0, _JAW]))

    def show(self, frame: VideoFrame, sound: AudioChunk) -> None:
        for at in range(0, len(sound.samples), BLOCK):
            self.sounds[sound.start + at] = to_int16(sound.samples[at : at + BLOCK])
        while len(self.sounds) > 100:
            self.sounds.popitem(last=False)
        self.loud.append(float(np.sqrt(np.mean(sound.samples**2))))
        self.frames, self.tick = self.frames + 1, frame.tick

    def cut(self, tick: int) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass
class Got:
    """What came in one part of the time; sound in ticks. span: by the stamps, ticks of pictures and of sound."""

    pictures: int = 0
    sound: int = 0
    wrong: int = 0
    span: int = 0

    @property
    def missing(self) -> float:
        """Milliseconds of pictures and sound that the stamps have and that did not come."""
        return (self.span - self.pictures * FRAME - self.sound) / 48


class Page:
    """Takes what the feed sends, as a page would, and checks it."""

    def __init__(self, given: Given) -> None:
        self._given, self._decoder = given, _Decoder()
        self.got = Got()
        self._lock = threading.Lock()
        self.picture_end = self.sound_end = 0
        self.came = threading.Event()

    async def take(self, message: str | bytes) -> None:
        if isinstance(message, str):
            told = json.loads(message)
            if told["type"] == "video":
                self._decoder.open(bytes.fromhex(told["description"]))
            return
        kind, flags, _, duration, tick = HEADER.unpack_from(message)
        data = message[HEADER.size :]
        with self._lock:
            self._note(kind, flags, duration, tick, data)
        self.came.set()

    def next_part(self) -> Got:
        """What came since the last call."""
        with self._lock:
            got, self.got = self.got, Got()
        return got

    def _note(self, kind: int, flags: int, duration: int, tick: int, data: bytes) -> None:
        if kind == SOUND_SAMPLES:
            self.got.sound += duration
            self.got.span += tick + duration - (self.sound_end or tick)
            self.got.wrong += self._given.sounds.get(tick) != data
            self.sound_end = tick + duration
        elif kind == PICTURE:
            self.got.pictures += 1
            self.got.span += tick + duration - (self.picture_end or tick)
            self.picture_end = tick + duration
            if flags & FLAG_KEY:
                self.got.wrong += self._decoder.number(data) != tick // FRAME % (1 << _BITS)


class Paced(VirtualClock):
    """Virtual time that does not go on before what was shown is received. skews: ms by which the sound that was
    received then reached farther than the pictures, by their stamps; lost: how often something never came.
    """

    def __init__(self, given: Given, page: Page) -> None:
        super().__init__()
        self._given, self._page = given, page
        self.skews: list[float] = []
        self.lost = 0

    def wait(self, until: float, wake: threading.Event) -> None:
        end = time.monotonic() + _PATIENCE
        while not wake.is_set() and self._given.frames:
            if min(self._page.picture_end, self._page.sound_end) >= self._given.tick + FRAME:
                break
            self._page.came.wait(0.05)
            self._page.came.clear()
            if time.monotonic() > end:  # it will never come
                self.lost += 1
                break
        self.skews.append((self._page.sound_end - self._page.picture_end) / TICKS_PER_SECOND * 1000)
        super().wait(until, wake)


class _Decoder:
    """Key pictures to the number that is in them."""

    def __init__(self) -> None:
        self._description = b""

    def open(self, description: bytes) -> None:
        self._description = description

    def number(self, data: bytes) -> int:
        import av

        context: Any = av.CodecContext.create("h264", "r")
        context.extradata = self._description
        context.thread_count = 1
        frame = (context.decode(av.Packet(data)) + context.decode(None))[0]
        plane = frame.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        bits = rows[_BLOCK // 2, _BLOCK // 2 : _BITS * _BLOCK : _BLOCK] > 128
        return int(sum(1 << i for i, bit in enumerate(bits) if bit))


def number(tick: int, pixels: ByteArray) -> ByteArray:
    """The picture with its number in the first rows."""
    count = tick // FRAME % (1 << _BITS)
    bits = np.array([255 if count >> i & 1 else 0 for i in range(_BITS)], np.uint8)
    marked = pixels.copy()
    marked[:_BLOCK, : _BITS * _BLOCK] = np.repeat(bits, _BLOCK)[None, :, None]
    return marked


def talk(live: Session, stop: threading.Event, chance: random.Random) -> None:
    """Ask, let it finish or cut it short, be silent for a while; all by the session's own time."""

    def until(tick: int, *states: str) -> None:
        while not stop.is_set() and live.tick < tick and (not states or live.state in states):
            stop.wait(0.004)

    for turn in range(1 << 30):
        live.ask("Go on.")
        until(1 << 60, "thinking")
        until(live.tick + (chance.randrange(1, 6) * TICKS_PER_SECOND if turn % 3 == 2 else 1 << 60), "speaking")
        if turn % 3 == 2:
            live.interrupt()
        until(live.tick + chance.randrange(2, 20) * TICKS_PER_SECOND)
        if stop.is_set():
            return


def lips_late(jaw: list[float], loud: list[float]) -> float:
    """Milliseconds by which the mouth moves after the sound, where the two go together best; nan for a short while."""
    if np.sum(np.array(loud) > 0.01) < 250:
        return float("nan")
    x, y = np.array(jaw) - np.mean(jaw), np.array(loud) - np.mean(loud)
    fit = np.array([np.dot(x[8 + lag : len(x) - 8 + lag], y[8 : len(y) - 8]) for lag in range(-8, 9)])
    best = int(np.clip(np.argmax(fit), 1, 15))
    before, at, after = fit[best - 1 : best + 2]
    peak = best - 8 + 0.5 * (before - after) / (before - 2 * at + after)
    return float(peak * 40)


def resident() -> float:
    """Memory of this process, MB."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def hours(count: float, thinker: Thinker, parts: int = 10) -> int:
    """Simulate, print the table; 1 when something drifted, grew or was lost."""
    settle()
    settings = config.load()
    settings = replace(settings, film=replace(settings.film, size=str(SIDE)))
    troupe = cast(
        Wish(portrait=str(portrait()), language="en"), settings, Wardrobe(lambda _: None), thinker, Persona(),
        lambda _: None,
    )  # fmt: skip
    before = troupe.compose
    compose = number if before is None else (lambda tick, pixels: number(tick, before(tick, pixels)))
    given = Given()
    page = Page(given)
    clock = Paced(given, page)
    live = Session(replace(troupe, compose=compose), clock=clock)
    out, stop = Broadcast(), threading.Event()
    watching = threading.Thread(target=lambda: asyncio.run(_watch(live, out, given, page, stop)), daemon=True)
    watching.start()
    threading.Thread(target=talk, args=(live, stop, random.Random(1)), daemon=True).start()
    try:
        rows = _follow(live, given, page, clock, int(count * 3600 * 25 / parts), parts)
    finally:
        stop.set()
        live.close()
        watching.join(10)
        out.close()
    return _verdict(rows, live, clock, out)


async def _watch(live: Session, out: Broadcast, given: Given, page: Page, stop: threading.Event) -> None:
    feed = SocketFeed(out)

    async def end() -> None:
        while not stop.is_set():
            await asyncio.sleep(0.1)
        feed.close()

    ending = asyncio.ensure_future(end())
    running = asyncio.ensure_future(feed.run(page.take))
    await asyncio.sleep(0.05)  # it has taken its taps
    live.watch(given)  # first, so that it knows what is received
    live.watch(out)
    await running
    await ending


@dataclass(frozen=True)
class Row:
    """One part of the time."""

    hours: float
    pictures: int
    skew: float
    apart: int
    lips: float
    wrong: int
    missing: float
    megabytes: float
    turns: int


def _follow(live: Session, given: Given, page: Page, clock: Paced, frames: int, parts: int) -> list[Row]:
    head = ("hours", "pictures", "sound ahead ms", "moments apart", "lips after sound ms", "wrong", "missing ms")
    print("  " + "  ".join((*head, "memory MB", "turns", "took s")), flush=True)
    rows = []
    began = time.monotonic()
    for part in range(1, parts + 1):
        seen = given.frames
        while given.frames < seen + frames:
            time.sleep(0.02)
        got = page.next_part()
        skews, clock.skews = clock.skews, []
        jaw, given.jaw, loud, given.loud = given.jaw, [], given.loud, []
        length = min(len(jaw), len(loud))
        row = Row(
            part * frames / 90_000, got.pictures, _mean(skews), sum(abs(s) > 1 for s in skews),
            lips_late(jaw[:length], loud[:length]), got.wrong, got.missing, resident(), live.counts.turns,
        )  # fmt: skip
        rows.append(row)
        print(
            f"{row.hours:7.2f}  {row.pictures:8d}  {row.skew:14.3f}  {row.apart:13d}  "
            f"{row.lips:19.1f}  {row.wrong:5d}  {row.missing:10.1f}  {row.megabytes:9.1f}  "
            f"{row.turns:5d}  {time.monotonic() - began:6.0f}",
            flush=True,
        )
    return rows


def _verdict(rows: list[Row], live: Session, clock: Paced, out: Broadcast) -> int:
    last = rows[-1]
    skew = max((row.skew for row in rows), key=abs)
    half = len(rows) // 2
    lips = _mean(row.lips for row in rows[half:]) - _mean(row.lips for row in rows[:half])
    third = max(1, len(rows) // 3)
    early, late = (np.mean([row.megabytes for row in some]) for some in (rows[1 : 1 + third], rows[-third:]))
    growth = late / early - 1  # the first part warms it up
    wrong, missing = sum(row.wrong for row in rows), sum(abs(row.missing) for row in rows)
    cut = CUT * live.counts.cuts
    apart = sum(row.apart for row in rows)
    # a moment's picture and sound come in two messages: after a cut, one may be there before the other
    bad = (
        abs(skew) > 1
        or apart > 2 * live.counts.cuts
        or missing > cut
        or abs(lips) > DRIFT
        or growth > GROWTH
        or wrong > 0
        or clock.lost > 0
    )
    print(
        f"{last.hours:g} h, {live.counts.turns} turns, {live.counts.cuts} cut short: sound against picture "
        f"{skew:+.3f} ms in the worst part ({apart} moments by a picture), "
        f"lips against sound {lips:+.1f} ms from first to second half "
        f"(at most {DRIFT:g}), memory {growth:+.1%} (at most {GROWTH:+.0%}), {wrong} pictures or blocks wrong, "
        f"{missing:.0f} ms missing (at most {cut:.0f}, by cuts), "
        f"{live.counts.jumps} jumps, {out.counts.lost_frames} pictures dropped, "
        f"{clock.lost} waits given up: {'BAD' if bad else 'good'}"
    )
    return int(bad)


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
