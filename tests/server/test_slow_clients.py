"""Clients that never read, over real sockets: what waits for them is bounded, they are let go, nobody else notices."""

from __future__ import annotations

import asyncio
import base64
import gc
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
import websockets
from tests.server.kit import Served, events, run, serving
from tests.server.peers import watching
from tests.transmit.live_parts import until

from mien.apps.server.room import Room
from mien.apps.server.routes import streams
from mien.transmit import socket_feed
from mien.transmit.rtc_coded import Coded
from mien.transmit.rtc_settings import RtcSettings

_PICTURE = 1
_MOST = 400_000  # bytes: what the kernel is given at once, asyncio's high water and one message


def deaf(served: Served, path: str) -> socket.socket:
    """A WebSocket that is opened and never read from."""
    address = urlsplit(served.url)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((address.hostname, address.port))
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return sock


def reached(served: Served, sock: socket.socket) -> bool:
    """Whether the server holds this client's connection."""
    return any(c.client is not None and c.client[1] == sock.getsockname()[1] for c in tuple(served.connections))


def room_of(served: Served, name: str) -> Room:
    room = served.desk.house.get(name)
    assert isinstance(room, Room)
    return room


async def share(served: Served, name: str, seconds: float, meanwhile: Callable[[], object] = lambda: None) -> float:
    """How much of what a session shows somebody gets who reads: a slow machine shows less, not a lesser part."""
    counts = room_of(served, name).session.counts
    async with websockets.connect(f"{served.ws}/api/sessions/{name}/media", max_size=None) as media:
        while not _is_picture(await media.recv()):
            pass
        begin, shown, got = time.monotonic(), counts.frames, 0
        while time.monotonic() < begin + seconds:
            got += _is_picture(await media.recv())
            meanwhile()
        return got / (counts.frames - shown)


def _is_picture(message: str | bytes) -> bool:
    return isinstance(message, bytes) and message[0] == _PICTURE


def test_a_page_that_never_reads_its_pictures_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_feed, "STALLED", 1.0)
    with serving(unread=1.0) as served:
        name, other = served.session(), served.session()
        room, held = room_of(served, name), [0]

        def watch() -> None:
            sizes = [c.transport.get_write_buffer_size() for c in tuple(served.connections)]
            held[0] = max([held[0], *sizes])

        async def scene() -> None:
            sock = deaf(served, f"/api/sessions/{name}/media")
            await until(lambda: room.seats == 1)
            assert await share(served, other, 5.0, watch) > 0.8
            assert await share(served, name, 1.0) > 0.8  # nor does his own session suffer
            await until(lambda: room.seats == 0, 15.0)
            await until(lambda: not reached(served, sock), 15.0)  # though he never reads the good-bye
            sock.close()

        run(scene())
        assert 0 < held[0] < _MOST


def test_a_page_that_never_reads_its_events_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_STALLED", 1.0)
    with serving(unread=1.0) as served:
        name = served.session()
        room = room_of(served, name)

        async def scene() -> None:
            sock = deaf(served, f"/api/sessions/{name}/events")
            await until(lambda: reached(served, sock))
            async with events(served, name) as page:
                for number in range(3000):
                    room.hub.tell({"type": "note", "tick": number, "text": "x" * 1000})
                    if number % 50 == 0:
                        await asyncio.sleep(0.01)
                room.hub.tell({"type": "last", "tick": 0})
                await page.until("last")
                assert room.hub.waiting <= 256
                await until(lambda: not reached(served, sock), 15.0)
                assert served.session()
            sock.close()

        run(scene())


def test_a_peer_that_takes_no_packet_holds_nothing_up_and_is_forgotten_when_it_goes() -> None:
    pytest.importorskip("aiortc", reason="the extra 'live' is not installed")
    with serving(rtc=RtcSettings(forgotten=6.5)) as served:
        name, other = served.session(), served.session()
        room = room_of(served, name)

        async def scene() -> None:
            peer, tracks = await watching(served, name)
            await tracks[0].recv()
            ice = _deafen(peer)
            await asyncio.sleep(1.0)
            waiting = _coded()
            assert await share(served, other, 3.0) > 0.8
            assert _coded() < waiting + 40  # a second of one track
            assert room.seats == 1
            for protocol in ice._connection._protocols:  # its network goes; no good-bye
                protocol.transport.abort()
            await until(lambda: room.seats == 0, 12.0)
            await until(lambda: served.desk.rtc.peers == 0, 5.0)
            with suppress(Exception):
                await peer.close()

        run(scene())


def _deafen(peer: Any) -> Any:
    """From now on it reads nothing and reports nothing; only ICE's own checks are answered. Returns its transport."""
    dtls = peer.getTransceivers()[0].receiver.transport

    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    async def nothing(*_: Any) -> None:
        pass

    dtls.transport._recv, dtls._send_rtp = never, nothing
    return dtls.transport


def _coded() -> int:
    """Coded pictures and blocks of sound that are alive in this process."""
    gc.collect()
    return sum(type(o) is Coded for o in gc.get_objects())
