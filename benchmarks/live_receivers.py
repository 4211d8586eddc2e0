"""Receivers that do not decode: they note when each picture and each piece of sound came, and which time it has."""

from __future__ import annotations

import asyncio
import json
import re
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import websockets

from mien.timeline import TICKS_PER_SECOND
from mien.transmit.socket_feed import HEADER, PICTURE, SOUND_SAMPLES

_NTP_EPOCH = 2_208_988_800
_CLOCKS = {"video": 90_000, "audio": 48_000}
_RTCP = range(192, 224)


@dataclass
class Came:
    """Delays in seconds, of a constant origin: when it came, minus the time that its stamp has."""

    video: list[float] = field(default_factory=list)
    audio: list[float] = field(default_factory=list)

    def clear(self) -> None:
        """Begin anew."""
        self.video.clear()
        self.audio.clear()

    @property
    def skew(self) -> float:
        """Milliseconds by which pictures come after the sound of the same moment, in the middle."""
        middle = [sorted(delays)[len(delays) // 2] if delays else float("nan") for delays in (self.video, self.audio)]
        return (middle[0] - middle[1]) * 1000


class SocketReceiver:
    """Over the media WebSocket."""

    def __init__(self, url: str, path: str) -> None:
        self._address = url.replace("http", "ws") + path + "/media"
        self.came = Came()
        self.bytes = 0

    async def run(self) -> None:
        """Until it is cancelled or the server ends it."""
        async with websockets.connect(self._address, max_size=None) as media:
            latest = 0
            async for message in media:
                self.bytes += len(message)
                if isinstance(message, str):
                    continue
                kind, _, _, duration, tick = HEADER.unpack_from(message)
                delay = time.monotonic() - tick / TICKS_PER_SECOND
                if kind == PICTURE:
                    self.came.video.append(delay)
                    if tick - latest > TICKS_PER_SECOND // 5:
                        latest = tick
                        await media.send(json.dumps({"type": "got", "tick": tick + duration}))
                elif kind == SOUND_SAMPLES:
                    self.came.audio.append(delay)


class PeerReceiver:
    """Over WebRTC. Of the media packets only the headers are read, which are not encrypted; of sound one in fifty is
    handed on, so that aiortc has something to report of.
    """

    def __init__(self) -> None:
        from aiortc import RTCPeerConnection

        self.came = Came()
        self.bytes = 0
        self._peer: Any = RTCPeerConnection()
        self._kinds: dict[int, str] = {}
        self._reports: dict[int, tuple[int, int]] = {}
        self._count = 0

    async def connect(self, http: httpx.AsyncClient, path: str) -> None:
        """Offer, and take the answer."""
        from aiortc import RTCSessionDescription

        for kind in ("audio", "video"):
            self._peer.addTransceiver(kind, direction="recvonly")
        await self._peer.setLocalDescription(await self._peer.createOffer())
        offer = {"type": "offer", "sdp": self._peer.localDescription.sdp}
        answer = (await http.post(f"{path}/offer", json=offer)).json()
        for section in answer["sdp"].split("m=")[1:]:
            for source in re.findall(r"a=ssrc:(\d+)", section):
                self._kinds[int(source)] = section.split()[0]
        await self._peer.setRemoteDescription(RTCSessionDescription(**answer))
        dtls = self._peer.getTransceivers()[0].receiver.transport
        self._receive, dtls.transport._recv = dtls.transport._recv, self._next
        self._report, dtls._handle_rtcp_data = dtls._handle_rtcp_data, self._hear

    async def close(self) -> None:
        """Go."""
        with suppress(Exception):
            await self._peer.close()

    async def _next(self) -> bytes:
        while True:
            data: bytes = await self._receive()
            if len(data) < 12 or not 127 < data[0] < 192 or data[1] in _RTCP:
                return data
            self.bytes += len(data)
            if self._note(data) == "audio":
                self._count += 1
                if self._count % 50 == 0:
                    return data

    def _note(self, data: bytes) -> str:
        stamp, source = struct.unpack_from("!II", data, 4)
        kind = self._kinds.get(source, "")
        if kind and source in self._reports and (kind == "audio" or data[1] & 0x80):
            ntp, at = self._reports[source]
            passed = ((stamp - at + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
            delay = time.time() - (ntp / (1 << 32) - _NTP_EPOCH) - passed / _CLOCKS[kind]
            getattr(self.came, kind).append(delay)
        return kind

    async def _hear(self, data: bytes) -> None:
        from aiortc.rtp import RtcpPacket, RtcpSrPacket

        with suppress(ValueError):
            for packet in RtcpPacket.parse(data):
                if isinstance(packet, RtcpSrPacket):
                    self._reports[packet.ssrc] = (packet.sender_info.ntp_timestamp, packet.sender_info.rtp_timestamp)
        await self._report(data)


async def ask_on(url: str, path: str, every: float = 8.0) -> None:
    """Keep a session talking: a question every so many seconds."""
    async with websockets.connect(f"{url.replace('http', 'ws')}{path}/events", max_size=None) as events:

        async def drain() -> None:
            async for _ in events:
                pass

        reading = asyncio.ensure_future(drain())
        try:
            while True:
                await events.send(json.dumps({"type": "ask", "text": "Who are you, and what can you do?"}))
                await asyncio.sleep(every)
        finally:
            reading.cancel()
