"""Recording a live session into an mp4 file: pictures, and the sound to the sample as it was sent.

While it runs, the file is called ``NAME.recording.mp4`` and made of fragments of a second: what a crash or a full disk
leaves behind plays up to there. At the end it becomes an ordinary mp4 (libav's hybrid layout: only an index is added)
and gets its name.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import BackendError, MienError, OutputError, UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.atomic import check_target, output_error
from mien.transmit.encoders import require, x264
from mien.transmit.feed import Feed, Item, Moment, PictureViewer
from mien.transmit.frames import Painter, even, fitted, stereo
from mien.types import AudioChunk, ByteArray, FloatArray, VideoFrame

_PICTURES: Final = 50
"""Pictures that wait at most, two seconds at 25 a second."""
_MOMENTS: Final = 1500
"""Moments that wait at most, with their picture or without: a minute of sound at 25 a second, 12 MB."""
_LONGEST_GAP: Final = 10 * TICKS_PER_SECOND
"""Longest gap in the session's time that becomes silence; after a longer one (the machine slept) it is left out."""
_NO_SOUND: Final = np.zeros(0, np.float32)
_NO_PICTURE: Final = np.zeros((0, 0, 3), np.uint8)
_OPTIONS: Final = {
    "movflags": "+hybrid_fragmented+frag_keyframe+default_base_moof",
    "flush_packets": "1",
    "use_editlist": "1",  # it hides AAC's first 1,024 samples; without it the pictures would start that much late
}
_BIT_RATE: Final = 128_000


class Recorder(PictureViewer):
    """Records from the first moment it is shown until it is closed; a session may have several, one after the other.

    Drop rule: when encoding or the disk falls two seconds behind, the oldest waiting picture is left out, and the one
    before it is seen longer; sound is kept, a minute of it at most, and what is missing beyond is silence, so that
    nothing moves against anything. An interrupt drops nothing: what was shown was heard. The first picture's size, made
    even, is the film's; others are fitted into it. Transparent pictures are laid over black.

    path: the file, must end in .mp4; replaced when it is there. fps: of the session. preset: "fast", "balanced" or
    "best". Raises UsageError for another ending, OutputError for a place that cannot be written.
    """

    def __init__(self, path: Path, fps: Fraction, preset: str = "fast") -> None:
        if path.suffix.lower() != ".mp4":
            raise UsageError(f"'{path.name}' does not end in .mp4.", hint="Recordings are mp4 films: name it so.")
        check_target(path)
        for codec in ("libx264", "aac"):
            require(codec)
        self.path, self.file = path, _free(path)
        self._fps, self._preset = fps, preset
        super().__init__("record", size=_PICTURES, rule=_drop_picture)

    def cut(self, tick: int) -> None:
        """Nothing is dropped: what was shown until now was seen and heard."""

    def close(self) -> None:
        """End, and give the film its name; the tally's state then is "closed", or "failed" with the reason."""
        self._feed.close(finish=True)

    def _serve(self, feed: Feed) -> None:
        film: _Film | None = None
        try:
            for item in feed:
                assert isinstance(item, Moment)
                if film is None:
                    if not item.frame.pixels.size:
                        continue
                    film = _Film(self.file, self._fps, self._preset, item)
                    feed.tell("live")
                film.add(item)
                feed.sent(item)
            if film is not None:
                film.close()
                self.file.replace(self.path)
        except Exception as error:
            if film is not None:
                film.give_up()
            raise self._told(error) from error

    def _told(self, error: Exception) -> MienError:
        if isinstance(error, MienError):
            return error
        kept = f" What was recorded until then is in {self.file.name}." if self.file.is_file() else ""
        if isinstance(error, OSError):
            told = output_error(error, self.path)
            message = told.message.removesuffix(".").replace("; nothing was left behind", "")
            return OutputError(f"{message}.{kept}", hint=told.hint.replace(" with -o", ""), code=told.code)
        return BackendError(f"The recording broke: {type(error).__name__}.{kept}", code="backend.encoder")


