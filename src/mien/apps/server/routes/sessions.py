"""Sessions: open, look at, close; WebRTC offers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from fastapi import APIRouter, Request

from mien.apps.server.common import Address, Most, Owner, TheDesk, TheRoom
from mien.apps.server.desk import Desk
from mien.apps.server.faults import responses
from mien.apps.server.orders import Orders
from mien.apps.server.room import Room
from mien.apps.server.schemas import (
    Answer,
    CountsInfo,
    Done,
    HearingInfo,
    IceServer,
    Offer,
    PersonaInfo,
    PuppetWish,
    SessionInfo,
    SessionState,
    SessionWish,
    TallyInfo,
)
from mien.errors import InputError
from mien.transmit.live import Tally

router = APIRouter(prefix="/api/sessions", tags=["sessions"])

_PICTURE: Final = {
    "requestBody": {
        "required": True, 
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in
                    ("image/jpeg", "image/png", "image/webp", "image/avif")},
    }
}  # fmt: skip


@router.post("", status_code=201, responses=responses(404, 429, 501, 502, 503))
async def open_session(wish: SessionWish, desk: TheDesk, owner: Owner, most: Most, address: Address) -> SessionInfo:
    """Open a session. It ends with DELETE, or when nobody has watched it for a minute."""
    desk.rate.take(address)
    room = await desk.open_room(wish, owner, most)
    return info_of(room, desk.cabinet.find(wish.avatar).name, desk)


@router.get("/{session}", responses=responses(404))
async def look(room: TheRoom) -> SessionState:
    """How a session is."""
    return state_of(room)


@router.delete("/{session}", responses=responses(404))
async def close_session(room: TheRoom, desk: TheDesk) -> Done:
    """End a session and everything that hangs on it."""
    await desk.close_room(room.id)
    return Done()


@router.post("/{session}/offer", responses=responses(404, 501))
async def offer(offer: Offer, room: TheRoom, desk: TheDesk) -> Answer:
    """Answer a browser's WebRTC offer. Its microphone and a data channel may come with it."""
    orders = Orders(desk, room)
    sdp = await desk.rtc.answer(offer.model_dump(), room, lambda message: desk.later(orders.obey, message))
    return Answer(sdp=sdp, type="answer")


@router.post("/{session}/puppet", responses=responses(404))
async def puppet(wish: PuppetWish, room: TheRoom, desk: TheDesk) -> Done:
    """Whether the microphone moves the face directly: no words are understood, the own voice passes through."""
    await desk.run(desk.set_puppet, room, wish.on)
    return Done()


@router.post("/{session}/background", responses=responses(404, 409, 413), openapi_extra=_PICTURE)
async def background(request: Request, room: TheRoom, desk: TheDesk) -> Done:
    """A picture of one's own as the background of this session; it is kept nowhere else."""
    data = await request.body()
    if not data:
        raise InputError("There is no picture in the request.", hint="Send the file's content.")
    await desk.run(desk.set_background, room, "", data)
    return Done()


def info_of(room: Room, avatar: str, desk: Desk) -> SessionInfo:
    """What the visitor of a new session is told."""
    troupe, hearing = room.session.troupe, room.hearing
    persona = PersonaInfo(name=troupe.persona.name, greeting=troupe.persona.greeting, language=troupe.persona.language)
    servers = [IceServer(urls=s.url, username=s.username, credential=s.password) for s in desk.options.rtc.servers]
    return SessionInfo(
        id=room.id, avatar=avatar, size=troupe.size, fps=float(troupe.fps), persona=persona,
        hearing=HearingInfo(backend=hearing.backend, languages=list(hearing.languages), note=hearing.note),
        voice=troupe.voice, language=troupe.language, alpha=room.broadcast.pack is not None,
        memory=desk.settings.think.memory, webrtc=not desk.rtc.note, ice_servers=servers,
    )  # fmt: skip


def state_of(room: Room) -> SessionState:
    """A session's state as the API has it."""
    viewers = [tally_of("", "broadcast", {}, room.broadcast.tally)]
    viewers += [tally_of(o.id, o.kind, o.about, o.viewer.tally) for o in room.outputs()]
    return SessionState(
        id=room.id, state=room.session.state, tick=room.session.tick, puppet=room.puppet is not None,
        watching=room.seats, counts=CountsInfo(**asdict(room.session.counts)), viewers=viewers,
    )  # fmt: skip


def tally_of(name: str, kind: str, about: dict[str, object], tally: Tally) -> TallyInfo:
    """A viewer's tally as the API has it."""
    return TallyInfo(id=name, kind=kind, about=about, **asdict(tally))
