"""Films: H.264 in mp4, VP9 in WebM, ProRes in mov, written through libav (PyAV)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.channel import Abandoned, Channel
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.atomic import Staging
from mien.transmit.containers import CONTAINERS, Container, add_sound, explained
from mien.transmit.encoders import Encoder, h264, prores, require, vp9
from mien.transmit.frames import Painter, stereo
from mien.types import AudioChunk, VideoFrame

_SOUND_AT_ONCE: Final = TICKS_PER_SECOND // 4


@dataclass(frozen=True, slots=True)
class FilmSpec:
    """What to write. path: final name. width, height: pixels, even. alpha: pictures are RGBA and stay so.

    preset: "fast", "balanced" or "best". encoder: "auto", "software" or a name (H.264 only). sound: whether there is
    any.
    """

    path: Path
    width: int
    height: int
    fps: Fraction
    preset: str = "balanced"
    encoder: str = "auto"
    alpha: bool = False
    sound: bool = True


class FilmSink:
    """A :class:`~mien.transmit.base.Sink` that writes one film file.

    The sound is stereo with both sides equal: players and platforms then agree on its loudness, and identical sides
    cost almost no bits. Colours are BT.709, limited range, and tagged so. The same input gives the same bytes
    with a software encoder.
    """

    def __init__(self, spec: FilmSpec) -> None:
        kind = CONTAINERS[spec.path.suffix.lower()]
        self.encoder = _choose(spec)
        require(self.encoder.name)
        if spec.sound:
            require(kind.audio)
        self._spec = spec
        self._staging = Staging(spec.path)
        self._count = 0
        self._ended = False
        try:
            self._open(kind)
        except BaseException as error:
            self.abort()
            raise self._explain(error) from error

    def video(self, frame: VideoFrame) -> None:
        """Encode the next picture: uint8 (h, w, 3), or (h, w, 4) when the film has alpha."""
        try:
            picture = self._painter.paint(frame.pixels)
            picture.pts, picture.time_base = self._count, 1 / self._spec.fps
            self._count += 1
            self._press.put(self._video, picture)
        except Exception as error:
            raise self._explain(error) from error

    def audio(self, chunk: AudioChunk) -> None:
        """Encode the next sound."""
        if self._audio is None:
            return
        self._waiting.append(chunk)
        if sum(len(c.samples) for c in self._waiting) < _SOUND_AT_ONCE:
            return
        try:
            self._encode_sound()
        except Exception as error:
            raise self._explain(error) from error

    def close(self) -> None:
        """Flush the encoders, finish the file, rename it."""
        try:
            self._press.put(self._video, None)
            if self._audio is not None:
                self._encode_sound()
                self._press.put(self._audio, None)
            self._press.finish()
            self._file.close()
        except BaseException as error:
            self.abort()
            raise self._explain(error) from error
        self._ended = True
        self._staging.commit()

    def abort(self) -> None:
        """Throw the film away."""
        if not self._ended:
            self._ended = True
            press = getattr(self, "_press", None)
            if press is not None:
                press.abandon()
            file = getattr(self, "_file", None)
            if file is not None:
                _close_quietly(file)
        self._staging.abort()

    def _open(self, kind: Container) -> None:
        import av

        spec = self._spec
        self._file = av.open(str(self._staging.path), "w", format=kind.name, options=dict(kind.options))
        self._video = self._add_video()
        self._audio = add_sound(self._file, kind, spec.preset) if spec.sound else None
        self._painter = Painter(spec.width, spec.height, self.encoder.pixel_format)
        self._waiting: list[AudioChunk] = []
        self._press = _Press(self._file)

    def _add_video(self) -> Any:
        spec = self._spec
        stream: Any = self._file.add_stream(self.encoder.name, rate=spec.fps, options=dict(self.encoder.options))
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = spec.width, spec.height, self.encoder.pixel_format
        context.time_base = 1 / spec.fps
        # H.273 code points: primaries, transfer and matrix 1 = BT.709; range 1 = limited
        context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1
        if self.encoder.name == "prores_ks":
            context.codec_tag = "ap4x" if self.encoder.options.get("profile") == "4444xq" else "ap4h"
        return stream

    def _encode_sound(self) -> None:
        """Hand over the sound that waits as one piece: by the frame, hand-overs would cost more than AAC."""
        if self._waiting and self._audio is not None:
            samples = np.concatenate([c.samples for c in self._waiting])
            piece = AudioChunk(self._waiting[0].start, samples)
            self._waiting.clear()
            self._press.put(self._audio, stereo(piece, self._audio.format.name))

    def _explain(self, error: BaseException) -> BaseException:
        return explained(error, self._spec.path, self.encoder.name)


class _Press:
    """Encodes and writes in a thread of its own, while the next picture is converted. At most eight pieces wait."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._work: Channel[tuple[Any, Any]] = Channel(8)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="mien-encode", daemon=True)
        self._thread.start()

    def put(self, stream: Any, frame: Any) -> None:
        """Hand over a frame of a stream; None flushes it. Raises what the encoder raised."""
        try:
            self._work.put((stream, frame))
        except Abandoned:
            raise self._error or Abandoned() from None

    def finish(self) -> None:
        """Wait until all is written. Raises what the encoder raised."""
        self._work.finish()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        """Drop what waits and end. Idempotent."""
        self._work.abandon()
        self._thread.join()

    def _run(self) -> None:
        try:
            for stream, frame in self._work:
                for packet in stream.encode(frame):
                    self._file.mux(packet)
        except BaseException as error:
            self._error = error
            self._work.abandon()


def _choose(spec: FilmSpec) -> Encoder:
    suffix = spec.path.suffix.lower()
    if suffix == ".webm":
        return vp9(spec.preset, alpha=spec.alpha)
    if suffix == ".mov":
        return prores(spec.preset, alpha=spec.alpha)
    return h264(spec.encoder, spec.preset)


def _close_quietly(file: Any) -> None:
    import contextlib

    with contextlib.suppress(Exception):
        file.close()
