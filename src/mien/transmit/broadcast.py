"""One session, many who watch: pictures and sound are encoded once for all viewers that take the same codec.

The pacing thread hands over and goes on. Every codec in use has a thread, which lives as long as somebody takes it.
What cannot keep up drops by a stated rule: of pictures the newest wins, before and after coding; sound is kept in
order, a second at most, and what falls out is counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.live import CLOSE_SECONDS, Tally
from mien.transmit.rtc_coded import PICTURE_CODECS, SOUND_CODECS, Coded
from mien.transmit.rtc_picture import HIGHEST_RATE, LOWEST_RATE, PictureEncoder, open_encoder, suitable_rate
from mien.transmit.rtc_sound import open_sound
from mien.types import AudioChunk, ByteArray, FaceClip, VideoFrame

SOUND_WAITS: Final = TICKS_PER_SECOND
"""Most ticks of sound that wait to be coded."""
_KEY_APART: Final = TICKS_PER_SECOND // 4
"""Key pictures that receivers ask for are at least this far apart."""

_log = logging.getLogger(__name__)

Packer = Callable[[ByteArray], ByteArray]


@dataclass(slots=True)
class Counts:
    """What went to the takers and what did not, since the beginning; every codec counts."""

    frames: int = 0
    ticks: int = 0
    bytes: int = 0
    lost_frames: int = 0
    lost_ticks: int = 0
    cut_frames: int = 0
    takers: int = 0


class Tap:
    """One taker of one codec. ``close`` ends it; all methods are safe from any thread and idempotent."""

    def __init__(
        self, stream: _Stream, take: Callable[[Coded], None], cut: Callable[[int], None], rate: int | None
    ) -> None:
        self._stream, self.take, self.cut, self.rate = stream, take, cut, rate
        self.begun = False

    def want_key(self) -> None:
        """The receiver lost its picture: the next one shall be a key picture."""
        self._stream.want_key()

    def set_rate(self, bits: int) -> None:
        """What this receiver's network carries, bits a second. The slowest taker of a codec sets its rate."""
        self.rate = bits
        self._stream.rates_changed()

    def close(self) -> None:
        """Take nothing more."""
        self._stream.remove(self)


