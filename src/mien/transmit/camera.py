"""The avatar as a camera that meetings and other programs can choose, through pyvirtualcam (extra ``camera``, GPL-2.0).

Linux needs the kernel module v4l2loopback; Windows and macOS need OBS Studio, which brings the camera. A virtual camera
has no sound.
"""

from __future__ import annotations

import contextlib
import sys
from fractions import Fraction
from typing import Any, Final

from mien.errors import MissingError, UsageError
from mien.transmit.feed import Feed, Moment, PictureViewer
from mien.transmit.frames import fitted

_WAITING: Final = 2
_LARGEST: Final = 4096
_HINTS: Final = {
    "linux": "Load it: sudo modprobe v4l2loopback exclusive_caps=1 card_label=Mien (Debian: v4l2loopback-dkms).",
    "win32": "Install OBS Studio, start its virtual camera once, and stop it again.",
    "darwin": "Install OBS Studio, start its virtual camera once, and stop it again.",
}
_WHAT: Final = {"linux": "There is no v4l2loopback device here", "win32": "OBS' virtual camera is not here"}


class CameraViewer(PictureViewer):
    """Shows the pictures on a virtual camera.

    Drop rule: the newest wins; at most two pictures wait. Pictures of another size are fitted into the camera's,
    transparent ones are laid over black.

    width, height: of the camera, even, up to 4096. device: "/dev/video2", "OBS Virtual Camera" …; None = the first.
    Raises UsageError for a size that no camera has; MissingError where pyvirtualcam or the camera is missing.
    """

    def __init__(self, width: int, height: int, fps: Fraction, device: str | None = None) -> None:
        if not (16 <= width <= _LARGEST and 16 <= height <= _LARGEST) or width % 2 or height % 2:
            raise UsageError(f"A camera of {width}x{height} does not exist.", hint="Use even sizes from 16 to 4096.")
        self._size = (width, height)
        self._camera = _open(width, height, float(fps), device)
        self.device = str(self._camera.device)
        super().__init__("camera", size=_WAITING)

    def _serve(self, feed: Feed) -> None:
        try:
            feed.tell("live")
            for item in feed:
                assert isinstance(item, Moment)
                self._camera.send(fitted(item.frame.pixels, *self._size))
                feed.sent(item, 3 * self._size[0] * self._size[1])
        except Exception as error:  # whatever the camera's back end raises means the same: it is gone
            raise MissingError(f"The camera {self.device} is gone ({type(error).__name__}).", hint=_hint()) from error
        finally:
            with contextlib.suppress(Exception):
                self._camera.close()


def _open(width: int, height: int, fps: float, device: str | None) -> Any:
    try:
        import pyvirtualcam
    except ImportError as error:
        raise MissingError(
            "The virtual camera needs pyvirtualcam (GPL-2.0).",
            hint="Install it: pip install 'mien[camera]'.",
            code="missing.backend",
        ) from error
    try:
        return pyvirtualcam.Camera(width, height, fps, device=device)
    except Exception as error:  # RuntimeError with the reasons of all its back ends; others come from drivers
        what = f"The camera {device} is not here" if device else _WHAT.get(sys.platform, _WHAT["win32"])
        raise MissingError(f"{what}, or in use.", hint=_hint(), code="missing.camera") from error


def _hint() -> str:
    return _HINTS.get(sys.platform, "Virtual cameras are known for Linux, Windows and macOS.")
