"""Where a session is sent, in one line of text: opens the viewer that the text asks for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from mien.errors import UsageError
from mien.transmit.live import Viewer

FORMS: Final = (
    "rtmp://HOST/APP/KEY",
    "rtmps://HOST/APP/KEY",
    "whip+https://HOST/PATH",
    "vmc://HOST:PORT",
    "vmc://HOST:PORT/vrm",
    "livelink://HOST:PORT/SUBJECT",
    "camera:",
    "camera:DEVICE",
    "NAME.mp4",
)
"""What :func:`open_viewer` understands."""

RTMP_KEY: Final = "MIEN_RTMP_KEY"
WHIP_TOKEN: Final = "MIEN_WHIP_TOKEN"  # noqa: S105, the variable's name
"""Environment variables with the stream's key and the bearer token, for addresses that hold none."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What a session shows. width, height: pixels. fps: frames a second."""

    width: int
    height: int
    fps: Fraction


def open_viewer(
    target: str, pictures: Pictures, *, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Viewer:
    """The viewer for one of :data:`FORMS`. The caller closes it.

    folder: where recordings are written, by their name alone; None: none are. environment: None = the process's own.
    Raises UsageError for what is none of them (the message never repeats the text, which may hold a key), and what the
    viewers raise.
    """
    text = target.strip()
    variables = os.environ if environment is None else environment
    if text.lower().endswith(".mp4") and "://" not in text:
        return _recording(text, pictures, folder)
    if text.partition(":")[0].lower() == "camera":
        from mien.transmit.camera import CameraViewer

        return CameraViewer(pictures.width, pictures.height, pictures.fps, text.partition(":")[2] or None)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise _unknown() from None
    opener = _OPENERS.get(parts.scheme)
    if opener is None:
        raise _unknown()
    return opener(text, parts, pictures, variables)


def _recording(name: str, pictures: Pictures, folder: Path | None) -> Viewer:
    from mien.transmit.record import Recorder

    if folder is None:
        raise UsageError("Recordings are not written here.", hint="Set the folder that recordings go to.")
    if Path(name).name != name or "\\" in name or "\0" in name or name.startswith("."):
        raise UsageError("A recording is named without folders.", hint="Name it like talk.mp4.")
    return Recorder(folder / name, pictures.fps)


def _rtmp(text: str, parts: SplitResult, pictures: Pictures, variables: Mapping[str, str]) -> Viewer:
    from mien.transmit.rtmp import RtmpSettings, RtmpViewer

    key = variables.get(RTMP_KEY, "") if "/" not in parts.path.strip("/") else ""
    return RtmpViewer(RtmpSettings(text, pictures.fps, key))


def _whip(text: str, parts: SplitResult, pictures: Pictures, variables: Mapping[str, str]) -> Viewer:
    from mien.transmit.whip import WhipSettings, WhipViewer

    return WhipViewer(WhipSettings(text.partition("+")[2], pictures.fps, variables.get(WHIP_TOKEN, "")))


def _vmc(text: str, parts: SplitResult, pictures: Pictures, variables: Mapping[str, str]) -> Viewer:
    from mien.transmit.vmc import PORT, VmcViewer

    kind = parts.path.strip("/").lower()
    if kind not in ("", "arkit", "vrm"):
        raise _unknown()
    return VmcViewer(parts.hostname or "", parts.port or PORT, "vrm" if kind == "vrm" else "arkit")


def _livelink(text: str, parts: SplitResult, pictures: Pictures, variables: Mapping[str, str]) -> Viewer:
    from mien.transmit.livelink import PORT, LiveLinkViewer

    return LiveLinkViewer(parts.hostname or "", parts.port or PORT, unquote(parts.path.strip("/")) or "Mien")


_Opener = Callable[[str, SplitResult, Pictures, Mapping[str, str]], Viewer]
_OPENERS: Final[Mapping[str, _Opener]] = {
    "rtmp": _rtmp,
    "rtmps": _rtmp,
    "whip+http": _whip,
    "whip+https": _whip,
    "vmc": _vmc,
    "livelink": _livelink,
}


def _unknown() -> UsageError:
    return UsageError("That is no place to send to.", hint=f"Known: {', '.join(FORMS)}.")
