"""WebSockets of a session: events and orders, and the pictures and sound where WebRTC does not get through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from mien.apps.server.common import SessionName, desk_of, owner_of
from mien.apps.server.desk import Desk
from mien.apps.server.faults import body_of, status_of
from mien.apps.server.hub import Event, Subscriber
from mien.apps.server.orders import Orders
from mien.apps.server.room import Room
from mien.errors import InputError, MienError, NetworkError
from mien.transmit.rtc_peer import Listeners, parse_message
from mien.transmit.socket_feed import HEADER, SOUND_SAMPLES, SocketFeed

router = APIRouter(prefix="/api/sessions")

_STALLED: Final = 5.0
"""Seconds that one message to a page may take."""
_BARE: Final = 1920
"""Bytes of 20 ms of bare sound: 48 kHz, mono, 16 bits."""


@router.websocket("/{session}/events")
async def events(socket: WebSocket, session: SessionName) -> None:
    """JSON both ways: what happens, and what the page asks for."""
    found = await find(socket, session)
    if found is None:
        return
    desk, room = found
    subscriber = room.hub.subscribe()
    orders = Orders(desk, room, subscriber.put)
    await socket.accept()
    subscriber.put(_avatar(room))
    subscriber.put({"type": "state", "tick": room.session.tick, "state": room.session.state})
    if room.session.broken:
        subscriber.put(room.session.broken)
    try:
        await together(_send_events(socket, subscriber), _take_orders(socket, desk, orders, room))
    finally:
        subscriber.close()
        await finish(socket)


@router.websocket("/{session}/media")
async def media(
    socket: WebSocket,
    session: SessionName,
    form: Annotated[Literal["chunks", "fragments"], Query()] = "chunks",
    sound: Annotated[Literal["", "pcm", "opus", "aac"], Query()] = "",
) -> None:
    """Pictures and sound out, the microphone in: docs/streaming.md."""
    found = await find(socket, session)
    if found is None:
        return
    desk, room = found
    orders = Orders(desk, room)
    listeners = Listeners(on_sound=room.hear, on_message=lambda message: desk.later(orders.obey, message))
    try:
        feed = SocketFeed(room.broadcast, listeners, form=form, sound=sound)
    except MienError as error:
        await refuse(socket, error)
        return
    await socket.accept()
    off = room.on_leaving(feed.close)
    room.sit()
    try:
        with suppress(NetworkError):
            await together(feed.run(_sender(socket)), _hear(socket, feed))
    finally:
        feed.close()
        off()
        await desk.run(room.stand)
        await finish(socket)


async def find(socket: WebSocket, name: str) -> tuple[Desk, Room] | None:
    """The session of a socket; None: it was refused."""
    desk = desk_of(socket)
    try:
        return desk, desk.room(name, owner_of(socket))
    except MienError as error:
        await refuse(socket, error)
        return None


async def refuse(socket: WebSocket, error: MienError) -> None:
    """Refuse a socket before it is accepted, with the reason."""
    from starlette.responses import JSONResponse

    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(JSONResponse(body_of(error), status_of(error)))
    else:
        await socket.close(1008, error.message[:120])


async def finish(socket: WebSocket) -> None:
    """Close a socket that may be closed already."""
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError, OSError):
        if socket.application_state is WebSocketState.CONNECTED and socket.client_state is WebSocketState.CONNECTED:
            await asyncio.wait_for(socket.close(), 1.0)


async def together(*works: Awaitable[None]) -> None:
    """Run them until the first one ends; the others are cancelled. A page that goes is no error."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            with suppress(WebSocketDisconnect, TimeoutError):
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def say(socket: WebSocket, message: dict[str, Any]) -> None:
    """Send JSON. Raises TimeoutError when the page does not read."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    await asyncio.wait_for(socket.send_text(text), _STALLED)


async def _send_events(socket: WebSocket, subscriber: Subscriber) -> None:
    async for event in subscriber:
        await say(socket, event)


async def _take_orders(socket: WebSocket, desk: Desk, orders: Orders, room: Room) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        room.seen_now()
        try:
            parsed = parse_message(message.get("text") or message.get("bytes") or "")
        except InputError as error:
            await say(socket, {"type": "error", "tick": room.session.tick, **body_of(error)["error"]})
            continue
        await desk.run(orders.obey, parsed)


async def _hear(socket: WebSocket, feed: SocketFeed) -> None:
    position = 0
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data: str | bytes = message.get("text") or message.get("bytes") or b""
        if len(data) == _BARE and isinstance(data, bytes):
            data = HEADER.pack(SOUND_SAMPLES, 0, 0, _BARE // 2, position) + data
            position += _BARE // 2
        try:
            feed.receive(data)
        except InputError as error:
            feed.send_message({"type": "error", **body_of(error)["error"]})


def _sender(socket: WebSocket) -> Callable[[str | bytes], Awaitable[None]]:
    async def send(data: str | bytes) -> None:
        if isinstance(data, str):
            await socket.send_text(data)
        else:
            await socket.send_bytes(data)

    return send


def _avatar(room: Room) -> Event:
    troupe = room.session.troupe
    return {
        "type": "avatar", "tick": room.session.tick, "size": list(troupe.size), "fps": float(troupe.fps),
        "name": troupe.persona.name, "voice": troupe.voice, "language": troupe.language,
        "alpha": room.broadcast.pack is not None,
    }  # fmt: skip
