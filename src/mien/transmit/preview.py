"""Moving pictures for chats and web pages: GIF with one palette for the whole film, animated WebP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import BackendError, MienError
from mien.transmit.atomic import Staging, output_error
from mien.transmit.encoders import require
from mien.types import AudioChunk, VideoFrame

_WEBP: Final = {
    "fast": {"quality": "60", "compression_level": "1"},
    "balanced": {"quality": "75", "compression_level": "3"},
    "best": {"quality": "88", "compression_level": "6"},
}


class WebpSink:
    """An endless animated WebP, with alpha when the pictures have it. Sound is dropped: the format has none."""

    def __init__(self, path: Path, width: int, height: int, fps: Fraction, preset: str = "balanced") -> None:
        require("libwebp_anim")
        self._path, self._fps, self._count = path, fps, 0
        self._file: Any = None
        self._staging = Staging(path)
        with self._explained():
            self._file, self._stream = _open(self._staging.path, "webp", "libwebp_anim", width, height, fps, "bgra")
            self._stream.codec_context.options = dict(_WEBP[preset])

    def video(self, frame: VideoFrame) -> None:
        """Encode the next picture."""
        with self._explained():
            picture = _frame(frame.pixels).reformat(format="bgra")
            picture.pts, picture.time_base = self._count, 1 / self._fps
            self._count += 1
            self._file.mux(self._stream.encode(picture))

    def audio(self, chunk: AudioChunk) -> None:
        """Ignored."""

    def close(self) -> None:
        """Finish and rename."""
        with self._explained():
            self._file.mux(self._stream.encode(None))
            self._file.close()
        self._staging.commit()

    def abort(self) -> None:
        """Throw it away."""
        _close(self._file)
        self._staging.abort()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        with _explained(self, self._path):
            yield


class GifSink:
    """An endless GIF. Sound is dropped: the format has none.

    Pictures wait in a lossless hidden file while their colours are counted; at the end the 256 best colours of the
    whole film are chosen (median cut) and laid out with an ordered pattern, which does not crawl where nothing moves.
    """

    def __init__(self, path: Path, width: int, height: int, fps: Fraction, *, alpha: bool = False) -> None:
        for name in ("gif", "qtrle"):
            require(name)
        self._path, self._size, self._fps, self._count = path, (width, height), fps, 0
        self._spool: Any = None
        self._staging = Staging(path)
        self._waiting = Staging(path.with_name(path.name + ".frames"))
        self._format = "argb" if alpha else "rgb24"
        with self._explained():
            self._spool, self._stream = _open(self._waiting.path, "mov", "qtrle", width, height, fps, self._format)
            self._palette = _palette_maker(width, height, fps, alpha)

    def video(self, frame: VideoFrame) -> None:
        """Keep the next picture and count its colours."""
        with self._explained():
            picture = _frame(frame.pixels)
            picture.pts, picture.time_base = self._count, 1 / self._fps
            self._count += 1
            self._palette.push(picture)
            self._spool.mux(self._stream.encode(picture.reformat(format=self._format)))

    def audio(self, chunk: AudioChunk) -> None:
        """Ignored."""

    def close(self) -> None:
        """Choose the palette, write the GIF, rename."""
        with self._explained():
            self._spool.mux(self._stream.encode(None))
            self._spool.close()
            self._palette.push(None)
            self._write(self._palette.pull())
        self._waiting.abort()
        self._staging.commit()

    def abort(self) -> None:
        """Throw it away."""
        _close(self._spool)
        self._waiting.abort()
        self._staging.abort()

    def _write(self, palette: Any) -> None:
        import av

        graph = av.filter.Graph()
        with av.open(str(self._waiting.path), format="mov") as spool:
            source = graph.add_buffer(template=spool.streams.video[0], time_base=spool.streams.video[0].time_base)
            colours = graph.add_buffer(width=16, height=16, format=palette.format.name, time_base=Fraction(1, 25))
            use = graph.add("paletteuse", "dither=bayer:bayer_scale=4:diff_mode=rectangle")
            sink = graph.add("buffersink")
            source.link_to(use, 0, 0)
            colours.link_to(use, 0, 1)
            use.link_to(sink)
            graph.configure()
            palette.pts, palette.time_base = 0, Fraction(1, 25)
            colours.push(palette)
            colours.push(None)
            file, stream = _open(self._staging.path, "gif", "gif", *self._size, self._fps, "pal8")
            try:
                for picture in _filtered(spool, source, sink):
                    file.mux(stream.encode(picture))
                file.mux(stream.encode(None))
            finally:
                file.close()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        with _explained(self, self._path):
            yield


def _filtered(spool: Any, source: Any, sink: Any) -> Iterator[Any]:
    import av.error

    for picture in _endless(spool):
        source.push(picture)
        while True:
            try:
                yield sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                break


def _endless(spool: Any) -> Iterator[Any]:
    yield from spool.decode(video=0)
    yield None


def _palette_maker(width: int, height: int, fps: Fraction, alpha: bool) -> Any:
    import av

    graph = av.filter.Graph()
    layout: Any = "rgba" if alpha else "rgb24"
    source = graph.add_buffer(width=width, height=height, format=layout, time_base=1 / fps)
    make = graph.add("palettegen", f"stats_mode=full:reserve_transparent={int(alpha)}")
    sink = graph.add("buffersink")
    source.link_to(make)
    make.link_to(sink)
    graph.configure()
    return graph


def _open(path: Path, container: str, codec: str, width: int, height: int, fps: Fraction, pixel_format: str) -> Any:
    import av

    options = {"loop": "0"} if container in ("gif", "webp") else {}
    file = av.open(str(path), "w", format=container, options={**options, "fflags": "+bitexact"})
    stream: Any = file.add_stream(codec, rate=fps)
    stream.codec_context.width, stream.codec_context.height = width, height
    stream.codec_context.pix_fmt, stream.codec_context.time_base = pixel_format, 1 / fps
    return file, stream


def _frame(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> Any:
    import av

    layout = "rgba" if pixels.shape[2] == 4 else "rgb24"
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=layout)


@contextlib.contextmanager
def _explained(sink: WebpSink | GifSink, path: Path) -> Iterator[None]:
    """Abort on any failure and say it in one sentence."""
    import av.error

    try:
        yield
    except MienError:
        sink.abort()
        raise
    except (OSError, av.error.FFmpegError) as error:
        sink.abort()
        if error.errno in (5, 13, 27, 28, 30, 122):
            raise output_error(error, path) from error
        raise BackendError(f"{path.name} could not be encoded: {error}.", code="backend.encoder") from error
    except BaseException:
        sink.abort()
        raise


def _close(file: Any) -> None:
    if file is not None:
        with contextlib.suppress(Exception):
            file.close()
