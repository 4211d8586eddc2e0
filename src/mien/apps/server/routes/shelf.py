"""What there is to choose from: avatars, voices, personas; and what works here."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from mien import config
from mien.apps.server.cabinet import backgrounds as list_backgrounds
from mien.apps.server.common import TheDesk
from mien.apps.server.faults import responses
from mien.errors import MienError

router = APIRouter(prefix="/api", tags=["choices"])

_LONGEST_LIST = 400


class AvatarInfo(BaseModel):
    """origin: "portrait", "kept" or "demo". picture: where its picture is."""

    name: str
    origin: str
    picture: str


class Avatars(BaseModel):
    """The first is the usual one."""

    avatars: list[AvatarInfo]


class Backgrounds(BaseModel):
    """What "picture:NAME" may name."""

    pictures: list[str]


class VoiceInfo(BaseModel):
    """name: what a session is asked for. languages: [] = any of its back end."""

    name: str
    backend: str
    gender: str
    languages: list[str]
    licence: str
    note: str


class BackendInfo(BaseModel):
    """lacks: what is missing, "" = nothing known of. mend: what mends it. leaves: what leaves the machine."""

    name: str
    languages: list[str]
    lacks: str
    mend: str
    leaves: str


class Voices(BaseModel):
    """voices: of the back ends that are ready."""

    voices: list[VoiceInfo]
    backends: list[BackendInfo]


class PersonaEntry(BaseModel):
    """Somebody who answers."""

    id: str
    name: str
    greeting: str
    voice: str
    avatar: str
    language: str


class Personas(BaseModel):
    """usual: whom a session gets that asks for nobody, "" = the plain one."""

    personas: list[PersonaEntry]
    usual: str


class Doctor(BaseModel):
    """What hears, thinks and speaks here, and what mends what is missing."""

    hearing: list[BackendInfo]
    thinking: list[BackendInfo]
    speaking: list[BackendInfo]
    webrtc: str
    udp_port: int
    memory: str


@router.get("/avatars", responses=responses())
async def avatars(desk: TheDesk) -> Avatars:
    """The avatars to choose from."""
    from urllib.parse import quote

    entries = await desk.run(desk.cabinet.entries)
    return Avatars(
        avatars=[
            AvatarInfo(name=e.name, origin=e.origin, picture=f"/api/avatars/{quote(e.name, safe='')}/picture")
            for e in entries
        ]
    )


@router.get(
    "/avatars/{name}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **responses(404, 501, 502)},
)
async def picture(name: Annotated[str, Path(max_length=120)], desk: TheDesk) -> Response:
    """A JPEG of 512 pixels at most."""
    data = await desk.run(desk.cabinet.picture, name)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=300"})


@router.get("/backgrounds", responses=responses())
async def backgrounds(desk: TheDesk) -> Backgrounds:
    """The pictures in the folder "backgrounds" of the data folder."""
    return Backgrounds(pictures=list(await desk.run(list_backgrounds)))


@router.get("/voices", responses=responses(404))
async def voices(
    desk: TheDesk, language: Annotated[str, Query(max_length=35, pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]+)*)?$")] = ""
) -> Voices:
    """The voices of all back ends that are ready, of one language or all."""
    return await desk.run(desk.shelf_once, f"voices {language}", lambda: list_voices(language))


@router.get("/personas", responses=responses())
async def personas(desk: TheDesk) -> Personas:
    """Those who may answer."""
    return await desk.run(_personas, desk.settings.think.persona)


@router.get("/doctor", responses=responses())
async def doctor(desk: TheDesk) -> Doctor:
    """What works here."""
    settings = desk.settings
    hearing, speaking = await desk.run(_hearing, settings), await desk.run(_speaking)
    assert desk.thinker is not None
    return Doctor(
        hearing=hearing, thinking=[_about(desk.thinker.info.name, desk.thinker.info)], speaking=speaking,
        webrtc=desk.rtc.note, udp_port=desk.rtc.port, memory=settings.think.memory,
    )  # fmt: skip


def list_voices(language: str) -> Voices:
    """Every voice that is ready; servers that do not answer have none."""
    from mien.dialogue.speak.choose import EMBEDDED, speakers
    from mien.dialogue.speak.request import primary

    wanted = primary(language) if language else ""
    found: list[VoiceInfo] = []
    ends: list[BackendInfo] = []
    for backend, speaker in speakers():
        with closing(speaker):
            info = speaker.info
            ends.append(_about(backend, info))
            try:
                offered = speaker.voices() if not info.lacks else ()
            except MienError:
                continue
            for voice in offered[:_LONGEST_LIST]:
                if wanted and voice.languages and wanted not in {primary(c) for c in voice.languages}:
                    continue
                name = voice.name if backend == EMBEDDED else f"{backend}:{voice.name}"
                found.append(VoiceInfo(
                    name=name, backend=backend, gender=voice.gender, languages=list(voice.languages),
                    licence=voice.licence or info.licence, note=voice.note,
                ))  # fmt: skip
    return Voices(voices=found, backends=ends)


def _personas(usual: str) -> Personas:
    from mien.dialogue.think.personas import load_persona, names

    listed = []
    for name in names():
        try:
            one = load_persona(name)
        except MienError:  # a damaged file of the user's own is not on offer
            continue
        listed.append(PersonaEntry(
            id=name, name=one.name, greeting=one.greeting, voice=one.voice, avatar=one.avatar, language=one.language
        ))  # fmt: skip
    return Personas(personas=listed, usual=usual if usual in {p.id for p in listed} else "")


def _hearing(settings: config.Settings) -> list[BackendInfo]:
    from mien.dialogue.hear.choose import recognisers

    listed = []
    for name, recogniser in recognisers(settings.hear):
        with closing(recogniser):
            listed.append(_about(name, recogniser.info))
    return listed


def _speaking() -> list[BackendInfo]:
    from mien.dialogue.speak.choose import speakers

    listed = []
    for name, speaker in speakers():
        with closing(speaker):
            listed.append(_about(name, speaker.info))
    return listed


def _about(name: str, info: Any) -> BackendInfo:
    return BackendInfo(
        name=name, languages=list(getattr(info, "languages", ())), lacks=info.lacks, mend=info.mend, leaves=info.leaves
    )
