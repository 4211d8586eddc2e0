"""A real server on loopback with small parts: the sockets, the guard and the sessions are the program's own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
import websockets
from tests.live.fakes import Parrot

from mien import config
from mien.apps.server.app import create_app
from mien.apps.server.desk import Desk
from mien.apps.server.listen import UNREAD, listen
from mien.apps.server.options import ServeOptions
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.dialogue.think.base import Persona, Thinker
from mien.face.base import FaceSettings
from mien.face.phones import PhoneDriver
from mien.live.session import Troupe
from mien.live.troupe import Wish
from mien.types import ByteArray, FloatArray

SIDE = 64


class Canvas:
    """Draws how far the jaw is open."""

    def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        return np.full((SIDE, SIDE, 3), 60 + int(150 * shapes[17]), np.uint8)


def caster(wish: Wish, persona: Persona, thinker: Thinker) -> Troupe:
    """Who plays: a real voice and driver, no picture to load."""
    return Troupe(
        driver=lambda: PhoneDriver(FaceSettings()), canvas=Canvas, speaker=EspeakSpeaker(), thinker=thinker,
        fps=Fraction(25), language=wish.language or "en", persona=persona, size=(SIDE, SIDE),
    )  # fmt: skip


@dataclass
class Served:
    """A server that runs. desk: its inside. connections: uvicorn's, those that are open."""

    url: str
    desk: Desk
    connections: set[Any]

    @property
    def ws(self) -> str:
        return self.url.replace("http", "ws")

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(**{"base_url": self.url, "timeout": 20, **more})

    def session(self, **wish: Any) -> str:
        with self.client() as client:
            answer = client.post("/api/sessions", json=wish)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@contextlib.contextmanager
def serving(
    thinker: Thinker | None = None,
    *,
    cast: Callable[[Wish, Persona, Thinker], Troupe] = caster,
    settings: config.Settings | None = None,
    unread: float = UNREAD,
    **options: Any,
) -> Iterator[Served]:
    """Serve until the end of the block. unread: as :func:`mien.apps.server.listen.listen` takes it."""
    given = ServeOptions(**{"openings": 0, "sessions": 8, "port": 0, **options})
    app = create_app(given, settings or config.Settings(), caster=cast, thinker=thinker or Parrot("Hello there."))
    sock = listen(given, unread)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="critical", ws_max_size=1 << 20, ws="websockets-sansio", lifespan="on",
                       timeout_graceful_shutdown=1)
    )  # fmt: skip
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="test-server")
    thread.start()
    try:
        until = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive() and time.monotonic() < until
            time.sleep(0.01)
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        yield Served(url, app.state.desk, server.server_state.connections)
    finally:
        server.should_exit = True
        thread.join(20)
        sock.close()
        assert not thread.is_alive()


def run(work: Any) -> Any:
    """Run a coroutine, a minute and a half at most."""
    return asyncio.run(asyncio.wait_for(work, 90))


class Events:
    """One page's events."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self.seen: list[dict[str, Any]] = []

    async def send(self, kind: str, **more: Any) -> None:
        await self._socket.send(json.dumps({"type": kind, **more}))

    async def until(self, kind: str, seconds: float = 30.0, **values: Any) -> dict[str, Any]:
        """The next event of a kind with these values."""
        async with asyncio.timeout(seconds):
            while True:
                event: dict[str, Any] = json.loads(await self._socket.recv())
                self.seen.append(event)
                if event["type"] == kind and all(event.get(k) == v for k, v in values.items()):
                    return event


@contextlib.asynccontextmanager
async def events(served: Served, name: str, **more: Any) -> AsyncIterator[Events]:
    """The events of a session."""
    async with websockets.connect(f"{served.ws}/api/sessions/{name}/events", **more) as socket:
        yield Events(socket)


def portrait(folder: Path, name: str = "anna.png") -> Path:
    """A picture to choose; no face in it."""
    from PIL import Image

    path = folder / name
    Image.new("RGB", (40, 30), (200, 120, 90)).save(path)
    return path
