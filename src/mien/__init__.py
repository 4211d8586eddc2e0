"""Mien: one picture of a face plus words becomes a person who talks.

    import mien

    mien.make("me.jpg", text="Hello.").save("out.mp4")

Names are loaded when they are first used, so that ``import mien`` is quick. See docs/python-api.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.api import Film, FilmProgress, FilmReport, create_avatar, escape, load_avatar, make
    from mien.avatar import Avatar
    from mien.errors import MienError
    from mien.mimicry import MimicFilm, mimic
    from mien.motions import MotionReport, Take, motion
    from mien.types import AudioChunk, FaceClip, VideoFrame

__version__ = "0.1.0"
__all__ = [
    "AudioChunk",
    "Avatar",
    "FaceClip",
    "Film",
    "FilmProgress",
    "FilmReport",
    "MienError",
    "MimicFilm",
    "MotionReport",
    "Take",
    "VideoFrame",
    "__version__",
    "create_avatar",
    "escape",
    "load_avatar",
    "make",
    "mimic",
    "motion",
]

_HOMES = {
    "AudioChunk": "mien.types",
    "Avatar": "mien.avatar",
    "FaceClip": "mien.types",
    "Film": "mien.api",
    "FilmProgress": "mien.api",
    "FilmReport": "mien.api",
    "MienError": "mien.errors",
    "MimicFilm": "mien.mimicry",
    "MotionReport": "mien.motions",
    "Take": "mien.motions",
    "VideoFrame": "mien.types",
    "create_avatar": "mien.api",
    "escape": "mien.api",
    "load_avatar": "mien.api",
    "make": "mien.api",
    "mimic": "mien.mimicry",
    "motion": "mien.motions",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'mien' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
