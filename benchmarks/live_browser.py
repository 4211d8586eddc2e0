"""What a browser sees and hears of a live session: frames a second, glass to glass, sound against picture.

    python -m benchmarks.live_browser [--seconds 60] [--size 512] [--mode webrtc-h264 …] [--jitter 20]

Serves a session of numbered pictures and a beep each second to headless Chromium on this machine, by each
transport. The page reads the number of every picture that it shows and hears every
beep; both have this machine's clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import InputError
from mien.transmit.broadcast import Broadcast
from mien.transmit.rtc_peer import Listeners
from mien.transmit.rtc_settings import RtcSettings
from mien.transmit.socket_feed import SocketFeed
from mien.transmit.webrtc import WebRtcGateway
from mien.types import AudioChunk, FloatArray, VideoFrame

FPS = 25
FRAME = 48_000 // FPS
PAGE = Path(__file__).with_name("live_page.html")
MODES = ("webrtc-h264", "webrtc-vp8", "chunks", "fragments")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
    "--autoplay-policy=no-user-gesture-required", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)  # fmt: skip


@dataclass
class Seen:
    """What came of one run. shown: wall clock in ms when each frame was handed over, by its number."""

    shown: dict[int, float] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    microphone: list[AudioChunk] = field(default_factory=list)
    states: list[tuple[str, str]] = field(default_factory=list)

    @property
    def fps(self) -> float:
        """New pictures a second, from the second second on."""
        frames = self._settled()
        return (len(frames) - 1) / (frames[-1][1] - frames[0][1]) * 1000.0

    @property
    def delays(self) -> list[float]:
        """ms from hand-over to display of each picture."""
        return [at - self.shown[n] for n, at in self._settled() if n in self.shown]

    @property
    def skews(self) -> list[float]:
        """ms by which sound comes after its picture.

        Over WebRTC by the browser's own account of what it plays, since Web Audio, which hears the beeps, holds a
        remote track back by a buffer of its own; else by the beeps.
        """
        if self.report["playout"]:
            return list(self.report["playout"][len(self.report["playout"]) // 4 :])
        frames = dict(reversed(self._settled()))
        marks = [at for n, at in frames.items() if n % FPS == 0]
        pairs = [(beep, min(marks, key=lambda at: abs(at - beep))) for beep in self.report["beeps"]] if marks else []
        return [beep - at for beep, at in pairs if abs(beep - at) < 450.0]

    def _settled(self) -> list[tuple[int, float]]:
        frames: list[tuple[int, float]] = []
        for n, at in self.report["frames"]:
            if not frames or n > frames[-1][0]:
                frames.append((n, at))
        begin = frames[0][1] + 1500.0 if frames else 0.0
        return [f for f in frames if f[1] >= begin]


def run(mode: str, seconds: float = 5.0, size: int = 512, jitter: float = 0.0) -> Seen:
    """Let Chromium watch. mode: one of :data:`MODES`. jitter: ms by which hand-overs are late, at random."""
    seen, stop = Seen(), threading.Event()
    broadcast = Broadcast()
    feeder = threading.Thread(target=_feed, args=(broadcast, seen, stop, size, jitter), daemon=True)
    feeder.start()
    try:
        with _server(broadcast, seen) as (address, done), _chromium(address, mode, seconds):
            if not done.wait(seconds + 30.0):
                raise TimeoutError(f"no report of {mode}")
    finally:
        stop.set()
        feeder.join(2.0)
        broadcast.close()
    return seen


def picture(number: int, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Something that moves, below 16 blocks that tell its number."""
    rows, columns = np.mgrid[0:size, 0:size]
    moving = np.hypot(
        rows - size / 2 - size / 8 * np.sin(number / 7), columns - size / 2 - size / 6 * np.cos(number / 9)
    )
    light: np.ndarray[Any, np.dtype[np.uint8]] = (255 * np.exp(-((moving / (size / 4)) ** 2))).astype(np.uint8)
    pixels = np.repeat(light[..., None], 3, axis=2)
    width = size // 16
    for bit in range(16):
        pixels[:20, bit * width : (bit + 1) * width] = 255 if number >> (15 - bit) & 1 else 0
    return pixels


def sound(tick: int) -> FloatArray:
    """The sound of a frame: the first 100 ms of each second beep."""
    at = tick + np.arange(FRAME)
    return np.where(at % 48_000 < 4_800, 0.4 * np.sin(2 * np.pi * at / 48.0), 0.0).astype(np.float32)


