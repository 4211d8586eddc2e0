"""Motion out as Live Link Face does it: UDP to Unreal Engine's Live Link (ARKit), port 11111.

A packet of version 6, everything big-endian: version uint8 (6); device id and subject name, each a length int32 and as
many bytes of UTF-8; the time as frame int32, part of a frame float32, rate as two int32; count uint8 (61); 61 float32:
the 52 shapes, then yaw, pitch and roll of head, left eye and right eye in radians. The order of the shapes is that of
Unreal's EARFaceBlendShape, where JawLeft stands before JawRight and MouthLeft before MouthRight: unlike in the same
app's CSV. Frames count from midnight, as the app's do.

Sources: packets of 312 bytes taken from the app (device id of 36, subject "iPhone": 1 + 4 + 36 + 4 + 6 + 16 + 1 + 244),
the decoder of github.com/JimWest/PyLiveLinkFace, and github.com/think-biq/LLV, which cites the engine's
AppleARKitLiveLinkSource.cpp. Angles are :class:`~mien.types.FaceClip`'s own.
"""

from __future__ import annotations

import struct
import time
import uuid
from typing import Final

import numpy as np

from mien.errors import UsageError
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.motion_rate import gaze
from mien.transmit.rows import Row, UdpRows
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, FaceClip

PORT: Final = 11111
"""Where Unreal's Live Link listens for ARKit faces."""

_SWAPPED: Final = (("jawRight", "jawLeft"), ("mouthRight", "mouthLeft"))
_LONGEST_NAME: Final = 100
_DAY: Final = 86_400


def _order() -> list[int]:
    """Columns of FaceClip in the order of EARFaceBlendShape."""
    names = list(ARKIT_SHAPES)
    for first, second in _SWAPPED:
        i, j = names.index(first), names.index(second)
        names[i], names[j] = names[j], names[i]
    return [SHAPE_INDEX[name] for name in names]


ORDER: Final = tuple(_order())
"""Which column of FaceClip each of the packet's first 52 numbers is."""


class LiveLinkViewer(UdpRows):
    """Sends every row as it is due. Clips older than 0.4 s are dropped.

    subject: the name that Live Link shows. device: an id of this sender, None = a new one.
    Raises UsageError for a name that is empty or longer than 100 bytes.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = PORT, subject: str = "Mien", device: str | None = None
    ) -> None:
        if not 0 < len(subject.encode()) <= _LONGEST_NAME:
            raise UsageError("A subject of Live Link needs a name of 1 to 100 bytes.", hint="Give it a short one.")
        self._subject, self._device = subject, device or str(uuid.uuid4()).upper()
        now = time.localtime()
        self._midnight = now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec
        super().__init__("livelink", host, port)

    def _packets(self, row: Row, clip: FaceClip) -> list[bytes]:
        rate = clip.rate.numerator, clip.rate.denominator
        return [packet(row, rate, self._subject, self._device, self._midnight)]


def packet(row: Row, rate: tuple[int, int], subject: str, device: str, seconds: int = 0) -> bytes:
    """A row as the bytes of a datagram. rate: rows a second as a fraction. seconds: added to the row's time."""
    per_frame = TICKS_PER_SECOND * rate[1]
    frame, rest = divmod((row.tick + seconds % _DAY * TICKS_PER_SECOND) * rate[0], per_frame)
    names = b"".join(struct.pack(">i", len(name)) + name for name in (device.encode(), subject.encode()))
    time_of_it = struct.pack(">ifii", frame % (_DAY * rate[0] // rate[1]), rest / per_frame, *rate)
    eyes = np.zeros((2, 3))
    eyes[:, :2] = gaze(row.shapes[None])[0]  # roll stays 0
    values = np.concatenate([row.shapes[list(ORDER)], row.head[:3], eyes.ravel()]).astype(">f4")
    return b"\x06" + names + time_of_it + struct.pack(">B", len(values)) + values.tobytes()
