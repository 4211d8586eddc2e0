"""A WHIP endpoint on this machine: HTTP as RFC 9725 has it, aiortc behind it; it may misbehave."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

TOKEN = "whip-token-0815"


class Endpoint(ThreadingHTTPServer):
    """Takes streams at /whip/room and decodes them.

    moods: what the next requests meet, one each, the last one for ever: "" or an HTTP status, "moved", "silent",
    "garbage", "vp8". pictures: brightness of the middle, and RTP seconds. sound: RMS, seconds. deleted: addresses.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.moods, self.offers, self.deleted = [""], list[str](), list[str]()
        self.pictures: list[tuple[float, int]] = []
        self.sound: list[tuple[float, float]] = []
        self.release = threading.Event()
        self.peers: dict[str, Any] = {}
        self.tokens: list[str] = []
        self.loop = asyncio.new_event_loop()
        self._own_threads = [
            threading.Thread(target=self.loop.run_forever),
            threading.Thread(target=self.serve_forever, args=(0.02,)),
        ]
        for thread in self._own_threads:
            thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/whip/room-secret"

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def hang_up(self) -> None:
        """Leave all peers in the middle."""
        for peer in list(self.peers.values()):
            self.run(peer.close())
        self.peers.clear()

    def stop(self) -> None:
        self.release.set()
        self.hang_up()
        self.run(_settled())
        self.shutdown()
        self.loop.call_soon_threadsafe(self.loop.stop)
        for thread in self._own_threads:
            thread.join()
        self.loop.close()
        self.server_close()

    async def answer(self, offer: str, mood: str) -> tuple[str, str]:
        from aiortc import RTCPeerConnection, RTCSessionDescription

        peer: Any = RTCPeerConnection()
        peer.on("track", lambda track: asyncio.ensure_future(self._watch(track)))
        await peer.setRemoteDescription(RTCSessionDescription(_only_vp8(offer) if mood == "vp8" else offer, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        number = str(len(self.offers))
        self.peers[number] = peer
        return number, peer.localDescription.sdp

    async def _watch(self, track: Any) -> None:
        from aiortc.mediastreams import MediaStreamError

        try:
            while True:
                frame = await track.recv()
                at = float(frame.pts * frame.time_base)
                if track.kind == "video":
                    grey = frame.to_ndarray(format="gray")
                    self.pictures.append((at, int(grey[grey.shape[0] // 2, grey.shape[1] // 2])))
                else:
                    samples = frame.to_ndarray().astype(np.float64) / 32768
                    self.sound.append((at, float(np.sqrt((samples**2).mean()))))
        except MediaStreamError:
            pass


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        server = self.server
        offer = self.rfile.read(int(self.headers["Content-Length"])).decode()
        server.tokens.append(self.headers.get("Authorization", ""))
        mood = server.moods.pop(0) if len(server.moods) > 1 else server.moods[0]
        if mood == "silent":
            server.release.wait(20)
            return
        if mood == "moved":
            self._answer(307, b"", Location="/whip/elsewhere")
            return
        if mood.isdigit():
            self._answer(int(mood), b"no")
            return
        if self.headers.get("Content-Type") != "application/sdp":
            self._answer(415, b"")
            return
        server.offers.append(offer)
        if mood == "garbage":
            self._answer(201, b"v=0\r\nnonsense", Location="/session/x")
            return
        number, answer = server.run(server.answer(offer, mood))
        self._answer(201, answer.encode(), Location=f"/session/{number}", Content_Type="application/sdp")

    def do_DELETE(self) -> None:
        self.server.deleted.append(self.path)
        peer = self.server.peers.pop(self.path.rpartition("/")[2], None)
        if peer is not None:
            self.server.run(peer.close())
        self._answer(200 if peer else 404, b"")

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


async def _settled() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()


def _only_vp8(offer: str) -> str:
    """The offer as a receiver without H.264 reads it: names it does not know."""
    return offer.replace("H264/90000", "X264/90000")
