"""Which encoder makes the picture, with which settings; hardware only where it has proved that it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from mien.errors import MissingError, UsageError

PRESETS: Final = ("fast", "balanced", "best")
"""Quality presets, from quick to fine."""

_AVX512: Final = 13
"""AVX-512 Foundation, as OpenCV numbers what processors can do."""
_THREADS: Final = {"threads": "2"}  # fixed, not counted: the same film comes out of every machine


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder as libav knows it. pixel_format: what it is fed. options: its private settings, words as in FFmpeg."""

    name: str
    pixel_format: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def hardware(self) -> bool:
        """Whether it runs on a graphics chip."""
        return self.name in _HARDWARE


_X264: Final = {
    "fast": {"preset": "ultrafast", "crf": "23"},  # superfast would save a tenth of the time only
    "balanced": {"preset": "veryfast", "crf": "20"},
    "best": {"preset": "slow", "crf": "17"},
}
_VP9: Final = {
    "fast": {"deadline": "realtime", "cpu-used": "8", "crf": "34"},
    "balanced": {"deadline": "good", "cpu-used": "5", "crf": "30"},
    "best": {"deadline": "good", "cpu-used": "2", "crf": "24"},
}
_PRORES: Final = {"fast": "20", "balanced": "9", "best": "4"}  # quantiser ceiling, lower is finer
_HARDWARE: Final[Mapping[str, tuple[str, Mapping[str, Mapping[str, str]]]]] = {
    "h264_nvenc": (
        "yuv420p",
        {
            "fast": {"preset": "p2", "rc": "vbr", "cq": "26"},
            "balanced": {"preset": "p4", "rc": "vbr", "cq": "22"},
            "best": {"preset": "p7", "rc": "vbr", "cq": "18"},
        },
    ),
    "h264_qsv": (
        "nv12",
        {
            "fast": {"preset": "veryfast", "global_quality": "26"},
            "balanced": {"preset": "medium", "global_quality": "22"},
            "best": {"preset": "veryslow", "global_quality": "18"},
        },
    ),
    "h264_videotoolbox": (
        "yuv420p",
        {"fast": {"q:v": "50"}, "balanced": {"q:v": "65"}, "best": {"q:v": "80"}},
    ),
    "h264_amf": (
        "nv12",
        {
            "fast": {"quality": "speed", "rc": "cqp", "qp_i": "24", "qp_p": "26"},
            "balanced": {"quality": "balanced", "rc": "cqp", "qp_i": "21", "qp_p": "23"},
            "best": {"quality": "quality", "rc": "cqp", "qp_i": "17", "qp_p": "19"},
        },
    ),
}


def h264(choice: str, preset: str) -> Encoder:
    """The H.264 encoder for ``--encoder``: "auto" (hardware that works, else x264), "software", or a name.

    Raises MissingError when the named one is not here or does not work, UsageError when the name is unknown.
    """
    _check_preset(preset)
    if choice == "auto":
        working = next((name for name in _HARDWARE if works(name)), None)
        return _hardware(working, preset) if working else x264(preset)
    if choice in ("software", "libx264"):
        return x264(preset)
    if choice not in _HARDWARE:
        known = ", ".join(("auto", "software", *_HARDWARE))
        raise UsageError(f"'{choice}' is not an encoder that Mien knows.", hint=f"Known: {known}.")
    if not works(choice):
        raise MissingError(
            f"The encoder '{choice}' does not work on this machine.",
            hint="Use --encoder software.",
            code="missing.encoder",
        )
    return _hardware(choice, preset)


def x264(preset: str) -> Encoder:
    """Software H.264: the same bits for the same pictures, on every machine."""
    # chromaloc=1 says that chroma lies in the centre of its 2×2 block, as color.Yuv420 makes it
    more = ":asm=avx2" if _has_avx512() else ""
    return Encoder("libx264", "yuv420p", {**_X264[preset], **_THREADS, "x264-params": f"chromaloc=1{more}"})


@lru_cache(maxsize=1)
def _has_avx512() -> bool:
    """Whether this processor has AVX-512. x264's code for it gave other bits for the same pictures in 19 of 240 encodes
    of noise, and often other bits than its code for AVX2, which gave the same ones 240 times, as fast.
    """
    import cv2

    return bool(cv2.checkHardwareSupport(_AVX512))


def vp9(preset: str, *, alpha: bool) -> Encoder:
    """VP9 for WebM; alpha travels as a second stream inside the same track, which browsers and OBS understand."""
    _check_preset(preset)
    options = {**_VP9[preset], "row-mt": "1", "b": "0", **_THREADS}
    if alpha:
        options["auto-alt-ref"] = "0"  # libvpx cannot hide frames in a stream that has alpha
    return Encoder("libvpx-vp9", "yuva420p" if alpha else "yuv420p", options)


def prores(preset: str, *, alpha: bool) -> Encoder:
    """ProRes 4444 for editors."""
    _check_preset(preset)
    options = {"profile": "4444", "vendor": "apl0", **_THREADS}
    if preset == "best":
        options["profile"] = "4444xq"
    if alpha:
        options["alpha_bits"] = "16"
    return Encoder("prores_ks", "yuva444p10le" if alpha else "yuv444p10le", options)


@lru_cache(maxsize=16)
def works(name: str) -> bool:
    """Whether an encoder is in this build of libav and encodes a small grey picture here and now."""
    import av
    import av.logging
    import numpy as np

    try:
        with av.logging.Capture():
            context: Any = av.CodecContext.create(name, "w")
            context.width, context.height = 256, 256
            context.pix_fmt = _HARDWARE[name][0] if name in _HARDWARE else "yuv420p"
            context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
            grey = av.VideoFrame.from_ndarray(np.full((256, 256, 3), 128, np.uint8), format="rgb24")
            frame = grey.reformat(format=context.pix_fmt)
            frame.pts, frame.time_base = 0, Fraction(1, 25)
            return bool([*context.encode(frame), *context.encode(None)])
    except Exception:  # absent from the build, no device, no driver, no licence: every reason means the same here
        return False


def require(name: str) -> None:
    """Raise MissingError when libav was built without an encoder."""
    import av

    try:
        av.Codec(name, "w")
    except Exception as error:
        raise MissingError(
            f"The installed PyAV has no encoder '{name}'.",
            hint="Install the official wheel again: pip install --force-reinstall av.",
            code="missing.encoder",
        ) from error


def _hardware(name: str, preset: str) -> Encoder:
    pixel_format, options = _HARDWARE[name]
    return Encoder(name, pixel_format, options[preset])


def _check_preset(preset: str) -> None:
    if preset not in PRESETS:
        raise UsageError(f"'{preset}' is not a preset.", hint=f"Use {', '.join(PRESETS[:-1])} or {PRESETS[-1]}.")
