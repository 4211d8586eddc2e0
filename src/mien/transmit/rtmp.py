"""Pushing a session to a streaming server over RTMP or RTMPS: H.264 and AAC, again and again when it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import numpy as np

from mien.errors import NetworkError, UsageError
from mien.timeline import TICKS_PER_SECOND, frame_tick
from mien.transmit.encoders import require
from mien.transmit.feed import Feed, Moment, PictureViewer
from mien.transmit.frames import Painter, even, fitted, stereo
from mien.transmit.retry import persist
from mien.transmit.rtmp_wire import DATA, RtmpSocket, parse_address
from mien.types import AudioChunk

_WAITING: Final = 25
"""Moments that wait at most, a second at 25 a second."""


@dataclass(frozen=True, slots=True)
class RtmpSettings:
    """What to push where. url: rtmp(s)://HOST[:PORT]/APP/KEY, or without the key. key: the stream's key, then.

    fps: of the session. bit_rate: of the picture, bits a second, 100,000 to 20,000,000. sound_bit_rate: 32,000 to
    320,000. key_seconds: between key frames, 0.5 to 4; platforms ask for 2. patience: seconds of trying in vain after
    which it is given up. Raises UsageError for what makes no sense.
    """

    url: str = field(repr=False)
    fps: Fraction
    key: str = field(default="", repr=False)
    bit_rate: int = 2_500_000
    sound_bit_rate: int = 128_000
    key_seconds: float = 2.0
    patience: float = 600.0

    def __post_init__(self) -> None:
        parse_address(self.url, self.key)
        if not 100_000 <= self.bit_rate <= 20_000_000:
            raise UsageError(f"A bit rate of {self.bit_rate} is outside 100000 to 20000000.", hint="2500000 is usual.")
        if not 32_000 <= self.sound_bit_rate <= 320_000:
            raise UsageError(f"{self.sound_bit_rate} bits a second of sound are outside 32000 to 320000.")
        if not 0.5 <= self.key_seconds <= 4:
            raise UsageError("Key frames come every 0.5 to 4 seconds.", hint="Platforms ask for 2.")


class RtmpViewer(PictureViewer):
    """Pushes from the first moment it is shown.

    Drop rule: when the network falls a second behind, or while there is no connection, whole moments are left out, the
    oldest first. The stream's own time has no holes and never jumps, neither over left-out moments nor over a new
    connection: players go on where they stopped. The first picture's size, made even, is the stream's; other sizes are
    fitted into it; transparent pictures are laid over black. A lost connection is opened again after 0.5, 1, 2 … 15
    seconds.
    """

    def __init__(self, settings: RtmpSettings) -> None:
        for codec in ("libx264", "aac"):
            require(codec)
        self._settings = settings
        self._address = parse_address(settings.url, settings.key)
        self._connection: RtmpSocket | None = None
        self._frames = 1  # sent in all, over all connections; begins with 1 so that AAC's first packet is not below 0
        super().__init__("rtmp", size=_WAITING)

    @property
    def address(self) -> str:
        """Where it goes, without the key."""
        return self._address.shown

    def _serve(self, feed: Feed) -> None:
        lost = f"{self.address} was lost."
        persist(feed, lambda: self._push(feed), patience=self._settings.patience, lost=lost)

    def _push(self, feed: Feed) -> None:
        """One connection, from its beginning to its end. Returns when the feed ends, raises when it is lost."""
        connection = self._connection = RtmpSocket(self._address)
        if feed.over:
            return
        connection.open()
        feed.drop_waiting()  # what waited meanwhile has grown old
        feed.tell("live")
        encoder: FlvEncoder | None = None
        try:
            for item in feed:
                assert isinstance(item, Moment)
                if encoder is None:
                    encoder = FlvEncoder(self._settings, item, self._frames)
                try:
                    size = sum(connection.send(*tag) for tag in encoder.add(item))
                except (NetworkError, OSError):
                    feed.lost(item)
                    raise
                self._frames += 1
                feed.sent(item, size)
        finally:
            connection.close()

    def _interrupt(self) -> None:
        if self._connection is not None:
            self._connection.hang_up()


class FlvEncoder:
    """Moments to FLV tags, which are RTMP's messages. first: number of the first frame on the stream's time."""

    def __init__(self, settings: RtmpSettings, moment: Moment, first: int) -> None:
        import av

        height, width = (even(n) for n in moment.frame.pixels.shape[:2])
        self._size, self._fps, self._number = (width, height), settings.fps, first
        self._painter = Painter(width, height, "yuv420p")
        self._out = _Collector()
        options = {"flvflags": "no_duration_filesize", "flush_packets": "1"}
        self._file: Any = av.open(self._out, "w", format="flv", options=options)
        self._video: Any = self._file.add_stream("libx264", rate=settings.fps, options=_x264(settings))
        context: Any = self._video.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = 1 / settings.fps
        context.bit_rate = settings.bit_rate
        context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1  # as in FilmSink
        sound = {"aac_coder": "fast"}
        self._audio: Any = self._file.add_stream("aac", rate=TICKS_PER_SECOND, layout="stereo", options=sound)
        self._audio.codec_context.format = "fltp"
        self._audio.codec_context.time_base = Fraction(1, TICKS_PER_SECOND)
        self._audio.bit_rate = settings.sound_bit_rate

    def add(self, moment: Moment) -> Iterator[tuple[int, int, bytes]]:
        """Encode; gives what came out as (kind, milliseconds, data)."""
        start, end = (frame_tick(k, self._fps) for k in (self._number, self._number + 1))
        samples = np.zeros(end - start, np.float32)
        count = min(len(samples), len(moment.sound.samples))
        samples[:count] = moment.sound.samples[:count]
        self._file.mux(self._audio.encode(stereo(AudioChunk(start, samples), "fltp")))
        picture = self._painter.paint(fitted(moment.frame.pixels, *self._size))
        picture.pts, picture.time_base = self._number, 1 / self._fps
        self._file.mux(self._video.encode(picture))
        self._number += 1
        yield from self._out.tags()


class _Collector:
    """A file that takes FLV and gives its tags."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._begun = False

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def tags(self) -> Iterator[tuple[int, int, bytes]]:
        """Whole tags so far (Adobe, "Video File Format Specification 10.1", annex E.4)."""
        if not self._begun and len(self._data) >= 13:
            del self._data[:13]
            self._begun = True
        while self._begun and len(self._data) >= 11:
            size = int.from_bytes(self._data[1:4], "big")
            if len(self._data) < 11 + size + 4:
                return
            kind, body = self._data[0], bytes(self._data[11 : 11 + size])
            milliseconds = int.from_bytes(self._data[4:7], "big") | self._data[7] << 24
            del self._data[: 11 + size + 4]
            yield kind, milliseconds, _SET_DATA_FRAME + body if kind == DATA else body


_SET_DATA_FRAME: Final = b"\x02\x00\x0d@setDataFrame"


def _x264(settings: RtmpSettings) -> dict[str, str]:
    rate = str(settings.bit_rate)
    return {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "g": str(max(1, int(settings.fps * Fraction(settings.key_seconds)))),
        "sc_threshold": "0",
        "maxrate": rate,
        "bufsize": rate,
        "threads": "1",
        "x264-params": "chromaloc=1",
    }
