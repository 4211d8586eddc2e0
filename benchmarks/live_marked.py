"""`mien serve` whose pictures carry their numbers, and which tells what sound it sent at which tick.

    python -m benchmarks.live_marked [--port 0] [--documents FOLDER]

For benchmarks that set what a browser shows and plays beside what was sent. All else is as `mien serve` has it.
"""

from __future__ import annotations

import argparse
import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mien import config
from mien.live.session import Troupe
from mien.timeline import TICKS_PER_SECOND
from mien.transmit.live import Tally
from mien.types import AudioChunk, ByteArray, FaceClip, FloatArray, VideoFrame

BITS = 16
ROWS = 24
MS = TICKS_PER_SECOND // 1000


class SentSound:
    """A viewer that keeps how loud each millisecond of the sound was. Ticks begin at 0, so index = millisecond."""

    tally = Tally()

    def __init__(self) -> None:
        self._blocks: list[tuple[int, FloatArray]] = []

    def show(self, frame: VideoFrame, sound: AudioChunk) -> None:
        """A moment's sound."""
        loud = np.abs(sound.samples[: len(sound.samples) // MS * MS]).reshape(-1, MS).max(axis=1)
        self._blocks.append((sound.start // MS, loud))

    def envelope(self) -> FloatArray:
        """Peaks of each millisecond, float32 (n,)."""
        if not self._blocks:
            return np.zeros(0, np.float32)
        out = np.zeros(max(at + len(loud) for at, loud in self._blocks), np.float32)
        for at, loud in self._blocks:
            out[at : at + len(loud)] = loud
        return out

    def move(self, clip: FaceClip) -> None:
        """Motion is not kept."""

    def cut(self, tick: int) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing to release."""


def numbered(troupe: Troupe) -> Troupe:
    """The same players, their pictures with the frame's number in the first rows: white blocks are ones."""

    def compose(tick: int, pixels: ByteArray) -> ByteArray:
        made = pixels if troupe.compose is None else troupe.compose(tick, pixels)
        made = made.copy()
        number = round(tick * troupe.fps / TICKS_PER_SECOND) & 0xFFFF
        width = made.shape[1] // BITS
        for bit in range(BITS):
            made[:ROWS, bit * width : (bit + 1) * width] = 255 if number >> (BITS - 1 - bit) & 1 else 0
        return made

    return replace(troupe, compose=compose)


def _app(settings: config.Settings) -> Any:
    from starlette.requests import Request
    from starlette.responses import Response

    from mien.apps.server.app import create_app
    from mien.apps.server.options import ServeOptions
    from mien.live.troupe import cast

    app = create_app(
        ServeOptions(), settings, tell=lambda line: print(line, flush=True),
        caster=lambda wish, persona, thinker: numbered(
            cast(wish, settings, app.state.desk.cabinet, thinker, persona, lambda _: None)
        ),
    )  # fmt: skip
    kept: dict[str, SentSound] = {}

    async def sent(request: Request) -> Response:
        """The first request for a session begins; all give what there is."""
        name = request.path_params["name"]
        if name not in kept:
            kept[name] = SentSound()
            app.state.desk.house.get(name).session.watch(kept[name], pictures=False)
        return Response(kept[name].envelope().tobytes(), media_type="application/octet-stream")

    app.add_route("/benchmark/{name}", sent)
    return app


def main() -> None:
    """Serve until ended. Prints the address, like `mien serve`."""
    import uvicorn

    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--documents", type=Path)
    asked = words.parse_args()
    settings = config.load()
    if asked.documents:
        settings = replace(settings, think=replace(settings.think, documents=str(asked.documents)))
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", asked.port))
    server = uvicorn.Server(
        uvicorn.Config(_app(settings), log_level="warning", ws="websockets-sansio", timeout_graceful_shutdown=2)
    )
    threading.Thread(target=_tell, args=(server, sock.getsockname()[1]), daemon=True).start()
    server.run(sockets=[sock])


def _tell(server: Any, port: int) -> None:
    while not server.started:
        threading.Event().wait(0.02)
    print(f"http://127.0.0.1:{port}/", flush=True)


if __name__ == "__main__":
    main()
