"""Motion sent row by row: each when it is due, to one address over UDP or wherever a subclass sends it."""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.errors import NetworkError, UsageError
from mien.timeline import frame_tick, to_seconds
from mien.transmit.feed import Feed, MotionViewer
from mien.types import ARKIT_SHAPES, FaceClip, FloatArray

_WAITING = 10
"""Clips that wait at most, the oldest are dropped: at 25 clips a second 0.4 s."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of motion. tick: when it is due. shapes: float32 (52,). head: float32 (6,), as in FaceClip."""

    tick: int
    shapes: FloatArray
    head: FloatArray


def row_of(clip: FaceClip, index: int) -> Row:
    """A row of a clip with its own time."""
    return Row(clip.start + frame_tick(index, clip.rate), clip.shapes[index], clip.head[index])


class RowViewer(MotionViewer):
    """Sends the rows of each clip when they are due. When it falls behind, clips that wait longest are dropped."""

    def __init__(self, name: str) -> None:
        super().__init__(name, size=_WAITING)

    def _serve(self, feed: Feed) -> None:
        self._begin(feed)
        last: Row | None = None
        for clip in feed:
            assert isinstance(clip, FaceClip)
            began = time.monotonic()
            size = 0
            for index in range(len(clip)):
                last = row_of(clip, index)
                due = began + to_seconds(last.tick - clip.start)
                if feed.tally.waiting == 0 and due > time.monotonic() and feed.pause(due - time.monotonic()):
                    break
                size += self._send(last, clip)
            self._done(feed, clip, size)
        self._end(last)

    def _done(self, feed: Feed, clip: FaceClip, size: int) -> None:
        """Count a clip: nothing of it went out when no byte did."""
        if size:
            feed.sent(clip, size)
        else:
            feed.lost(clip)

    def _begin(self, feed: Feed) -> None:
        """Reach the receiver."""
        feed.tell("live")

    def _send(self, row: Row, clip: FaceClip) -> int:
        """Send one row; returns how many bytes went out."""
        raise NotImplementedError

    def _end(self, last: Row | None) -> None:
        """The session is over; ``last`` is the last row that was sent, None where there was none."""


class UdpRows(RowViewer):
    """Rows as datagrams to one address. Whether somebody listens is not known, as always with UDP; the last thing it
    sends is a face at rest, so that a puppet does not stay with its mouth open.
    """

    def __init__(self, name: str, host: str, port: int) -> None:
        if not host or not 0 < port < 65536:
            raise UsageError(f"'{host}:{port}' is no address.", hint="Give a host and a port from 1 to 65535.")
        self._host, self._port = host, port
        self._socket: socket.socket | None = None
        self._to: Any = None
        super().__init__(name)

    def _begin(self, feed: Feed) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
        except OSError:
            raise NetworkError(
                f"No machine is called '{self._host}'.", hint="Give its IP address, or mend the name."
            ) from None
        family, _, _, _, self._to = found[0]
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        feed.tell("live")

    def _send(self, row: Row, clip: FaceClip) -> int:
        return sum(self._put(packet) for packet in self._packets(row, clip))

    def _put(self, packet: bytes) -> int:
        """Bytes that went out; none when the system's buffer is full or nobody can be reached now."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                return self._socket.sendto(packet, self._to)
        return 0

    def _packets(self, row: Row, clip: FaceClip) -> list[bytes]:
        """The datagrams of a row."""
        raise NotImplementedError

    def _end(self, last: Row | None) -> None:
        rest = np.zeros(len(ARKIT_SHAPES), np.float32), np.zeros(6, np.float32)
        if last is not None:
            self._send(Row(last.tick, *rest), FaceClip(last.tick, rest[0][None], rest[1][None]))
        if self._socket is not None:
            self._socket.close()
