"""The studio's files: what a project holds, and what is on its way, in pieces that can go on after a break."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response

from mien.apps.server.faults import responses
from mien.apps.server.routes.studio import TheStudio
from mien.apps.server.schemas import Done
from mien.apps.server.studio.schemas import AssetInfo, Assets, ProjectName, UploadId, UploadInfo, UploadWish
from mien.apps.server.studio.uploads import Upload

router = APIRouter(prefix="/api/studio", tags=["studio"])

_BYTES: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    }
}  # fmt: skip
_CLOSED: Final = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "no-cache"}
_WRITTEN: Final = 1 << 20
"""Bytes that are gathered before they are written."""
Named = Annotated[str, Query(max_length=300, min_length=1, examples=["leaf.png"])]
Offset = Annotated[int, Header(ge=0, le=1 << 40, description="Where the piece begins: the bytes that are here.")]


@router.get("/projects/{project}/assets", responses=responses(404))
async def assets(project: ProjectName, studio: TheStudio) -> Assets:
    """A project's files, and those on their way."""
    held = await studio.run(studio.projects.assets, project)
    coming = await studio.run(studio.uploads.all, project)
    return Assets(
        assets=[AssetInfo(**asdict(one)) for one in held], uploads=[_info(one) for one in coming],
        used=await studio.run(studio.projects.used, project),
    )  # fmt: skip


@router.get(
    "/projects/{project}/assets/file",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}}, **responses(404)},
)
async def fetch(project: ProjectName, file: Named, studio: TheStudio) -> FileResponse:
    """One file; parts of it with Range."""
    path = await studio.run(studio.projects.asset, project, file)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name, headers=_CLOSED)


@router.get(
    "/projects/{project}/assets/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **responses(404, 502, 503)},
)
async def picture(
    project: ProjectName, file: Named, studio: TheStudio, side: Annotated[int, Query(ge=32, le=640)] = 240
) -> Response:
    """A small picture of a picture or video."""
    made = await studio.run(studio.thumbnail, project, file, side)
    return Response(made, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=60"})


@router.delete("/projects/{project}/assets/file", responses=responses(404, 507))
async def remove(project: ProjectName, file: Named, studio: TheStudio) -> Done:
    """Delete a file."""
    await studio.run(studio.projects.remove_asset, project, file)
    return Done()


@router.post("/projects/{project}/uploads", status_code=201, responses=responses(404, 503, 507))
async def begin(project: ProjectName, wish: UploadWish, studio: TheStudio) -> UploadInfo:
    """Announce a file; a file of that name is replaced when the new one is whole."""
    return _info(await studio.run(studio.uploads.begin, project, wish.file, wish.size, wish.mark))


@router.get("/uploads/{upload}", responses=responses(404))
async def progress(upload: UploadId, studio: TheStudio) -> UploadInfo:
    """How much of a file is here."""
    return _info(await studio.run(studio.uploads.look, upload))


@router.patch("/uploads/{upload}", responses=responses(404, 409, 502, 503, 507), openapi_extra=_BYTES)
async def put(upload: UploadId, request: Request, studio: TheStudio, upload_offset: Offset) -> UploadInfo:
    """The next piece. What has arrived of it stays, also when the connection breaks. With the last one the file is
    looked at and comes into the project (done: true).
    """
    found = await studio.run(studio.uploads.enter, upload, upload_offset)
    try:
        with suppress(ClientDisconnect):
            await _receive(request, studio, found)
    finally:
        found = await studio.run(studio.uploads.leave, found)
    return _info(found)


@router.delete("/uploads/{upload}", responses=responses(404, 409))
async def drop(upload: UploadId, studio: TheStudio) -> Done:
    """Give an upload up."""
    await studio.run(studio.uploads.drop, upload)
    return Done()


async def _receive(request: Request, studio: TheStudio, upload: Upload) -> None:
    at, waiting = upload.offset, bytearray()
    try:
        async for data in request.stream():
            waiting += data
            if len(waiting) >= _WRITTEN:
                taken, waiting = bytes(waiting), bytearray()
                at = await studio.run(studio.uploads.put, upload, at, taken)
    finally:
        if waiting:
            await studio.run(studio.uploads.put, upload, at, bytes(waiting))


def _info(upload: Upload) -> UploadInfo:
    return UploadInfo(
        id=upload.id, project=upload.project, file=upload.file, size=upload.size, offset=upload.offset,
        done=upload.whole,
    )  # fmt: skip
