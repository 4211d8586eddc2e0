"""Where a session is sent: recordings, pushes to streaming servers, motion for other people's software."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from mien import config
from mien.apps.server.common import SessionName, TheDesk, TheRoom
from mien.apps.server.desk import Desk
from mien.apps.server.faults import Denied, responses
from mien.apps.server.options import is_loopback
from mien.apps.server.room import Room
from mien.apps.server.routes.sessions import tally_of
from mien.apps.server.routes.streams import find, finish, together
from mien.apps.server.schemas import Done, Strict, TallyInfo
from mien.errors import InputError, MissingError, OutputError
from mien.transmit.live import Viewer
from mien.transmit.motion_socket import MotionSocket
from mien.transmit.send import Pictures, open_viewer

router = APIRouter(prefix="/api", tags=["outputs"])

_PUSHES = ("rtmp", "whip", "camera")
_MOTION = ("vmc", "livelink")
_STALLED = 5.0
OutputName = Annotated[str, PathParameter(max_length=32, pattern=r"^[A-Za-z0-9_-]+$")]
RecordingName = Annotated[str, PathParameter(max_length=80, pattern=r"^[A-Za-z0-9_-]+\.mp4$")]


class Recording(BaseModel):
    """name: of the file in the server's folder of recordings. url: where it can be fetched once it has ended."""

    name: str
    state: str
    seconds: float
    reason: str
    url: str


class PushWish(Strict):
    """Where to. url: rtmp(s)://HOST/APP/KEY, whip+https://HOST/PATH, or camera: for a virtual camera here."""

    url: str = Field(min_length=1, max_length=2000, examples=["rtmp://127.0.0.1/live/key"])


class MotionWish(Strict):
    """Where to. port: 0 = the usual one of that protocol. subject: Live Link's name of the face."""

    protocol: Literal["vmc", "livelink"]
    host: str = Field(default="127.0.0.1", max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")
    port: int = Field(default=0, ge=0, le=65535)
    subject: str = Field(default="Mien", min_length=1, max_length=60, pattern=r"^[\w .-]+$")


@router.post("/sessions/{session}/recording", status_code=201, responses=responses(404, 409, 507))
async def record(room: TheRoom, desk: TheDesk) -> Recording:
    """Begin to record into an mp4 file on the server."""
    return await desk.run(begin_recording, room)


@router.delete("/sessions/{session}/recording", responses=responses(404, 507))
async def end_recording(room: TheRoom, desk: TheDesk) -> Recording:
    """End the recording; the file is whole when this answers."""
    return await desk.run(stop_recording, room)


@router.get(
    "/recordings/{name}",
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": {}}}, **responses(404)},
)
async def fetch_recording(name: RecordingName, desk: TheDesk) -> FileResponse:
    """A recording that has ended. Its name is what one must know to have it."""
    file = folder() / name
    if not await desk.run(file.is_file):
        raise MissingError("There is no such recording.", code="missing.recording")
    return FileResponse(file, media_type="video/mp4", filename=name)


@router.post("/sessions/{session}/pushes", status_code=201, responses=responses(404, 409, 501, 502))
async def push(wish: PushWish, room: TheRoom, desk: TheDesk) -> TallyInfo:
    """Send pictures and sound to a streaming server, or to a virtual camera of this machine."""
    kind = next((k for k in _PUSHES if wish.url.lower().startswith(k)), "")
    if not kind:
        raise InputError("That is no place to push to.", hint="Use rtmp://, rtmps://, whip+https:// or camera:.")
    if kind == "camera":
        _check_outside(desk, "" if desk.options.local else "the server's camera")
    else:
        _check_outside(desk, _host(wish.url))
    return await _start(desk, room, kind, wish.url)


@router.delete("/sessions/{session}/pushes/{output}", responses=responses(404))
async def end_push(output: OutputName, room: TheRoom, desk: TheDesk) -> Done:
    """End a push."""
    await desk.run(room.remove, output, *_PUSHES)
    return Done()


@router.post("/sessions/{session}/motion", status_code=201, responses=responses(404, 409))
async def motion(wish: MotionWish, room: TheRoom, desk: TheDesk) -> TallyInfo:
    """Send the face's motion by UDP: VMC (OSC) or Live Link Face."""
    _check_outside(desk, wish.host)
    host = f"[{wish.host}]" if ":" in wish.host else wish.host
    place = f"{host}:{wish.port}" if wish.port else host
    subject = f"/{wish.subject}" if wish.protocol == "livelink" else ""
    return await _start(desk, room, wish.protocol, f"{wish.protocol}://{place}{subject}")


@router.delete("/sessions/{session}/motion/{output}", responses=responses(404))
async def end_motion(output: OutputName, room: TheRoom, desk: TheDesk) -> Done:
    """End sending motion."""
    await desk.run(room.remove, output, *_MOTION)
    return Done()


@router.websocket("/sessions/{session}/motion")
async def motion_socket(socket: WebSocket, session: SessionName) -> None:
    """The motion as JSON rows: docs/sending.md."""
    found = await find(socket, session)
    if found is None:
        return
    desk, room = found
    await socket.accept()
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    viewer = MotionSocket(_deliver(socket, loop), lambda: loop.call_soon_threadsafe(gone.set))
    try:
        output = await desk.run(room.add, "motion", viewer, {})
    except InputError:
        await finish(socket)
        return
    off = room.on_leaving(lambda: loop.call_soon_threadsafe(gone.set))
    try:
        await _until_gone(socket, gone)
    finally:
        off()
        await desk.run(_remove_quietly, room, output.id)
        await finish(socket)


def folder() -> Path:
    """Where recordings are kept."""
    return config.data_dir() / "recordings"


async def _start(desk: Desk, room: Room, kind: str, target: str) -> TallyInfo:
    width, height = room.session.troupe.size
    pictures = Pictures(width, height, room.session.troupe.fps)
    viewer = await desk.run(open_viewer, target, pictures)
    about = {"to": str(getattr(viewer, "address", "")) or kind}
    output = await desk.run(room.add, kind, viewer, about)
    return tally_of(output.id, kind, output.about, viewer.tally)


def begin_recording(room: Room) -> Recording:
    """Begin to record. Raises InputError when it is recorded already, OutputError."""
    if room.outputs("recording"):
        raise InputError("This session is being recorded.", hint="End that first.", code="input.conflict")
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}.mp4"
    viewer = _recorder(name, room)
    room.add("recording", viewer, {"name": name, "began": time.time()})
    return _recording(name, viewer, 0.0)