class _Film:
    """An mp4 of H.264 and AAC that starts with a moment."""

    def __init__(self, file: Path, fps: Fraction, preset: str, first: Moment) -> None:
        import av

        height, width = (even(n) for n in first.frame.pixels.shape[:2])
        self._size, self._fps, self._start = (width, height), fps, first.tick
        self._next_picture = self._heard = 0
        self._painter = Painter(width, height, "yuv420p")
        self._file: Any = av.open(str(file), "w", format="mp4", options=_OPTIONS)
        encoder = x264(preset)
        options = {**encoder.options, "g": str(max(1, round(fps)))}  # each second a key frame, so a fragment
        self._video: Any = self._file.add_stream(encoder.name, rate=fps, options=options)
        context: Any = self._video.codec_context
        context.width, context.height, context.pix_fmt = width, height, encoder.pixel_format
        context.time_base = 1 / fps
        context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1  # as in FilmSink
        sound = {"aac_coder": "fast"}
        self._audio: Any = self._file.add_stream("aac", rate=TICKS_PER_SECOND, layout="stereo", options=sound)
        self._audio.codec_context.format = "fltp"
        self._audio.codec_context.time_base = Fraction(1, TICKS_PER_SECOND)
        self._audio.bit_rate = _BIT_RATE

    def add(self, moment: Moment) -> None:
        gap = moment.tick - self._start - self._heard
        if gap > _LONGEST_GAP:
            self._start += gap
        self._hear(moment.sound)
        if moment.frame.pixels.size:
            self._see(moment.frame)

    def close(self) -> None:
        for stream in (self._video, self._audio):
            self._file.mux(stream.encode(None))
        self._file.close()

    def give_up(self) -> None:
        """Let go of the file as it is."""
        self._video = self._audio = self._file = None

    def _see(self, frame: VideoFrame) -> None:
        number = round((frame.tick - self._start) * self._fps / TICKS_PER_SECOND)
        if number < self._next_picture:
            return
        self._next_picture = number + 1
        picture = self._painter.paint(fitted(frame.pixels, *self._size))
        picture.pts, picture.time_base = number, 1 / self._fps
        self._file.mux(self._video.encode(picture))

    def _hear(self, sound: AudioChunk) -> None:
        """Append sound at its own time: what is missing before it is silence, what came already is left out."""
        begin = sound.start - self._start
        samples: FloatArray = sound.samples[max(0, self._heard - begin) :]
        if begin > self._heard:
            samples = np.concatenate([np.zeros(begin - self._heard, np.float32), samples])
        if len(samples):
            self._file.mux(self._audio.encode(stereo(AudioChunk(self._heard, samples), "fltp")))
            self._heard += len(samples)


def _drop_picture(waiting: deque[Item], new: Item) -> list[Item]:
    """Leave the oldest waiting picture out, keep its sound; whole moments only when a minute of them waits."""
    waiting.append(new)
    lost: list[Item] = [waiting.popleft()] if len(waiting) > _MOMENTS else []
    for index, item in enumerate(waiting):
        if isinstance(item, Moment) and item.frame.pixels.size:
            waiting[index] = Moment(_without_pixels(item.frame), item.sound)
            return [*lost, Moment(item.frame, AudioChunk(item.tick, _NO_SOUND))]
    return lost


def _without_pixels(frame: VideoFrame) -> VideoFrame:
    empty: ByteArray = _NO_PICTURE
    return VideoFrame(frame.tick, empty)


def _free(path: Path) -> Path:
    """A name beside the target for the running recording; what an earlier crash left is never written over."""
    number = 1
    while True:
        file = path.with_name(f"{path.stem}.recording{f'-{number}' if number > 1 else ''}.mp4")
        if not file.exists():
            return file
        number += 1
