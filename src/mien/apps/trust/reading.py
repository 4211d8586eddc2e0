"""Pictures and films as evidence for the invisible mark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.footage import moving, open_file
from mien.stage.watermark.detect import Evidence

PICTURES: Final = 24
"""Pictures of a film that are looked at, evenly spread."""
_SHORT: Final = 20.0  # seconds of a film that is decoded from end to end rather than sought in
_MOST: Final = 4  # times as many pictures of a film whose length is not known
_MOST_PIXELS: Final = 8192 * 8192
_Picture = tuple[NDArray[np.generic], bool]
"""A picture's luma, and whether it was encoded by itself."""
_STILLS: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".bmp"})


def gather(path: Path, pictures: int = PICTURES) -> Evidence:
    """What a picture or film shows. Raises InputError for what is neither, or not to be read."""
    if not path.is_file():
        raise InputError(f"There is no file '{path}'.", hint="Check the path.")
    evidence = Evidence()
    for luma, whole in _still(path) if path.suffix.lower() in _STILLS else _film(path, pictures):
        evidence.add(luma, whole=whole)
    if not evidence.pictures:
        raise InputError(f"'{path}' shows no picture.", hint="Give a picture or a film.")
    return evidence


def _still(path: Path) -> Iterator[_Picture]:
    from mien.portrait.image import load_picture

    rgb = load_picture(path).rgb
    yield rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32), True


def _film(path: Path, pictures: int) -> Iterator[_Picture]:
    import av.error

    try:
        with open_file(path) as file:
            streams = moving(file)
            if streams:
                yield from _spread(file, streams[0], pictures)
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise InputError(
            f"'{path}' cannot be read as a picture or film: {getattr(error, 'strerror', None) or error}."
        ) from None


def _spread(file: Any, stream: Any, pictures: int) -> Iterator[_Picture]:
    import av

    stream.thread_type = "AUTO"
    seconds = (file.duration or 0) / av.time_base
    if seconds > _SHORT:
        for k in range(pictures):
            file.seek(int(seconds * (k + 0.5) / pictures * av.time_base))
            yield from (_picture(frame) for frame in _first(file.decode(stream)))
        return
    rate = float(stream.average_rate or 25)
    every, taken = max(1, int(seconds * rate / pictures)), 0
    for k, frame in enumerate(file.decode(stream)):
        if k % every == 0 or (frame.key_frame and taken < 2 * pictures):  # all may be key frames
            taken += 1
            yield _picture(frame)
        if taken >= _MOST * pictures:  # a file that does not say how long it is may be endless
            return


def _first(frames: Any) -> Iterator[Any]:
    frame = next(iter(frames), None)
    if frame is not None:
        yield frame


def _picture(frame: Any) -> _Picture:
    if frame.width * frame.height > _MOST_PIXELS:
        raise ValueError("its pictures are too large")
    luma: NDArray[np.generic] = frame.to_ndarray(format="gray")
    return np.rot90(luma, round(getattr(frame, "rotation", 0) / 90) % 4), bool(frame.key_frame)
