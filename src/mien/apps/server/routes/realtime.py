"""OpenAI's realtime API over WebSocket, with the face's motion beside the sound."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, WebSocket
from pydantic import ValidationError

from mien.apps.server.bridge import Bridge, keep_pace
from mien.apps.server.common import address_of, desk_of, most_of, owner_of
from mien.apps.server.hub import Event, Subscriber
from mien.apps.server.routes.streams import finish, refuse, say, together
from mien.apps.server.schemas import SessionWish
from mien.apps.server.talk import Moments, fault
from mien.errors import InputError, MienError

router = APIRouter(prefix="/v1")

_PROTOCOL: Final = "realtime"
_WAITING: Final = 2000
"""Events that wait for a client at most; one that is so far behind is left."""


@router.websocket("/realtime")
async def realtime(
    socket: WebSocket,
    model: Annotated[str, Query(max_length=120)] = "mien-realtime",
    avatar: Annotated[str, Query(max_length=120)] = "",
    voice: Annotated[str, Query(max_length=200)] = "",
    language: Annotated[str, Query(max_length=35)] = "",
    persona: Annotated[str, Query(max_length=120)] = "",
) -> None:
    """A session of its own for each connection; /api/sessions/ID/media shows its pictures."""
    desk = desk_of(socket)
    try:
        desk.rate.take(address_of(socket))
        wish = SessionWish(avatar=avatar, voice=voice, language=language, persona=persona)
        room = await desk.open_room(wish, owner_of(socket), most_of(socket))
    except ValidationError:
        await refuse(socket, InputError("A parameter of the address is wrong.", hint="docs/api.md lists them."))
        return
    except MienError as error:
        await refuse(socket, error)
        return
    offered = socket.headers.get("sec-websocket-protocol", "")
    await socket.accept(_PROTOCOL if _PROTOCOL in [p.strip() for p in offered.split(",")] else None)
    queue: asyncio.Queue[Event] = asyncio.Queue(_WAITING)
    bridge = Bridge(desk, room, model, lambda event: _put(queue, event))
    subscriber = room.hub.subscribe()
    moments = Moments(subscriber.put)  # one queue for both, so that a moment stays before what is told after it
    room.session.watch(moments, pictures=False)
    bridge.greet()
    try:
        await together(_send(socket, queue), _receive(socket, bridge), _tell(subscriber, bridge), keep_pace(bridge))
    finally:
        subscriber.close()
        room.session.leave(moments)
        await asyncio.shield(desk.close_room(room.id))
        await finish(socket)


def _put(queue: asyncio.Queue[Event], event: Event) -> None:
    with suppress(asyncio.QueueFull):  # the sender notices that it stalls, and ends
        queue.put_nowait(event)


async def _send(socket: WebSocket, queue: asyncio.Queue[Event]) -> None:
    while not queue.full():
        await say(socket, await queue.get())


async def _receive(socket: WebSocket, bridge: Bridge) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        try:
            order: Any = json.loads(message.get("text") or "")
        except (ValueError, RecursionError):
            order = None
        if isinstance(order, dict):
            await bridge.obey(order)
        else:
            await say(socket, fault("The message is not a JSON object.", "invalid_json"))


async def _tell(subscriber: Subscriber, bridge: Bridge) -> None:
    async for told in subscriber:
        bridge.take(told)