def _feed(broadcast: Broadcast, seen: Seen, stop: threading.Event, size: int, jitter: float) -> None:
    pictures = [picture(n, size) for n in range(8)]  # making them costs more than sending them
    begin, number, late = time.monotonic(), 0, random.Random(1)
    while not stop.wait(max(0.0, begin + number / FPS - time.monotonic())):
        pixels = pictures[number % len(pictures)].copy()
        pixels[:20] = picture_code(number, size)
        if jitter:
            time.sleep(late.random() * jitter / 1000.0)
        seen.shown[number] = time.time() * 1000.0
        broadcast.show(VideoFrame(number * FRAME, pixels), AudioChunk(number * FRAME, sound(number * FRAME)))
        number += 1


def picture_code(number: int, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The rows with the number."""
    bits = np.array([255 if number >> (15 - bit) & 1 else 0 for bit in range(16)], np.uint8)
    return np.broadcast_to(np.repeat(bits, size // 16)[None, :, None], (20, size, 3))


@contextmanager
def _server(broadcast: Broadcast, seen: Seen) -> Iterator[tuple[str, threading.Event]]:
    import uvicorn

    done = threading.Event()
    app = _app(broadcast, seen, done)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", done
    finally:
        server.should_exit = True
        thread.join(10.0)


def _app(broadcast: Broadcast, seen: Seen, done: threading.Event) -> Any:
    from contextlib import asynccontextmanager

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route, WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect

    gateway = WebRtcGateway(RtcSettings())
    listeners = Listeners(seen.microphone.append, None, lambda state, why: seen.states.append((state, why)))

    @asynccontextmanager
    async def life(app: Any) -> Any:
        await gateway.open()
        yield
        await gateway.close()

    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(PAGE.read_text("utf-8"))

    async def offer(request: Request) -> JSONResponse:
        codec = request.query_params["codec"]
        answer, _ = await gateway.answer(await request.json(), broadcast, listeners, codecs=[codec])
        return JSONResponse({"type": answer.type, "sdp": answer.sdp})

    async def report(request: Request) -> JSONResponse:
        seen.report = await request.json()
        done.set()
        return JSONResponse({})

    async def socket(ws: WebSocket) -> None:
        await ws.accept()
        feed = SocketFeed(broadcast, listeners, form=ws.query_params["form"])

        async def send(message: str | bytes) -> None:
            await (ws.send_text(message) if isinstance(message, str) else ws.send_bytes(message))

        async def read() -> None:
            with suppress(WebSocketDisconnect, RuntimeError):
                while True:
                    message = await ws.receive()
                    if message["type"] == "websocket.disconnect":
                        break
                    with suppress(InputError):
                        feed.receive(message.get("text") or message.get("bytes") or "")
            feed.close()

        reader = asyncio.ensure_future(read())
        with suppress(WebSocketDisconnect, RuntimeError):
            await feed.run(send)
        reader.cancel()

    routes = [
        Route("/", page),
        Route("/offer", offer, methods=["POST"]),
        Route("/report", report, methods=["POST"]),
        WebSocketRoute("/ws", socket),
    ]
    return Starlette(routes=routes, lifespan=life)


@contextmanager
def _chromium(address: str, mode: str, seconds: float) -> Iterator[None]:
    transport, _, codec = mode.partition("-")
    url = f"{address}/?mode={transport}&codec={codec or 'h264'}&seconds={seconds}"
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield
        finally:
            browser.terminate()
            with suppress(subprocess.TimeoutExpired):
                browser.wait(5.0)
            browser.kill()
            browser.wait()


def _spread(values: list[float]) -> str:
    if not values:
        return "none"
    return f"{np.percentile(values, 50):6.1f} / {np.percentile(values, 95):6.1f}"


def main() -> None:
    """The table."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--seconds", type=float, default=20.0)
    words.add_argument("--size", type=int, default=512)
    words.add_argument("--jitter", type=float, default=0.0)
    words.add_argument("--mode", nargs="*", default=list(MODES))
    words.add_argument("--json", action="store_true")
    asked = words.parse_args()
    if CHROMIUM is None:
        raise SystemExit("There is no Chromium on this machine (apt install chromium).")
    print("transport      fps    glass to glass p50/p95 ms   sound after picture p50/p95 ms (of absolute: p95)")
    for mode in asked.mode:
        seen = run(mode, asked.seconds, asked.size, asked.jitter)
        skews = seen.skews
        far = f"{np.percentile(np.abs(skews), 95):.1f}" if skews else "none"
        fps = f"{seen.fps:.2f}" if seen._settled() else "none"
        print(f"{mode:12s} {fps:>6s}    {_spread(seen.delays)}    {_spread(skews)} ({far})  {seen.report['errors']}")
        if asked.json:
            print(json.dumps({k: v for k, v in seen.report.items() if k not in ("frames", "beeps")}))


if __name__ == "__main__":
    main()