class Broadcast:
    """A :class:`~mien.transmit.live.Viewer` that serves any number of network viewers.

    fps: of the session. pack: makes one opaque picture of one with alpha (colour above, alpha below, say); without it
    alpha is left out. Pictures of odd sizes lose their last row or column.
    """

    def __init__(self, fps: Fraction = Fraction(25), *, pack: Packer | None = None) -> None:
        self.fps, self.pack = fps, pack
        self.counts = Counts()
        self._lock = threading.Lock()
        self._streams: dict[str, _Stream] = {}
        self._watchers: list[Callable[[FaceClip], None]] = []
        self._closed = False

    @property
    def tally(self) -> Tally:
        """What became of what it was given. connects: how many takers there have been, codec by codec."""
        c = self.counts
        return Tally(
            frames=c.frames,
            ticks=c.ticks,
            lost_frames=c.lost_frames,
            lost_ticks=c.lost_ticks,
            cut_frames=c.cut_frames,
            sent_bytes=c.bytes,
            connects=c.takers,
            state="closed" if self._closed else "live" if self._streams else "opening",
            reason="" if self._closed or self._streams else "Nobody watches.",
        )

    def show(self, frame: VideoFrame, sound: AudioChunk) -> None:
        """Hand over a frame and its sound. Never blocks."""
        now = time.monotonic()
        for stream in tuple(self._streams.values()):
            stream.put(frame, sound, now)

    def move(self, clip: FaceClip) -> None:
        """Hand the motion to who asked for it with :meth:`motion`."""
        for watcher in tuple(self._watchers):
            with suppress(Exception):  # one receiver's trouble is not the session's
                watcher(clip)

    def cut(self, tick: int) -> None:
        """Drop what was shown before ``tick`` and waits, here and at every taker."""
        for stream in tuple(self._streams.values()):
            stream.cut(tick)

    def close(self) -> None:
        """End all threads; one that a taker holds up is not waited for. Takers are told nothing more."""
        with self._lock:
            self._closed = True
            streams, self._streams = tuple(self._streams.values()), {}
            self._watchers = []
        for stream in streams:
            stream.end()
        patience = time.monotonic() + CLOSE_SECONDS / 2
        for stream in streams:
            stream.join(max(0.0, patience - time.monotonic()))

    def pictures(
        self, codec: str, take: Callable[[Coded], None], cut: Callable[[int], None], *, rate: int | None = None
    ) -> Tap:
        """Have coded pictures brought, the first one a key picture, in the encoder's thread: ``take`` must be quick.

        Raises UsageError for an unknown codec.

        codec: one of :data:`~mien.transmit.rtc_coded.PICTURE_CODECS`. rate: highest bits a second for this taker.
        """
        _check(codec, PICTURE_CODECS)
        tap = self._tap(codec, take, cut, rate)
        tap.want_key()
        return tap

    def sound(self, codec: str, take: Callable[[Coded], None], cut: Callable[[int], None]) -> Tap:
        """The same for sound. codec: one of :data:`~mien.transmit.rtc_coded.SOUND_CODECS`."""
        _check(codec, SOUND_CODECS)
        return self._tap(codec, take, cut, None)

    def motion(self, take: Callable[[FaceClip], None]) -> Callable[[], None]:
        """Have motion brought, in the pacing thread. Returns what ends it."""
        self._watchers.append(take)

        def end() -> None:
            with suppress(ValueError):
                self._watchers.remove(take)

        return end

    def _tap(self, codec: str, take: Callable[[Coded], None], cut: Callable[[int], None], rate: int | None) -> Tap:
        with self._lock:
            stream = self._streams.get(codec)
            if stream is None:
                make = _Pictures if codec in PICTURE_CODECS else _Sounds
                stream = make(codec, self)
                if not self._closed:
                    self._streams[codec] = stream
                    stream.start()
            tap = Tap(stream, take, cut, rate)
            self.counts.takers += 1
            stream.taps = (*stream.taps, tap)
        stream.rates_changed()
        return tap

    def forget(self, stream: _Stream, tap: Tap) -> None:
        """Take a tap off; a stream without takers ends."""
        with self._lock:
            stream.taps = tuple(t for t in stream.taps if t is not tap)
            unused = not stream.taps and self._streams.get(stream.codec) is stream
            if unused:
                del self._streams[stream.codec]
        if unused:
            stream.end()
        else:
            stream.rates_changed()


def _check(codec: str, known: tuple[str, ...]) -> None:
    if codec not in known:
        raise UsageError(f"'{codec}' is not a codec of live streams.", hint=f"Known: {', '.join(known)}.")


