"""Numbered PNG pictures with the sound as a WAV file: for editors and compositors that take nothing else."""

from __future__ import annotations

import contextlib
import re
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import OutputError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.atomic import Staging, check_target, output_error
from mien.types import AudioChunk, VideoFrame

_FOLDER_PATTERN: Final = "frame_%05d.png"
_FOLDER_SOUND: Final = "sound.wav"
_NUMBER: Final = re.compile(r"%0?(\d*)d")


@dataclass(frozen=True, slots=True)
class PictureNames:
    """Where numbered pictures go. folder: a folder of their own, or None when they go into an existing one."""

    target: Path
    own_folder: bool

    @property
    def pattern(self) -> str:
        """File name with a %05d in it."""
        return _FOLDER_PATTERN if self.own_folder else self.target.name

    @property
    def sound(self) -> str:
        """Name of the WAV file."""
        return (
            _FOLDER_SOUND if self.own_folder else (_NUMBER.sub("", self.target.stem).rstrip("_-.") or "sound") + ".wav"
        )

    def check(self) -> None:
        """Raise OutputError when they cannot be written: a folder with other things in it is never touched."""
        if not self.own_folder:
            check_target(self.target)
            return
        check_target(self.target, folder=True)
        if self.target.is_dir():
            strangers = [p.name for p in self.target.iterdir() if not _is_ours(p.name)]
            if strangers:
                raise OutputError(
                    f"The folder '{self.target}' holds other files ({strangers[0]} …).",
                    hint="Name a new folder; it will be made.",
                )


class PictureSink:
    """A :class:`~mien.transmit.base.Sink` for numbered PNG files (from 1) and 16-bit stereo sound.

    Everything is made in a hidden folder and moved at the end. Pictures of an earlier film with higher numbers are
    removed.
    """

    def __init__(self, names: PictureNames, *, sound: bool = True) -> None:
        names.check()
        self._names = names
        stage_at = (
            names.target if names.own_folder else names.target.with_name(_NUMBER.sub("", names.target.stem) or "frames")
        )
        self._staging = Staging(_free(stage_at, names.own_folder), folder=True)
        self._count = 0
        self._wave: wave.Wave_write | None = None
        try:
            if sound:
                self._wave = wave.open(str(self._staging.path / names.sound), "wb")  # noqa: SIM115 - closed in close and abort
                self._wave.setnchannels(2)
                self._wave.setsampwidth(2)
                self._wave.setframerate(TICKS_PER_SECOND)
        except OSError as error:
            self.abort()
            raise output_error(error, names.target) from error

    def video(self, frame: VideoFrame) -> None:
        """Write the next picture: uint8 (h, w, 3) or (h, w, 4), straight alpha as PNG has it."""
        import cv2

        order = cv2.COLOR_RGBA2BGRA if frame.pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
        done, data = cv2.imencode(".png", cv2.cvtColor(frame.pixels, order), [cv2.IMWRITE_PNG_COMPRESSION, 2])
        if not done:
            raise OutputError("A picture could not be encoded as PNG.")
        self._count += 1
        self._guarded(lambda: (self._staging.path / (self._names.pattern % self._count)).write_bytes(data.tobytes()))

    def audio(self, chunk: AudioChunk) -> None:
        """Append the next sound."""
        writer = self._wave
        if writer is not None:
            samples = np.rint(np.clip(chunk.samples, -1.0, 1.0) * 32767.0).astype("<i2")
            self._guarded(lambda: writer.writeframesraw(np.repeat(samples, 2).tobytes()))

    def close(self) -> None:
        """Finish the sound and move everything to its final names."""
        if self._wave is not None:
            self._guarded(self._wave.close)
        if self._names.own_folder:
            self._staging.commit()
        else:
            self._guarded(self._move_all)
            self._staging.abort()

    def abort(self) -> None:
        """Throw everything away."""
        if self._wave is not None:
            with contextlib.suppress(Exception):
                self._wave.close()
        self._staging.abort()

    def _move_all(self) -> None:
        folder = self._names.target.parent
        made = sorted(p.name for p in self._staging.path.iterdir())
        for name in made:
            (self._staging.path / name).replace(folder / name)
        number = self._count + 1
        while (old := folder / (self._names.pattern % number)).is_file():
            old.unlink()
            number += 1

    def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except OSError as error:
            self.abort()
            raise output_error(error, self._names.target) from error


def picture_names(out: Path, text: str) -> PictureNames | None:
    """What OUT means as pictures: ``name_%05d.png``, or a folder (``frames/``); None when it is something else."""
    if out.suffix.lower() == ".png":
        if len(_NUMBER.findall(out.name)) == 1 and out.name.count("%") == 1:
            return PictureNames(out, own_folder=False)
        raise OutputError(
            f"A film does not fit into the one picture '{out.name}'.",
            hint=f"Write {out.stem}_%05d.png for numbered pictures, or {out.stem}/ for a folder of them.",
        )
    if text.endswith(("/", "\\")) or (not out.suffix and out.is_dir()):
        return PictureNames(out, own_folder=True)
    return None


def _is_ours(name: str) -> bool:
    return name == _FOLDER_SOUND or re.fullmatch(r"frame_\d{5,}\.png", name) is not None


def _free(path: Path, own_folder: bool) -> Path:
    """A target for the staging folder that passes its check even where a file of that stem exists."""
    return path if own_folder or not path.exists() else path.with_name(path.name + "-frames")
