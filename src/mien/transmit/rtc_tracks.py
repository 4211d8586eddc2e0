"""How our coded pictures and sound get into aiortc's senders, and its received packets out to our decoder.

aiortc would encode every frame anew for every peer, on the executor that everybody shares, with settings made for film.
Here a sender takes coded packets from an outlet. Its sender reports map RTP time to one wall clock that both tracks
share and that counts ticks: aiortc's own map it to when the latest packet happened to leave, which jumps by a frame.
All that is tied to the insides of aiortc 1.16 is in this file.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from mien.timeline import TICKS_PER_SECOND
from mien.transmit.rtc_coded import Coded
from mien.transmit.rtc_microphone import OpusPackets

VIDEO_CLOCK: Final = 90_000
_NTP_EPOCH: Final = 2_208_988_800  # seconds from 1900 to 1970
_PICTURES_WAIT: Final = 6
_SOUND_WAITS: Final = 50


class WallClock:
    """Which wall time tick 0 has for a peer; fixed when the first packet goes out."""

    def __init__(self) -> None:
        self._origin: float | None = None

    def begin(self, coded: Coded) -> None:
        if self._origin is None:
            late = time.monotonic() - coded.due
            self._origin = time.time() - late - coded.tick / TICKS_PER_SECOND

    def ntp(self, tick: float) -> int:
        """64-bit NTP time stamp of a tick (RFC 3550, 4)."""
        seconds = (self._origin or 0.0) + tick / TICKS_PER_SECOND + _NTP_EPOCH
        return int(seconds * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


class Outlet:
    """Coded packets on their way into one sender. Lives in the event loop; not thread-safe.

    lost: told when pictures were dropped, for what follows needs a key picture.
    """

    def __init__(self, kind: str, lost: Callable[[], None] | None = None) -> None:
        self._bound = _PICTURES_WAIT if kind == "video" else _SOUND_WAITS
        self._lost = lost
        self._queue: deque[Coded] = deque()
        self._ready = asyncio.Event()
        self._needs_key = False
        self.dropped = 0

    def put(self, coded: Coded) -> None:
        """Sound that does not fit pushes the oldest out; pictures that do not fit go until the next key picture."""
        if self._lost is not None and self._needs_key and not coded.key:
            self.dropped += 1
            return
        self._needs_key = False
        if len(self._queue) >= self._bound:
            if self._lost is not None and not coded.key:
                self._needs_key = True
                self.dropped += 1 + len(self._queue)
                self._queue.clear()
                self._lost()
                return
            self.dropped += 1
            self._queue.popleft()
        self._queue.append(coded)
        self._ready.set()

    def cut(self, tick: int) -> None:
        """Drop sound before ``tick``; pictures stay, for what follows builds on them."""
        if self._lost is None:
            self._queue = deque(c for c in self._queue if c.tick >= tick)

    async def get(self) -> Coded:
        """The next one."""
        while not self._queue:
            self._ready.clear()
            await self._ready.wait()
        return self._queue.popleft()


class SenderTap:
    """Feeds an aiortc RTCRtpSender.

    on_key: the receiver asks for a key picture. on_rate: it estimates what its network carries, bits a second.
    """

    def __init__(
        self,
        sender: Any,
        outlet: Outlet,
        clock: WallClock,
        on_key: Callable[[], None] | None = None,
        on_rate: Callable[[int], None] | None = None,
    ) -> None:
        self._sender, self._outlet, self._clock = sender, outlet, clock
        self._on_key, self._on_rate = on_key, on_rate
        self._picture_id = 0
        self._sent: tuple[int, int] | None = None  # tick and time stamp given with the latest packet
        self._origin: int | None = None
        self._report = sender._send_rtcp
        self._feedback = sender._handle_rtcp_packet
        sender._next_encoded_frame = self._next
        sender._send_rtcp = self._send_report
        sender._handle_rtcp_packet = self._hear
        if on_key is not None:
            sender._send_keyframe = on_key

    def close(self) -> None:
        """Let the sender go, so that nothing is kept alive by a circle of references."""
        for name in ("_next_encoded_frame", "_send_rtcp", "_handle_rtcp_packet", "_send_keyframe"):
            self._sender.__dict__.pop(name, None)

    async def _next(self, codec: Any) -> Any:
        from aiortc.rtcrtpsender import RTCEncodedFrame

        no_level: Any = None  # aiortc leaves the header extension out then
        if self._sent is not None and self._origin is None:
            last = self._sender._RTCRtpSender__rtp_timestamp
            self._origin = (last - self._sent[1]) & 0xFFFFFFFF
        coded = await self._outlet.get()
        self._clock.begin(coded)
        rate = VIDEO_CLOCK if self._sender.kind == "video" else TICKS_PER_SECOND
        stamp = int(Fraction(coded.tick * rate, TICKS_PER_SECOND)) & 0xFFFFFFFF
        self._sent = (coded.tick, stamp)
        return RTCEncodedFrame(self._payloads(codec.name.lower(), coded.data), stamp, no_level)

    def _payloads(self, codec: str, data: bytes) -> list[bytes]:
        if codec == "h264":
            from aiortc.codecs.h264 import H264Encoder

            return H264Encoder._packetize(H264Encoder._split_bitstream(data))
        if codec == "vp8":
            from aiortc.codecs.vpx import Vp8Encoder

            self._picture_id = (self._picture_id + 1) % (1 << 15)
            return Vp8Encoder._packetize(data, self._picture_id)
        return [data]

    async def _send_report(self, packets: list[Any]) -> None:
        """A sender report says which wall time an RTP time has: both tracks by the same clock."""
        from aiortc.rtp import RtcpSrPacket

        for packet in packets:
            if isinstance(packet, RtcpSrPacket):
                if self._origin is None or self._sent is None:
                    return
                info = packet.sender_info
                tick, stamp = self._sent
                rate = VIDEO_CLOCK if self._sender.kind == "video" else TICKS_PER_SECOND
                behind = (stamp - (info.rtp_timestamp - self._origin)) & 0xFFFFFFFF
                info.ntp_timestamp = self._clock.ntp(tick - behind * TICKS_PER_SECOND / rate)
                self._sender._RTCRtpSender__lsr = (info.ntp_timestamp >> 16) & 0xFFFFFFFF
        await self._report(packets)

    async def _hear(self, packet: Any) -> None:
        from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, unpack_remb_fci

        if self._on_rate is not None and isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            try:
                bits, sources = unpack_remb_fci(packet.fci)
            except ValueError:
                return
            if self._sender._ssrc in sources:
                self._on_rate(bits)
            return
        await self._feedback(packet)


def idle_track(kind: str) -> Any:
    """A track for a sender to hold; our senders never read it."""
    from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

    return VideoStreamTrack() if kind == "video" else AudioStreamTrack()


class ReceiverTap:
    """Stands where an aiortc RTCRtpReceiver has its jitter buffer, which would hold sound back for 80 ms and more."""

    def __init__(self, receiver: Any, packets: OpusPackets) -> None:
        self._packets = packets
        receiver._RTCRtpReceiver__jitter_buffer = self

    def add(self, packet: Any) -> tuple[bool, None]:
        """As JitterBuffer.add: whether to ask for a key picture, and a whole frame for aiortc's decoder: never."""
        self._packets.take(packet.sequence_number, packet.timestamp, bytes(packet.payload), time.monotonic())
        return False, None


def require_aiortc() -> None:
    """Raise MissingError when aiortc's insides are not those this was written for."""
    from aiortc import RTCRtpReceiver, RTCRtpSender
    from aiortc.codecs.h264 import H264Encoder
    from aiortc.codecs.vpx import Vp8Encoder

    from mien.errors import MissingError

    known = (
        hasattr(RTCRtpSender, "_next_encoded_frame"),
        hasattr(RTCRtpSender, "_send_keyframe"),
        hasattr(RTCRtpSender, "_send_rtcp"),
        hasattr(RTCRtpReceiver, "_handle_rtp_packet"),
        hasattr(H264Encoder, "_packetize") and hasattr(H264Encoder, "_split_bitstream"),
        hasattr(Vp8Encoder, "_packetize"),
    )
    if not all(known):
        raise MissingError(
            "The installed aiortc is of a version that Mien does not know.",
            hint="Install a known one: pip install 'aiortc>=1.16,<2'.",
        )
