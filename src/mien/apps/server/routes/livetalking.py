"""LiveTalking's HTTP API, so that its clients work unchanged: ``{"code": 0, "msg": "ok", "data": …}``.

Facts from its public clients and documents (github.com/lipku/LiveTalking): ids of sessions are text today and were
whole numbers before, so ours are text made of digits, which clients that parse numbers can read, too; errors come with
status 200 and a code that is not 0. A session ends with its WebRTC connection.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse

from mien.apps.server.common import Address, Most, Owner, TheDesk
from mien.apps.server.desk import Desk
from mien.apps.server.faults import responses
from mien.apps.server.room import Room
from mien.apps.server.schemas import SessionWish
from mien.errors import InputError, MienError

router = APIRouter(tags=["LiveTalking"])

_DIGITS: Final = 15
_LONGEST: Final = 20_000
SessionId = Annotated[str | StrictInt | None, Field(description="As /offer gave it; a number works, too.")]


class Reply(BaseModel):
    """code: 0 = done, else msg says why not."""

    code: int = 0
    msg: str = "ok"
    data: Any = None


class Lenient(BaseModel):
    """Clients send more than is known here."""

    model_config = ConfigDict(extra="ignore")


class TalkOffer(Lenient):
    """A browser's offer. avatar: as /api/avatars lists it; other fields of LiveTalking's are passed over."""

    sdp: str = Field(min_length=1, max_length=64 * 1024)
    type: str = Field(max_length=20, examples=["offer"])
    avatar: str | None = Field(default=None, max_length=120)


class TalkAnswer(BaseModel):
    """What /offer answers; code and msg stand there instead when there is no session."""

    sdp: str | None = None
    type: str | None = None
    sessionid: str | None = None
    code: int | None = None
    msg: str | None = None


class Human(Lenient):
    """Words for the avatar. type: "echo" = say them, "chat" = answer them."""

    sessionid: SessionId = None
    text: str = Field(default="", max_length=_LONGEST)
    type: str = Field(default="echo", max_length=20, examples=["echo", "chat"])
    interrupt: bool | int = False


class OfSession(Lenient):
    """A session."""

    sessionid: SessionId = None


class AudioType(OfSession):
    """audiotype: which of LiveTalking's custom motions; here the name or number of an emotion."""

    audiotype: StrictInt | str = Field(default=0, examples=[1])


class Record(OfSession):
    """type: "start_record" or "end_record"."""

    type: str = Field(default="", max_length=20, examples=["start_record"])


@router.post("/offer", response_model_exclude_none=True, responses=responses(429))
async def talk_offer(offer: TalkOffer, desk: TheDesk, owner: Owner, most: Most, address: Address) -> TalkAnswer:
    """Open a session and answer its offer. The session ends when the connection does."""
    try:
        desk.rate.take(address)
        wish = SessionWish(avatar=_avatar(desk, offer.avatar))
        room = await desk.open_room(wish, owner, most)
    except MienError as error:
        return TalkAnswer(code=-1, msg=str(error))
    try:
        loop = asyncio.get_running_loop()
        description = {"sdp": offer.sdp, "type": offer.type}
        ended = partial(loop.call_soon_threadsafe, desk.soon_close, room.id)
        sdp = await desk.rtc.answer(description, room, lambda message: None, ended)
    except MienError as error:
        await desk.close_room(room.id)
        return TalkAnswer(code=-1, msg=str(error))
    except BaseException:
        await desk.close_room(room.id)
        raise
    name = str(secrets.randbelow(9 * 10 ** (_DIGITS - 1)) + 10 ** (_DIGITS - 1))
    desk.aliases[name] = room.id
    return TalkAnswer(sdp=sdp, type="answer", sessionid=name)


