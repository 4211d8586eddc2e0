"""Minutes of a real ``mien serve``: ``python -m benchmarks.live_sessions minutes 10``.

One session that is asked every few seconds and is silent in between; one receiver over WebRTC and one over the
WebSocket, neither decodes. Told are frames a second, how far pictures come after the sound of the same moment, by the
stamps as they were received, and the server's memory and threads.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

import httpx
import numpy as np

from benchmarks.live_receivers import Came, PeerReceiver, SocketReceiver, ask_on
from benchmarks.portrait import portrait
from benchmarks.serve_visits import Look, look

GROWTH = 0.03
DRIFT = 10.0
"""Milliseconds by which pictures may move against sound from the first third to the last."""
FPS = 24.5
_SETTLES = 20.0


@dataclass(frozen=True)
class Part:
    """One part of the time; two values are of WebRTC and the WebSocket."""

    minutes: float
    fps: tuple[float, float]
    skew: tuple[float, float]
    server: Look


def minutes(count: float, parts: int = 12) -> int:
    """Serve, watch, print the table; 1 when something drifted, grew or was too slow."""
    command = [sys.executable, "-m", "mien", "serve", "--json", "--port", "0", "--portrait", str(portrait())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            url = next(e["url"] for e in map(json.loads, server.stdout) if e["event"] == "serving").rstrip("/")
            rows = asyncio.run(_watch(url, server.pid, count * 60 / parts, parts))
        finally:
            server.terminate()
    return _verdict(rows)


async def _watch(url: str, pid: int, seconds: float, parts: int) -> list[Part]:
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        while (await http.get("/ready")).status_code != 200:
            await asyncio.sleep(0.5)
        opened = (await http.post("/api/sessions", json={"language": "en"})).json()
        path = f"/api/sessions/{opened['id']}"
        peer, socket = PeerReceiver(), SocketReceiver(url, path)
        await peer.connect(http, path)
        works = [asyncio.ensure_future(work) for work in (socket.run(), ask_on(url, path))]
        await asyncio.sleep(_SETTLES)  # caches fill, the first sender reports come
        peer.came.clear()
        socket.came.clear()
        print(
            "minutes  fps webrtc  socket  picture after sound ms webrtc  socket  server MB  own MB  threads", flush=True
        )
        rows = []
        for part in range(1, parts + 1):
            rows.append(await _part(part, seconds, peer, socket, pid))
        for work in works:
            work.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await work
        await peer.close()
        await http.delete(path)
    return rows


async def _part(number: int, seconds: float, peer: PeerReceiver, socket: SocketReceiver, pid: int) -> Part:
    begin = time.monotonic()
    await asyncio.sleep(seconds)
    wall = time.monotonic() - begin
    came = [Came(r.came.video.copy(), r.came.audio.copy()) for r in (peer, socket)]
    for receiver in (peer, socket):
        receiver.came.clear()
    fps, skew = [len(c.video) / wall for c in came], [c.skew for c in came]
    part = Part(number * seconds / 60, (fps[0], fps[1]), (skew[0], skew[1]), look(pid, number))
    told = part.server
    print(
        f"{part.minutes:7.2f}  {fps[0]:10.2f}  {fps[1]:6.2f}  {skew[0]:29.2f}  {skew[1]:6.2f}  "
        f"{told.resident:9.1f}  {told.own:6.1f}  {told.threads:7d}",
        flush=True,
    )
    return part


def _verdict(rows: list[Part]) -> int:
    third = max(1, len(rows) // 3)
    first, last = rows[:third], rows[-third:]
    drift = [float(np.median([r.skew[i] for r in last]) - np.median([r.skew[i] for r in first])) for i in (0, 1)]
    fps = [float(np.mean([r.fps[i] for r in rows])) for i in (0, 1)]
    growth = max(r.server.own for r in last) / max(r.server.own for r in first) - 1
    bad = max(map(abs, drift)) > DRIFT or min(fps) < FPS or growth > GROWTH
    print(
        f"{rows[-1].minutes:g} min: fps {fps[0]:.2f} over WebRTC, {fps[1]:.2f} over the WebSocket (at least {FPS:g}); "
        f"pictures moved against sound by {drift[0]:+.2f} and {drift[1]:+.2f} ms (at most {DRIFT:g}); memory "
        f"{growth:+.1%} (at most {GROWTH:+.0%}), threads "
        f"{last[-1].server.threads - first[-1].server.threads:+d}: {'BAD' if bad else 'good'}"
    )
    return int(bad)
