"""Visitors who come and go at a real ``mien serve``, one after the other: what is left of them.

    python -m benchmarks.serve_visits [--visits 100] [--warm 20] [--way webrtc|socket|both] [--beside]

Every one opens a session, watches it over WebRTC or the WebSocket, asks something, and leaves in the middle of the
answer. The server's memory, threads and open files are told on the way (Linux). The first visits warm it up; from
then on memory may grow by 3 % and nothing else at all. Exit status 1 when it grew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import websockets
from aiortc import RTCPeerConnection, RTCSessionDescription

from benchmarks.live_receivers import SocketReceiver
from benchmarks.portrait import portrait

GROWTH = 0.03
"""Memory may grow by this part after the first visits."""
_ADDRESSES = 8  # a server lets one address open so many sessions a minute


@dataclass(frozen=True)
class Look:
    """A process at one moment. resident: all its memory, MB. own: that of it which no file backs, MB."""

    visits: int
    resident: float
    own: float
    threads: int
    files: int


def main() -> int:
    """Start the server, visit it, print the table."""
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--visits", type=int, default=100, help="after the first ones")
    words.add_argument("--warm", type=int, default=20, help="visits before memory and threads are counted")
    words.add_argument("--way", choices=["webrtc", "socket", "both"], default="both")
    words.add_argument("--beside", action="store_true", help="somebody else watches all the time")
    asked = words.parse_args()
    command = [sys.executable, "-m", "mien", "serve", "--json", "--port", "0", "--portrait", str(portrait())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            url = next(e["url"] for e in map(json.loads, server.stdout) if e["event"] == "serving").rstrip("/")
            looks = asyncio.run(visit_all(url, server.pid, asked.visits, asked.warm, asked.way, asked.beside))
        finally:
            server.terminate()
    return verdict(looks, asked.way)


async def visit_all(url: str, pid: int, visits: int, warm: int, way: str, beside: bool) -> list[Look]:
    """All visits, with a look at the server after the first ones, then ten times."""
    looks: list[Look] = []
    clients = [_client(url, n) for n in range(_ADDRESSES)]
    print("visits  resident MB  own MB  threads  files", flush=True)
    while (await clients[0].get("/ready")).status_code != 200:
        await asyncio.sleep(0.5)
    staying = asyncio.ensure_future(stay(clients[0], url)) if beside else None
    for number in range(warm + visits):
        webrtc = way == "webrtc" or (way == "both" and number % 2 == 1)
        await visit(clients[number % _ADDRESSES], url, webrtc=webrtc)
        done = number + 1 - warm
        if done >= 0 and done % max(1, visits // 10) == 0:
            await asyncio.sleep(2)  # the last one's connections are closed, its memory is given back
            looks.append(look(pid, done))
            told = looks[-1]
            print(
                f"{told.visits:6d}  {told.resident:11.1f}  {told.own:6.1f}  {told.threads:7d}  {told.files:5d}",
                flush=True,
            )
    if staying is not None:
        staying.cancel()
    for client in clients:
        await client.aclose()
    return looks


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


async def stay(http: httpx.AsyncClient, url: str) -> None:
    """Watch a session until cancelled."""
    opened = await http.post("/api/sessions", json={"language": "en"})
    await SocketReceiver(url, f"/api/sessions/{opened.json()['id']}").run()


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


def look(pid: int, visits: int) -> Look:
    """A process now."""
    folder = Path(f"/proc/{pid}")
    told = dict(line.split(":", 1) for line in (folder / "status").read_text("ascii").splitlines() if ":" in line)
    megabytes = {name: int(told[name].split()[0]) / 1000 for name in ("VmRSS", "RssAnon")}
    return Look(
        visits, megabytes["VmRSS"], megabytes["RssAnon"], int(told["Threads"]), len(list((folder / "fd").iterdir()))
    )


def verdict(looks: list[Look], way: str) -> int:
    """Say whether it grew: 1 when it did."""
    first, last = looks[0], looks[-1]
    growth = max(last.resident / first.resident, last.own / first.own) - 1
    grew = growth > GROWTH or last.threads > first.threads or last.files > first.files
    print(
        f"{last.visits} visits, {way}: memory {growth:+.1%} (at most {GROWTH:+.0%}), threads "
        f"{last.threads - first.threads:+d}, files {last.files - first.files:+d}: {'GREW' if grew else 'flat'}"
    )
    return int(grew)


def _client(url: str, number: int) -> httpx.AsyncClient:
    """A visitor's address of their own, for the server counts what each of them opens."""
    local = f"127.0.0.{number + 1}" if sys.platform == "linux" else None
    way = httpx.AsyncHTTPTransport(local_address=local, limits=httpx.Limits(max_keepalive_connections=0))
    return httpx.AsyncClient(base_url=url, timeout=60, transport=way)


if __name__ == "__main__":
    sys.exit(main())