def stop_recording(room: Room) -> Recording:
    """End the recording; takes seconds at most. Raises InputError when there is none."""
    running = room.outputs("recording")
    if not running:
        raise InputError("This session is not being recorded.", code="output.unknown")
    output = room.remove(running[0].id, "recording")
    return _recording(output.about["name"], output.viewer, time.time() - output.about["began"])


def _recorder(name: str, room: Room) -> Viewer:
    try:
        folder().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder of recordings cannot be made: {error.strerror}.") from None
    width, height = room.session.troupe.size
    return open_viewer(name, Pictures(width, height, room.session.troupe.fps), folder=folder())


def _recording(name: str, viewer: Viewer, seconds: float) -> Recording:
    tally = viewer.tally
    return Recording(
        name=name, state=tally.state, seconds=round(seconds, 2), reason=tally.reason, url=f"/api/recordings/{name}"
    )


def _check_outside(desk: Desk, host: str) -> None:
    """Raise Denied where visitors may not have this server connect to other machines."""
    if not desk.options.may_send_outside and not is_loopback(host):
        raise Denied("This server does not send to other machines.", hint="Start it with --send-outside.")


def _host(url: str) -> str:
    try:
        return urlsplit(url.removeprefix("whip+")).hostname or ""
    except ValueError:
        return ""


def _deliver(socket: WebSocket, loop: asyncio.AbstractEventLoop) -> Callable[[str], object]:
    def deliver(text: str) -> None:
        future = asyncio.run_coroutine_threadsafe(socket.send_text(text), loop)
        try:
            future.result(_STALLED)
        except BaseException:
            future.cancel()
            raise

    return deliver


async def _until_gone(socket: WebSocket, gone: asyncio.Event) -> None:
    async def listen() -> None:
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass

    async def wait() -> None:
        await gone.wait()

    await together(listen(), wait())


def _remove_quietly(room: Room, name: str) -> None:
    with suppress(InputError):  # the session took it along
        room.remove(name, "motion")
