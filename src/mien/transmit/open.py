"""From the ending of a file name to the sink that writes it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from mien.errors import OutputError, UsageError
from mien.transmit.atomic import check_space, check_target
from mien.transmit.base import Sink
from mien.transmit.encoders import h264, require
from mien.transmit.pictures import PictureNames, PictureSink, picture_names

_WITH_ALPHA: Final = frozenset({".webm", ".mov", ".gif", ".webp"})
_WITH_SOUND: Final = frozenset({".mp4", ".m4v", ".mov", ".webm"})
_KNOWN: Final = (".mp4", ".m4v", ".mov", ".webm", ".gif", ".webp", "name_%05d.png", "folder/")
_BITS_PER_PIXEL: Final = {".mov": 6.0, ".gif": 1.0, ".webp": 0.15, ".png": 8.0}  # roughly, for the disk check
_FILM_BITS_PER_PIXEL: Final = 0.04


@dataclass(frozen=True, slots=True)
class Output:
    """What OUT asks for. kind: the ending in lower case, ".png" for numbered pictures. pictures: their names."""

    path: Path
    kind: str
    pictures: PictureNames | None = None

    @property
    def alpha(self) -> bool:
        """Whether transparency can be kept."""
        return self.kind in _WITH_ALPHA or self.pictures is not None

    @property
    def sound(self) -> bool:
        """Whether there is sound."""
        return self.kind in _WITH_SOUND or self.pictures is not None

    @property
    def preview(self) -> bool:
        """Whether it is a small silent preview rather than a film."""
        return self.kind in (".gif", ".webp")

    def check(self, preset: str = "balanced", encoder: str = "auto") -> None:
        """Everything cheap that could refuse. Raises OutputError, UsageError, MissingError."""
        if self.pictures is not None:
            self.pictures.check()
        else:
            check_target(self.path)
        if self.kind in (".mp4", ".m4v"):
            require(h264(encoder, preset).name)
        elif encoder not in ("auto", "software"):
            raise UsageError(
                f"'{encoder}' makes H.264, which {self.kind} files do not hold.",
                hint="Use an .mp4, or leave --encoder out.",
            )

    def check_room(self, width: int, height: int, fps: Fraction, seconds: float) -> None:
        """Raise OutputError when a film of about this length will not fit on the disk."""
        bits = _BITS_PER_PIXEL.get(self.kind, _FILM_BITS_PER_PIXEL) * width * height * float(fps)
        check_space(self.path, int(seconds * (bits / 8 + (16_000 if self.sound else 0))) + 200_000)


def parse_output(text: str | Path) -> Output:
    """What a file name asks for. Raises UsageError for an ending that Mien does not write, OutputError for ``.``."""
    path = Path(text)
    if not str(text).strip() or "\0" in str(text):
        raise UsageError("The output has no name.", hint="Give one, such as -o film.mp4.")
    if path.name in ("", ".."):
        raise OutputError(f"'{text}' is a folder.", hint="Name a file in it, or a new folder for pictures.")
    pictures = picture_names(path, str(text))
    if pictures is not None:
        return Output(path, ".png", pictures)
    kind = path.suffix.lower()
    if kind not in _KNOWN:
        shown = f"The ending '{path.suffix}'" if path.suffix else f"'{path.name}' has no ending, which"
        raise UsageError(f"{shown} does not say which kind of film to write.", hint=f"Known: {', '.join(_KNOWN)}.")
    return Output(path, kind)


def open_sink(
    output: Output, width: int, height: int, fps: Fraction, *, preset: str, encoder: str = "auto", alpha: bool = False
) -> Sink:
    """The sink for an output. alpha: the pictures are RGBA. Raises OutputError or MissingError."""
    if output.pictures is not None:
        return PictureSink(output.pictures)
    if output.kind == ".gif":
        from mien.transmit.preview import GifSink

        return GifSink(output.path, width, height, fps, alpha=alpha)
    if output.kind == ".webp":
        from mien.transmit.preview import WebpSink

        return WebpSink(output.path, width, height, fps, preset)
    from mien.transmit.film import FilmSink, FilmSpec

    return FilmSink(FilmSpec(output.path, width, height, fps, preset, encoder, alpha))