class _Stream:
    """A codec in use, and its thread."""

    def __init__(self, codec: str, broadcast: Broadcast) -> None:
        self.codec = codec
        self.taps: tuple[Tap, ...] = ()
        self._broadcast = broadcast
        self._wake = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"mien-live-{codec}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Let the thread go; it is not waited for, as a taker may call this from it."""
        with self._wake:
            self._ended = True
            self._wake.notify()

    def join(self, seconds: float) -> None:
        """Wait for the thread; not from itself."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def remove(self, tap: Tap) -> None:
        self._broadcast.forget(self, tap)

    def want_key(self) -> None:
        """Sound has no key blocks."""

    def rates_changed(self) -> None:
        """Sound has one rate."""

    def put(self, frame: VideoFrame, sound: AudioChunk, now: float) -> None:
        raise NotImplementedError

    def cut(self, tick: int) -> None:
        raise NotImplementedError

    def _work(self) -> bool:
        """Wait for something and do it. False: it is over."""
        raise NotImplementedError

    def _run(self) -> None:
        failed = 0.0
        while not self._ended:
            try:
                if not self._work():
                    return
            except Exception:  # a picture that cannot be coded must not end the session; told at most every 10 s
                if time.monotonic() - failed > 10.0:
                    failed = time.monotonic()
                    _log.exception("%s could not be coded", self.codec)

    def _deliver(self, coded: Coded) -> None:
        for tap in self.taps:
            if coded.key or tap.begun:
                tap.begun = True
                with suppress(Exception):  # a taker whose loop has gone is taken off by its owner
                    tap.take(coded)


class _Pictures(_Stream):
    """The newest picture waits, nothing else."""

    def __init__(self, codec: str, broadcast: Broadcast) -> None:
        super().__init__(codec, broadcast)
        self._next: tuple[VideoFrame, float] | None = None
        self._encoder: PictureEncoder | None = None
        self._size = (0, 0)
        self._key_wanted = True
        self._last_key: int | None = None

    def put(self, frame: VideoFrame, sound: AudioChunk, now: float) -> None:
        with self._wake:
            self._broadcast.counts.lost_frames += self._next is not None
            self._next = (frame, now)
            self._wake.notify()

    def cut(self, tick: int) -> None:
        with self._wake:
            if self._next is not None and self._next[0].tick < tick:
                self._next = None
                self._broadcast.counts.cut_frames += 1
        for tap in self.taps:
            tap.cut(tick)

    def want_key(self) -> None:
        self._key_wanted = True

    def rates_changed(self) -> None:
        encoder = self._encoder
        if encoder is not None and self.taps:
            asked = [tap.rate for tap in self.taps if tap.rate is not None]
            top = suitable_rate(*self._size, self._broadcast.fps)
            encoder.set_rate(max(LOWEST_RATE, min([top, HIGHEST_RATE, *asked])))

    def _work(self) -> bool:
        with self._wake:
            while self._next is None and not self._ended:
                self._wake.wait()
            if self._ended or self._next is None:
                return False
            (frame, due), self._next = self._next, None
        pixels = frame.pixels
        if self._broadcast.pack is not None:
            pixels = self._broadcast.pack(pixels)
        encoder = self._fitting(pixels)
        key = self._key_due(frame.tick)
        coded = encoder.encode(pixels, frame.tick, due, key=key)
        if coded is not None:
            if coded.key:
                self._last_key = coded.tick
            self._deliver(coded)
            self._broadcast.counts.frames += 1
            self._broadcast.counts.bytes += len(coded.data)
        return True

    def _fitting(self, pixels: ByteArray) -> PictureEncoder:
        """The encoder for this size of picture."""
        height, width = (side // 2 * 2 for side in pixels.shape[:2])
        if self._encoder is None or self._size != (width, height):
            self._encoder = open_encoder(self.codec, width, height, self._broadcast.fps)
            self._size = (width, height)
            self._last_key = None
            self.rates_changed()
        return self._encoder

    def _key_due(self, tick: int) -> bool:
        """Whether a key picture was asked for and one may be made again."""
        if not self._key_wanted:
            return False
        if self._last_key is not None and 0 <= tick - self._last_key < _KEY_APART:
            return False
        self._key_wanted = False
        return True


class _Sounds(_Stream):
    """Sound in order; the oldest falls out when more than a second waits."""

    def __init__(self, codec: str, broadcast: Broadcast) -> None:
        super().__init__(codec, broadcast)
        self._queue: deque[tuple[AudioChunk, float]] = deque()
        self._waiting = 0
        self._restart = False

    def put(self, frame: VideoFrame, sound: AudioChunk, now: float) -> None:
        if not len(sound.samples):
            return
        with self._wake:
            self._queue.append((sound, now))
            self._waiting += len(sound.samples)
            while self._waiting > SOUND_WAITS and len(self._queue) > 1:
                lost = len(self._queue.popleft()[0].samples)
                self._waiting -= lost
                self._broadcast.counts.lost_ticks += lost
            self._wake.notify()

    def cut(self, tick: int) -> None:
        with self._wake:
            kept = [item for item in self._queue if item[0].start >= tick]
            self._restart = self._restart or len(kept) < len(self._queue)
            self._queue = deque(kept)
            self._waiting = sum(len(chunk.samples) for chunk, _ in kept)
        for tap in self.taps:
            tap.cut(tick)

    def start(self) -> None:
        self._encoder = open_sound(self.codec)
        super().start()

    def _work(self) -> bool:
        with self._wake:
            while not self._queue and not self._ended:
                self._wake.wait()
            if self._ended:
                return False
            chunk, due = self._queue.popleft()
            self._waiting -= len(chunk.samples)
            restart, self._restart = self._restart, False
        if restart:
            self._encoder.clear()
        for coded in self._encoder.push(chunk, due):
            self._deliver(coded)
            self._broadcast.counts.ticks += coded.duration
            self._broadcast.counts.bytes += len(coded.data)
        return True
