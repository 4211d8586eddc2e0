"""Sessions at once on a real ``mien serve``: ``python -m benchmarks.live_sessions served 6 30``.

Each with another avatar of 512 × 512, asked again and again, each watched over WebRTC by a receiver that reads the
packets' headers and decodes nothing. Then one more visitor knocks.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.live_receivers import PeerReceiver, ask_on
from benchmarks.portrait import portrait
from benchmarks.process import tree

FPS = 24.5
_SETTLES = 8.0
_EVERY = 6.0  # seconds between questions; the answer lasts longer


@dataclass(frozen=True)
class Seat:
    """One session and who watches it."""

    path: str
    receiver: PeerReceiver


def served(count: int, seconds: float) -> int:
    """Serve and watch, print the table; 1 when a session was too slow, or one too many was let in."""
    pictures = [word for picture in portraits(count) for word in ("--portrait", str(picture))]
    command = [sys.executable, "-m", "mien", "serve", "--json", "--port", "0", "--sessions", str(count), *pictures]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            url = next(e["url"] for e in map(json.loads, server.stdout) if e["event"] == "serving").rstrip("/")
            return asyncio.run(_watch(url, server.pid, count, seconds))
        finally:
            server.terminate()


async def _watch(url: str, pid: int, count: int, seconds: float) -> int:
    async with httpx.AsyncClient(base_url=url, timeout=120) as http:
        while (await http.get("/ready")).status_code != 200:
            await asyncio.sleep(0.5)
        names = [a["name"] for a in (await http.get("/api/avatars")).json()["avatars"]][:count]
        seats = [await _seat(http, name) for name in names]
        works = [asyncio.ensure_future(ask_on(url, seat.path, _EVERY)) for seat in seats]
        await asyncio.sleep(_SETTLES)
        for seat in seats:
            seat.receiver.came.clear()
        counts, began, work = [await _counts(http, s) for s in seats], time.monotonic(), _worked(pid)
        await asyncio.sleep(seconds)
        wall, work = time.monotonic() - began, _worked(pid) - work
        later = [await _counts(http, s) for s in seats]
        refused = await http.post("/api/sessions", json={"language": "en"})
        for task in works:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        for seat in seats:
            await seat.receiver.close()
    drawn = [
        (b["frames"] - b["repeated"] - a["frames"] + a["repeated"]) / wall for a, b in zip(counts, later, strict=True)
    ]
    came = [len(seat.receiver.came.video) / wall for seat in seats]
    return _tell(names, drawn, came, work / wall, refused)


def _tell(names: list[str], drawn: list[float], came: list[float], cores: float, refused: httpx.Response) -> int:
    print("avatar            drawn fps  received fps")
    for name, one, other in zip(names, drawn, came, strict=True):
        print(f"{name:16s}  {one:9.2f}  {other:12.2f}")
    told: dict[str, Any] = refused.json().get("error", {})
    bad = min(drawn + came) < FPS or refused.status_code != 503
    print(f"one more visitor: {refused.status_code} {told.get('message', 'was let in')} {told.get('hint', '')}")
    print(
        f"{len(names)} sessions, {len(set(names))} avatars: {np.min(drawn):.2f} fps drawn and {np.min(came):.2f} "
        f"received at the slowest (at least {FPS:g}), {cores:.2f} cores of the server: {'BAD' if bad else 'good'}"
    )
    return int(bad)


async def _seat(http: httpx.AsyncClient, avatar: str) -> Seat:
    opened = await http.post("/api/sessions", json={"language": "en", "avatar": avatar})
    opened.raise_for_status()
    seat = Seat(f"/api/sessions/{opened.json()['id']}", PeerReceiver())
    await seat.receiver.connect(http, seat.path)
    return seat


async def _counts(http: httpx.AsyncClient, seat: Seat) -> dict[str, int]:
    counts: dict[str, int] = (await http.get(seat.path)).json()["counts"]
    return counts


def _worked(pid: int) -> float:
    """Processor seconds of a process and all it started."""
    ticks = 0
    for one in tree(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text("utf-8").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def portraits(count: int) -> list[Path]:
    """The demo portrait, mirrored and tinted where more faces are wanted: other avatars, not other people."""
    import cv2

    folder = Path.home() / ".cache" / "mien-bench"
    folder.mkdir(parents=True, exist_ok=True)
    picture = cv2.imread(str(portrait()))
    assert picture is not None
    made = []
    for i in range(count):
        file = folder / f"face-{i}.png"
        if not file.exists():
            tinted = np.clip(picture.astype(np.float32) * (1 - 0.03 * (i // 2)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(file), tinted[:, ::-1] if i % 2 else tinted)
        made.append(file)
    return made
