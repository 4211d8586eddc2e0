"""``python -m benchmarks.serve_visits [N]``: visitors who come and go at a real ``mien serve``, one after the other.

Every one opens a session, watches it over the WebSocket or WebRTC in turn, asks something, and leaves. Told are the
server's memory and threads after a tenth of the visits and after all of them (Linux).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import websockets
from aiortc import RTCPeerConnection, RTCSessionDescription

from benchmarks.portrait import portrait


def main() -> None:
    """Start the server, visit it, print a JSON line for each look."""
    visits = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    command = [sys.executable, "-m", "mien", "serve", "--json", "--port", "0", "--portrait", str(portrait())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            url = next(e["url"] for e in map(json.loads, server.stdout) if e["event"] == "serving")
            asyncio.run(visit_all(url.rstrip("/"), visits, server.pid))
        finally:
            server.terminate()


async def visit_all(url: str, visits: int, pid: int) -> None:
    """All visits, with a look at the server after the first tenth and at the end."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        while (await http.get("/ready")).status_code != 200:
            await asyncio.sleep(0.5)
        for number in range(visits):
            await visit(http, url, webrtc=bool(number % 2))
            if number + 1 in (visits // 10, visits // 2, visits):
                await asyncio.sleep(2)
                print(json.dumps({"visits": number + 1, **look(pid)}), flush=True)


async def visit(http: httpx.AsyncClient, url: str, *, webrtc: bool) -> None:
    """One visitor."""
    opened = await http.post("/api/sessions", json={"language": "en"})
    while opened.status_code == 429:
        await asyncio.sleep(2)
        opened = await http.post("/api/sessions", json={"language": "en"})
    path = f"/api/sessions/{opened.json()['id']}"
    address = url.replace("http", "ws") + path
    async with websockets.connect(f"{address}/events") as events:
        await events.send(json.dumps({"type": "ask", "text": "Who are you?"}))
        if webrtc:
            await watch_peer(http, path)
        else:
            async with websockets.connect(f"{address}/media", max_size=None) as media:
                for _ in range(40):
                    await media.recv()
        await events.send(json.dumps({"type": "interrupt"}))
    await http.delete(path)


async def watch_peer(http: httpx.AsyncClient, path: str) -> None:
    """Half a second of WebRTC."""
    peer = RTCPeerConnection()
    tracks: list[Any] = []
    peer.on("track", tracks.append)
    for kind in ("audio", "video"):
        peer.addTransceiver(kind, direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    answer = (await http.post(f"{path}/offer", json={"type": "offer", "sdp": peer.localDescription.sdp})).json()
    await peer.setRemoteDescription(RTCSessionDescription(**answer))
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        await tracks[0].recv()
    await peer.close()


def look(pid: int) -> dict[str, float]:
    """Memory in MB and threads of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    return {"rss_mb": round(int(told["VmRSS"].split()[0]) / 1024, 1), "threads": int(told["Threads"])}


if __name__ == "__main__":
    main()
