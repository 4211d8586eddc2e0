"""Pictures and sound over a WebSocket, where UDP does not get through. docs/streaming.md has the messages.

Two forms: "chunks" for WebCodecs and Web Audio, "fragments" for Media Source Extensions. The feed knows no web
framework: it is given an awaitable that sends, and what the page sent.

Nothing here grows with a page that does not read: what waits is bounded in time; beyond it everything up to the newest
key picture is dropped, and the page is told; and when one message cannot be handed over for five seconds, it is over.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from mien.errors import InputError, NetworkError, UsageError
from mien.timeline import to_ticks
from mien.transmit.broadcast import Broadcast, Tap
from mien.transmit.fragments import (
    SOUND,
    VIDEO,
    avcc,
    codec_string,
    fragment,
    init_segment,
    parameter_sets,
    to_avc,
)
from mien.transmit.rtc_coded import Coded
from mien.transmit.rtc_microphone import SteadySound
from mien.transmit.rtc_peer import Listeners, parse_message
from mien.transmit.rtc_sound import from_int16

FORMS: Final = ("chunks", "fragments")
HEADER: Final = struct.Struct("<BBHIQ")
"""kind, flags, 0, duration in ticks, tick; little-endian, 16 bytes."""
PICTURE, SOUND_SAMPLES, INIT, FRAGMENT = 1, 2, 3, 4
"""Kinds of binary messages."""
FLAG_KEY: Final = 1

BACKLOG: Final = to_ticks(0.8)
"""Most ticks that may wait here, or be on the way unacknowledged beyond what the page says it has."""
ON_THE_WAY: Final = to_ticks(2.0)
STALLED: Final = 5.0
"""Seconds that one message may take."""
_MESSAGES_WAIT: Final = 256
_LONGEST_SOUND: Final = 96_000 * 2

_log = logging.getLogger(__name__)

Send = Callable[[str | bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    tick: int
    data: bytes
    picture: bool
    key: bool


class SocketFeed:
    """One page behind a WebSocket. Made and run in the event loop; ``send_message`` and ``close`` from any thread.

    form: one of :data:`FORMS`. sound: "pcm" (chunks only), "opus" or "aac".
    """

    def __init__(
        self, broadcast: Broadcast, listeners: Listeners | None = None, *, form: str = "chunks", sound: str = ""
    ) -> None:
        if form not in FORMS:
            raise UsageError(f"'{form}' is not a form of live video.", hint=f"Use {' or '.join(FORMS)}.")
        sound = sound or ("pcm" if form == "chunks" else "opus")
        if sound not in ("pcm", "opus", "aac") or (form == "fragments" and sound == "pcm"):
            raise UsageError(f"'{sound}' is not a sound that {form} can carry.", hint="Use opus or aac.")
        self._broadcast, self._listeners, self._form, self._sound = broadcast, listeners or Listeners(), form, sound
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._texts: deque[str] = deque(maxlen=_MESSAGES_WAIT)
        self._queue: deque[_Waiting] = deque()
        self._taps: list[Tap] = []
        self._closed = False
        self._needs_key = False
        self._sets: tuple[bytes, bytes] | None = None
        self._start: int | None = None
        self._number = 0
        self._got: int | None = None
        on_sound = self._listeners.on_sound
        self._microphone = SteadySound(on_sound) if on_sound is not None else None
        self.dropped = 0

    async def run(self, send: Send) -> None:
        """Send until the feed is closed. Raises NetworkError when the page stops reading, and what ``send`` raises."""
        self._taps = [
            self._broadcast.pictures("h264", self._brings(self._picture), lambda tick: None),
            self._broadcast.sound(self._sound, self._brings(self._piece), self._cut),
        ]
        self._tell("connected")
        reason = ""
        try:
            while not self._closed:
                message = self._next()
                if message is None:
                    await self._wait()
                else:
                    await self._hand_over(send, message)
        except Exception as error:
            reason = str(error)
            raise
        finally:
            self._release(reason)

    def receive(self, message: str | bytes) -> None:
        """What the page sent: JSON text, or binary sound of its microphone. Raises InputError."""
        if isinstance(message, bytes):
            self._hear(message)
            return
        parsed = parse_message(message)
        kind = parsed["type"]
        if kind == "got" and isinstance(parsed.get("tick"), int):
            self._got = max(self._got or 0, parsed["tick"])
        elif kind == "key" and self._taps:
            self._taps[0].want_key()
        elif kind == "ping":
            self._say({**parsed, "type": "pong", "server": time.time() * 1000.0})
        elif self._listeners.on_message is not None:
            self._listeners.on_message(parsed)

    def send_message(self, message: dict[str, Any]) -> None:
        """A JSON object to the page, in order, before pictures and sound that wait. The latest 256 are kept."""
        with suppress(RuntimeError):  # the loop has ended: nobody listens any more
            self._loop.call_soon_threadsafe(self._say, message)

    def close(self) -> None:
        """Let ``run`` return. Idempotent."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self._closed = True
        self._ready.set()

    def _release(self, reason: str) -> None:
        for tap in self._taps:
            tap.close()
        self._closed = True
        self._queue.clear()
        self._tell("closed", reason)

    # What the encoders bring.

    def _brings(self, take: Callable[[Coded], None]) -> Callable[[Coded], None]:
        def bring(coded: Coded) -> None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(take, coded)

        return bring

    def _picture(self, coded: Coded) -> None:
        if coded.key:
            self._configure(coded)
            self._needs_key = False
        if self._sets is None or self._needs_key:
            self.dropped += 1
            return
        data = to_avc(coded.data)
        if self._form == "chunks":
            self._put(coded, _message(PICTURE, coded, data), picture=True)
        else:
            self._put(coded, _message(FRAGMENT, coded, self._fragment(VIDEO, coded, data)), picture=True)

    def _piece(self, coded: Coded) -> None:
        if self._form == "chunks":
            self._put(coded, _message(SOUND_SAMPLES, coded, coded.data), picture=False)
        elif self._sets is not None and self._start is not None and coded.tick + coded.duration > self._start:
            self._put(coded, _message(FRAGMENT, coded, self._fragment(SOUND, coded, coded.data)), picture=False)

    def _configure(self, coded: Coded) -> None:
        """Tell the page what comes, when it is new."""
        sets = parameter_sets(coded.data)
        if sets is None or sets == self._sets:
            return
        self._sets = sets
        width, height = picture_size(sets[0])
        self._start = coded.tick if self._start is None else self._start
        about = {
            "type": "video",
            "form": self._form,
            "codec": codec_string(sets[0]),
            "width": width,
            "height": height,
            "fps": float(self._broadcast.fps),
            "sound": self._sound,
            "packed": self._broadcast.pack is not None,
            "start": self._start,
        }
        if self._form == "chunks":
            about["description"] = avcc(*sets).hex()
        self._say(about)
        if self._form == "fragments":
            self._put(coded, _message(INIT, coded, init_segment(width, height, *sets, self._sound)), picture=True)

    def _fragment(self, track: int, coded: Coded, data: bytes) -> bytes:
        assert self._start is not None
        self._number += 1
        return fragment(self._number, track, coded, data, self._start)

    def _put(self, coded: Coded, data: bytes, *, picture: bool) -> None:
        if self._closed:
            return
        self._queue.append(_Waiting(coded.tick, data, picture, coded.key and picture))
        waits = coded.tick - self._queue[0].tick
        behind = coded.tick - self._got if self._got is not None else 0
        if waits > BACKLOG or behind > ON_THE_WAY:
            self._skip()
        self._ready.set()

    def _skip(self) -> None:
        """Drop what waits up to the newest key picture; without one, ask for one and wait for it."""
        keys = [n for n, item in enumerate(self._queue) if item.key]
        if keys and keys[-1] > 0:
            self.dropped += keys[-1]
            first = self._queue[keys[-1]].tick
            self._queue = deque(i for n, i in enumerate(self._queue) if n >= keys[-1] or _is_init(i))
        else:
            first = self._queue[-1].tick
            self.dropped += len(self._queue)
            self._queue = deque(i for i in self._queue if _is_init(i))
            self._needs_key = True
            self._taps[0].want_key()
        self._got = None  # the page says anew what it has
        self._say({"type": "skipped", "tick": first})

    def _cut(self, tick: int) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._cut_here, tick)

    def _cut_here(self, tick: int) -> None:
        self._queue = deque(i for i in self._queue if i.picture or i.tick >= tick)
        self._say({"type": "cut", "tick": tick})

    # What goes out.

    def _say(self, message: dict[str, Any]) -> None:
        self._texts.append(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
        self._ready.set()

    def _next(self) -> str | bytes | None:
        if self._texts:
            return self._texts.popleft()
        if self._queue:
            item = self._queue.popleft()
            return item.data
        return None

    async def _wait(self) -> None:
        self._ready.clear()
        if self._microphone is None:
            await self._ready.wait()
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), 0.1)
        self._microphone.idle(time.monotonic())

    async def _hand_over(self, send: Send, message: str | bytes) -> None:
        try:
            await asyncio.wait_for(_as_coroutine(send(message)), STALLED)
        except TimeoutError as error:
            raise NetworkError(
                f"The page has not read for {STALLED:.0f} s.",
                hint="Connect again, or choose a lower picture size.",
                code="network.stalled",
            ) from error

    # The microphone and the listeners.

    def _hear(self, message: bytes) -> None:
        if len(message) < HEADER.size or message[0] != SOUND_SAMPLES or len(message) > _LONGEST_SOUND:
            raise InputError(
                "A binary message of the page is not sound.",
                hint="docs/streaming.md tells its form.",
                code="input.sound",
            )
        if self._microphone is not None:
            tick = HEADER.unpack_from(message)[4]
            self._microphone.push(tick, from_int16(message[HEADER.size :]), time.monotonic())

    def _tell(self, state: str, reason: str = "") -> None:
        if self._listeners.on_state is not None:
            try:
                self._listeners.on_state(state, reason)
            except Exception:
                _log.exception("a change of state could not be handled")


