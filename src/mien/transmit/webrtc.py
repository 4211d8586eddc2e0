"""WebRTC: a browser sees and hears a session, and is heard.

One gateway for a process: it owns the UDP port and lives in one event loop. Every browser is a peer of a
:class:`~mien.transmit.broadcast.Broadcast`, which is what the session's pacing thread talks to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from mien.transmit.broadcast import Broadcast
from mien.transmit.rtc_offer import checked, media_kinds
from mien.transmit.rtc_peer import Listeners, WebRtcPeer
from mien.transmit.rtc_port import UdpPort
from mien.transmit.rtc_settings import RtcSettings
from mien.transmit.rtc_tracks import require_aiortc

CODECS: Final = ("h264", "vp8")
"""Video codecs, the preferred one first."""


@dataclass(frozen=True, slots=True)
class Description:
    """A session description. type: "offer" or "answer"."""

    type: str
    sdp: str


class WebRtcGateway:
    """Where browsers connect. All its methods run in the event loop that opened it."""

    def __init__(self, settings: RtcSettings | None = None) -> None:
        """Raises MissingError when aiortc is not installed."""
        self.settings = settings or RtcSettings()
        self._port = UdpPort(self.settings)
        require_aiortc()
        self._peers: set[WebRtcPeer] = set()

    @property
    def port(self) -> int:
        """The UDP port; 0 before :meth:`open`."""
        return self._port.number

    @property
    def peers(self) -> int:
        """How many are connected or about to be."""
        return len(self._peers)

    async def open(self) -> None:
        """Take the UDP port. Raises OutputError when it is not to be had."""
        await self._port.open()

    async def close(self) -> None:
        """Close all peers and give the port back. Idempotent."""
        await asyncio.gather(*(peer.aclose("The server closes.") for peer in tuple(self._peers)))
        self._port.close()

    async def answer(
        self,
        offer: object,
        broadcast: Broadcast,
        listeners: Listeners | None = None,
        *,
        codecs: Sequence[str] = CODECS,
    ) -> tuple[Description, WebRtcPeer]:
        """Answer a browser's offer, ``{"type": "offer", "sdp": …}``.

        codecs: for the pictures, by preference. Raises InputError (code input.sdp) for an offer that cannot be used;
        nothing is left behind then.
        """
        text = checked(offer, "offer")
        peer = self._new(broadcast, listeners)
        async with _undone(peer):
            peer.add_tracks(media_kinds(text), codecs)
            await peer.receive("offer", text)
            peer.share(self._port)
            answer = await peer.describe("answer")
        peer.begin()
        return Description("answer", answer), peer

    async def offer(
        self, broadcast: Broadcast, listeners: Listeners | None = None, *, codecs: Sequence[str] = CODECS
    ) -> tuple[Description, WebRtcPeer]:
        """Offer pictures and sound to somebody who takes them in; then :meth:`WebRtcPeer.accept` the answer."""
        peer = self._new(broadcast, listeners, offers=True)
        async with _undone(peer):
            peer.add_tracks(["audio", "video"], codecs)
            peer.add_channel()
            peer.share(self._port)
            offer = await peer.describe("offer")
        return Description("offer", offer), peer

    def _new(self, broadcast: Broadcast, listeners: Listeners | None, *, offers: bool = False) -> WebRtcPeer:
        peer = WebRtcPeer(self.settings, broadcast, listeners or Listeners(), self._peers.discard, offers=offers)
        self._peers.add(peer)
        return peer


@contextlib.asynccontextmanager
async def _undone(peer: WebRtcPeer) -> AsyncIterator[None]:
    """Close the peer when its negotiation fails."""
    try:
        yield
    except BaseException:
        await peer.aclose()
        raise
