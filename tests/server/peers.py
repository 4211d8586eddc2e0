"""A WebRTC client made with aiortc, for tests against a real server."""

from __future__ import annotations

from typing import Any

import httpx
from tests.server.kit import Served


async def watching(served: Served, name: str) -> tuple[Any, list[Any]]:
    """A peer that watches a session, and its tracks."""
    from aiortc import RTCPeerConnection, RTCSessionDescription

    peer = RTCPeerConnection()
    tracks: list[Any] = []
    peer.on("track", tracks.append)
    for kind in ("audio", "video"):
        peer.addTransceiver(kind, direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    async with httpx.AsyncClient(base_url=served.url, timeout=20) as http:
        offer = {"type": "offer", "sdp": peer.localDescription.sdp}
        answer = (await http.post(f"/api/sessions/{name}/offer", json=offer)).json()
    await peer.setRemoteDescription(RTCSessionDescription(**answer))
    return peer, tracks
