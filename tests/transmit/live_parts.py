"""What tests of live streams share: sessions that feed pictures and sound, and a receiver made with aiortc."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mien.transmit.broadcast import Broadcast
from mien.transmit.rtc_peer import Listeners, WebRtcPeer
from mien.transmit.webrtc import WebRtcGateway
from mien.types import AudioChunk, ByteArray, FloatArray, VideoFrame

FRAME = 1920


def grey(level: int, size: int = 64) -> ByteArray:
    """A flat picture."""
    return np.full((size, size, 3), level, np.uint8)


def tone(tick: int, count: int = FRAME, frequency: float = 440.0) -> AudioChunk:
    """A tone that continues from chunk to chunk."""
    at = tick + np.arange(count)
    return AudioChunk(tick, (0.3 * np.sin(2 * np.pi * frequency * at / 48_000)).astype(np.float32))


def silence(tick: int) -> AudioChunk:
    """As long as a frame."""
    return AudioChunk(tick, np.zeros(FRAME, np.float32))


@contextmanager
def fed(
    broadcast: Broadcast,
    pixels: Callable[[int], ByteArray] = lambda n: grey(n * 5 % 256),
    sound: Callable[[int], AudioChunk] = tone,
    late: Callable[[int], float] = lambda n: 0.0,
) -> Iterator[Broadcast]:
    """Feed a session at 25 frames a second while the block runs, from a thread as the real one does."""
    stop = threading.Event()

    def feed() -> None:
        begin, n = time.monotonic(), 0
        while not stop.wait(max(0.0, begin + n / 25 + late(n) - time.monotonic())):
            broadcast.show(VideoFrame(n * FRAME, pixels(n)), sound(n * FRAME))
            n += 1

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield broadcast
    finally:
        stop.set()
        thread.join(5.0)
        broadcast.close()


class Receiver:
    """A browser's place, taken by aiortc. pictures: (pts, mean of luma). sound: (pts, samples -1…1)."""

    def __init__(self, *, microphone: bool = False) -> None:
        from aiortc import RTCConfiguration, RTCPeerConnection
        from aiortc.mediastreams import AudioStreamTrack

        self.connection: Any = RTCPeerConnection(RTCConfiguration([]))
        self.pictures: list[tuple[int, float]] = []
        self.sound: list[tuple[int, FloatArray]] = []
        self.messages: list[dict[str, Any]] = []
        self.reports: dict[str, list[tuple[int, int]]] = {"audio": [], "video": []}
        self.first: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.connection.addTransceiver("video", direction="recvonly")
        if microphone:
            self.connection.addTransceiver(AudioStreamTrack(), direction="sendrecv")
        else:
            self.connection.addTransceiver("audio", direction="recvonly")
        self.channel = self.connection.createDataChannel("mien")
        self.channel.on("message", lambda text: self.messages.append(json.loads(text)))
        self.connection.on("track", lambda track: self._tasks.append(asyncio.ensure_future(self._watch(track))))

    async def connect(
        self,
        gateway: WebRtcGateway,
        broadcast: Broadcast,
        listeners: Listeners | None = None,
        codecs: tuple[str, ...] = ("h264", "vp8"),
    ) -> WebRtcPeer:
        """Offer, and take the answer."""
        from aiortc import RTCSessionDescription

        offer = await self.offer()
        answer, peer = await gateway.answer(offer, broadcast, listeners, codecs=codecs)
        self.answer = answer.sdp
        self._spy()
        await self.connection.setRemoteDescription(RTCSessionDescription(answer.sdp, answer.type))
        return peer

    async def offer(self) -> dict[str, str]:
        """Our offer."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return {"type": "offer", "sdp": self.connection.localDescription.sdp}

    async def close(self) -> None:
        """Go."""
        for task in self._tasks:
            task.cancel()
        await self.connection.close()

    async def _watch(self, track: Any) -> None:
        from aiortc.mediastreams import MediaStreamError

        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if track.kind == "video":
                plane = frame.planes[0]
                luma = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
                self.pictures.append((frame.pts, float(luma.mean())))
            else:
                both = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
                self.sound.append((frame.pts, both[:, 0].astype(np.float32) / 32768))

    def _spy(self) -> None:
        """Note the sender reports and the first time stamp of each track."""
        from aiortc.rtp import RtcpSrPacket

        for receiver in self.connection.getReceivers():
            kind = receiver._RTCRtpReceiver__kind

            async def rtp(
                packet: Any, arrival_time_ms: int, kind: str = kind, then: Any = receiver._handle_rtp_packet
            ) -> None:
                self.first.setdefault(kind, packet.timestamp)
                await then(packet, arrival_time_ms=arrival_time_ms)

            async def rtcp(packet: Any, kind: str = kind, then: Any = receiver._handle_rtcp_packet) -> None:
                if isinstance(packet, RtcpSrPacket):
                    info = packet.sender_info
                    self.reports[kind].append((info.ntp_timestamp, info.rtp_timestamp))
                await then(packet)

            receiver._handle_rtp_packet, receiver._handle_rtcp_packet = rtp, rtcp


async def until(true: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError("it did not come about in time")
        await asyncio.sleep(0.01)