@router.post("/human", responses=responses())
async def human(given: Human, desk: TheDesk, owner: Owner) -> Reply:
    """Say a text, or answer it."""

    def speak(room: Room) -> None:
        if not given.text.strip():
            raise InputError("There is no text.")
        if given.type == "echo":
            room.session.say(given.text, interrupt=bool(given.interrupt))
        elif given.type == "chat":
            room.session.ask(given.text)
        else:
            raise InputError(f"The type '{given.type}' is not known.", hint="Use echo or chat.")

    return await _reply(desk, given.sessionid, owner, speak)


@router.post("/interrupt_talk", responses=responses())
async def interrupt_talk(given: OfSession, desk: TheDesk, owner: Owner) -> Reply:
    """Be quiet."""
    return await _reply(desk, given.sessionid, owner, lambda room: _nothing(room.session.interrupt()))


@router.post("/is_speaking", responses=responses())
async def is_speaking(given: OfSession, desk: TheDesk, owner: Owner) -> Reply:
    """data: whether it speaks."""
    return await _reply(desk, given.sessionid, owner, lambda room: room.session.state == "speaking")


@router.post("/set_audiotype", responses=responses())
async def set_audiotype(given: AudioType, desk: TheDesk, owner: Owner) -> Reply:
    """Hold an emotion: its name, or 0 (neutral) to 6 (serious)."""
    from mien.types import EMOTION_NAMES

    def feel(room: Room) -> None:
        wanted = str(given.audiotype)
        names = dict(enumerate(EMOTION_NAMES))
        name = names.get(int(wanted)) if wanted.isdecimal() and len(wanted) < 4 else wanted
        if name not in EMOTION_NAMES:
            raise InputError(
                "There is no such audiotype.", hint=f"Use 0 to {len(names) - 1}: {', '.join(EMOTION_NAMES)}."
            )
        desk.set_dials(room, {"emotion": name})

    return await _reply(desk, given.sessionid, owner, feel)


@router.post("/record", responses=responses())
async def record(given: Record, desk: TheDesk, owner: Owner) -> Reply:
    """Begin or end a recording. data: the file's name."""
    from mien.apps.server.routes.outputs import begin_recording, stop_recording

    def take(room: Room) -> object:
        if given.type == "start_record":
            return begin_recording(room).name
        if given.type == "end_record":
            return stop_recording(room).name
        raise InputError(f"The type '{given.type}' is not known.", hint="Use start_record or end_record.")

    return await _reply(desk, given.sessionid, owner, take)


_UPLOAD: Final = {
    "requestBody": {
        "required": False,
        "content": {"multipart/form-data": {"schema": {
            "type": "object", 
            "properties": {"sessionid": {"type": "string"}, "file": {"type": "string", "format": "binary"}},
        }}},
    }
}  # fmt: skip


@router.post("/humanaudio", response_model=Reply, responses=responses(413), openapi_extra=_UPLOAD)
async def humanaudio(request: Request, desk: TheDesk, owner: Owner) -> JSONResponse:
    """Play a sound file through the avatar."""
    async with request.form(max_files=1, max_fields=8, max_part_size=64 << 10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            return JSONResponse(Reply(code=-1, msg="There is no file.").model_dump())
        data, name = await file.read(), str(form.get("sessionid", ""))
    reply = await _reply(desk, name, owner, lambda room: desk.play(room, data))
    return JSONResponse(reply.model_dump())


async def _reply(desk: Desk, name: str | int | None, owner: str, work: Any) -> Reply:
    def done() -> object:
        return work(desk.room(str(name or ""), owner))

    try:
        data = await desk.run(done)
    except MienError as error:
        return Reply(code=-1, msg="session not found" if error.code == "session.unknown" else str(error))
    return Reply(data=data)


def _avatar(desk: Desk, name: str | None) -> str:
    """LiveTalking's clients send ids of its own avatars; the usual one stands in for those that are not here."""
    known = {entry.name for entry in desk.cabinet.entries()}
    return name if name in known else ""


def _nothing(_: object) -> None:
    return None