def picture_size(sequence: bytes) -> tuple[int, int]:
    """Width and height that a sequence parameter set of baseline profile tells (ITU-T H.264, 7.3.2.1.1)."""
    bits = _Bits(sequence[4:].replace(b"\x00\x00\x03", b"\x00\x00"))
    bits.golomb()  # seq_parameter_set_id
    bits.golomb()  # log2_max_frame_num_minus4
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    bits.golomb()  # max_num_ref_frames
    bits.take(1)
    width, height = 16 * (bits.golomb() + 1), 16 * (bits.golomb() + 1)
    bits.take(2)  # frame_mbs_only_flag (always set here) and direct_8x8_inference_flag
    if bits.take(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
        width, height = width - 2 * (left + right), height - 2 * (top + bottom)
    return width, height


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), len(data) * 8

    def take(self, count: int) -> int:
        self._left -= count
        return (self._value >> max(0, self._left)) & ((1 << count) - 1)

    def golomb(self) -> int:
        """Exp-Golomb, unsigned (9.1)."""
        zeros = 0
        while self._left > 0 and not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def _message(kind: int, coded: Coded, data: bytes) -> bytes:
    """tick is signed in effect: run-in of an encoder before tick 0 is said as tick 0."""
    return HEADER.pack(kind, FLAG_KEY if coded.key else 0, 0, coded.duration, max(0, coded.tick)) + data


def _is_init(item: _Waiting) -> bool:
    return item.data[0] == INIT


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work
