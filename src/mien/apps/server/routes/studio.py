"""The studio's projects: their list, their texts, and looks at them. docs/studio-web.md tells how to use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.background import BackgroundTask
from starlette.requests import HTTPConnection
from starlette.responses import FileResponse, Response

from mien.apps.server.common import Owner, TheDesk, desk_of, owner_of
from mien.apps.server.faults import responses
from mien.apps.server.schemas import Done
from mien.apps.server.studio.projects import Source
from mien.apps.server.studio.schemas import (
    Checked,
    Choices,
    DraftWish,
    Edited,
    EditWish,
    Limits,
    NewProject,
    Offer,
    ProblemInfo,
    ProjectInfo,
    ProjectList,
    ProjectName,
    ProjectSummary,
    ProjectText,
    StillWish,
    TextWish,
)
from mien.apps.server.studio.studio import Home, none_here
from mien.apps.studio.assets import LARGEST
from mien.apps.studio.edit import Change, change
from mien.apps.studio.source import Problem, ProjectError, parse, to_json
from mien.errors import MissingError

router = APIRouter(prefix="/api/studio", tags=["studio"])

PIECE = 8 << 20
"""Bytes of an upload's piece, at most."""
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}
Version = Annotated[str, Header(max_length=100, description="The version that is replaced, as it was read.")]


async def home_of(connection: HTTPConnection) -> Home:
    """What whoever asks sees of the studio. Raises MissingError where there is none."""
    studio = desk_of(connection).studio
    if studio is None:
        raise none_here()
    return studio.home(owner_of(connection))


TheStudio = Annotated[Home, Depends(home_of)]


@router.get("")
async def offer(desk: TheDesk, owner: Owner) -> Offer:
    """Whether there is a studio here, and what it allows."""
    if desk.studio is None:
        return Offer(offered=False)
    studio = desk.studio.home(owner)
    projects = studio.projects
    used = await studio.run(projects.used)
    limits = Limits(
        used=used, whole=projects.whole, each=projects.each, piece=min(PIECE, desk.options.upload),
        largest={kind: size * 1_000_000 for kind, size in LARGEST.items()},
    )  # fmt: skip
    return Offer(offered=True, limits=limits, choices=await studio.run(_choices))


@router.get("/schema")
async def schema(studio: TheStudio) -> dict[str, object]:
    """The JSON Schema of a project's values."""
    from mien.apps.studio.schema import schema as made

    return await studio.run(made)


@router.get("/projects", responses=responses(404))
async def projects(studio: TheStudio) -> ProjectList:
    """All projects."""
    found = await studio.run(studio.projects.all)
    return ProjectList(projects=[ProjectSummary(**asdict(one)) for one in found])


@router.post("/projects", status_code=201, responses=responses(404, 409, 501, 502, 507))
async def create(wish: NewProject, studio: TheStudio, response: Response) -> ProjectInfo:
    """Make a project."""
    source = await studio.run(studio.projects.create, wish.name, wish.template, wish.language, wish.copy_of)
    return _info(source, response, studio)


@router.get("/projects/{project}", responses=responses(404))
async def look(project: ProjectName, studio: TheStudio, response: Response) -> ProjectInfo:
    """A project's text; its version comes as ETag, too."""
    return _info(await studio.run(studio.projects.read, project), response, studio)


@router.put("/projects/{project}", responses=responses(404, 412, 507))
async def write(
    project: ProjectName, wish: ProjectText, studio: TheStudio, response: Response, if_match: Version
) -> ProjectInfo:
    """Save another text, which may be wrong; 412 when somebody else has changed it meanwhile."""
    version = if_match.strip().removeprefix("W/").strip('"')
    return _info(await studio.run(studio.projects.write, project, wish.text, version), response, studio)


@router.delete("/projects/{project}", responses=responses(404, 507))
async def delete(project: ProjectName, studio: TheStudio) -> Done:
    """Delete a project with its files; films that were made of it stay."""
    await studio.run(studio.projects.delete, project)
    return Done()


@router.post("/projects/{project}/edit", responses=responses(404))
async def edit(project: ProjectName, wish: EditWish, studio: TheStudio) -> Edited:
    """Change fields in a text, which keeps its comments and its order. Nothing is saved."""
    source = await studio.run(studio.projects.read, project)
    changes = [Change(one.op, one.field, one.value, one.to) for one in wish.changes]
    return await studio.run(_edited, source.file.name, wish.text, changes)


@router.post("/projects/{project}/check", responses=responses(404, 502, 503))
async def check(project: ProjectName, wish: TextWish, studio: TheStudio) -> Checked:
    """All that is wrong with a text, with lines; nothing is saved."""
    source = await studio.run(studio.projects.read, project)
    told = await studio.run(studio.check, source, source.text if wish.text is None else wish.text)
    problems = [Problem(*one) for one in told["problems"]]
    return Checked(**{**told, "problems": _problems(problems)})


@router.post("/projects/{project}/still", response_class=Response, responses={**_JPEG, **responses(404, 501, 502, 503)})
async def still(project: ProjectName, wish: StillWish, studio: TheStudio, request: Request) -> Response:
    """A moment of a scene, as it is in the film, small. X-Seconds: how long the scene is; X-At: when the moment is."""
    source = await studio.run(studio.projects.read, project)
    text = source.text if wish.text is None else wish.text
    async with _waiting(request) as wanted:
        picture, made = await studio.run(studio.still, source, text, wish.scene, wish.at, wish.side, wanted)
    return _picture(picture, {"X-Seconds": str(made["seconds"]), "X-At": str(made["at"])})


@router.post("/projects/{project}/sheet", response_class=Response, responses={**_JPEG, **responses(404, 501, 502, 503)})
async def sheet(project: ProjectName, wish: TextWish, studio: TheStudio) -> Response:
    """Some moments of each scene on one picture."""
    source = await studio.run(studio.projects.read, project)
    text = source.text if wish.text is None else wish.text
    return _picture(await studio.run(studio.sheet, source, text), {})


@router.post(
    "/projects/{project}/draft",
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": {}}}, **responses(404, 501, 502, 503)},
)
async def draft(project: ProjectName, wish: DraftWish, studio: TheStudio, request: Request) -> FileResponse:
    """The film in small, with its sound, in less time than the film. It is given up when nobody waits any more."""
    source = await studio.run(studio.projects.read, project)
    text = source.text if wish.text is None else wish.text
    async with _waiting(request) as wanted:
        path = await studio.run(studio.draft, source, text, wish.scene, wish.mark, wanted)
    headers = {"Cache-Control": "no-store"}
    return FileResponse(path, media_type="video/mp4", headers=headers, background=BackgroundTask(path.unlink, True))


@router.get("/projects/{project}/picture", response_class=Response, responses={**_JPEG, **responses(404)})
async def picture(project: ProjectName, studio: TheStudio) -> Response:
    """How the first scene looked when somebody last looked at it."""
    path = await studio.run(studio.projects.look, project)
    try:
        return _picture(await studio.run(path.read_bytes), {})
    except OSError:
        raise MissingError("Nobody has looked at this project yet.", code="missing.project") from None


@asynccontextmanager
async def _waiting(request: Request) -> AsyncIterator[Callable[[], bool]]:
    """Tells whether whoever asked still waits."""
    gone = asyncio.create_task(_gone(request))
    try:
        yield lambda: not gone.done()
    finally:
        gone.cancel()


async def _gone(request: Request) -> None:
    """Until whoever asked does not wait any more."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _picture(data: bytes, headers: dict[str, str]) -> Response:
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-store", **headers})


def _info(source: Source, response: Response, studio: Home) -> ProjectInfo:
    response.headers["ETag"] = f'"{source.version}"'
    read = _edited(source.file.name, source.text, [])
    return ProjectInfo(
        name=source.name, file=source.file.name, text=source.text, version=source.version, values=read.values,
        problems=read.problems, look=studio.projects.look(source.name).is_file(),
    )  # fmt: skip


def _edited(name: str, text: str, changes: Sequence[Change]) -> Edited:
    """Raises Unchangeable."""
    try:
        made = change(text, name, changes) if changes else text
        return Edited(text=made, values=to_json(parse(made, name)), problems=[])
    except ProjectError as error:
        return Edited(text=text, values=None, problems=_problems(error.problems))


def _problems(problems: Sequence[Problem]) -> list[ProblemInfo]:
    return [ProblemInfo(line=p.line, column=p.column, field=p.field, message=p.message) for p in problems]


def _choices() -> Choices:
    from mien.apps.studio.new import TEMPLATES
    from mien.stage.layers.changes import KINDS
    from mien.stage.layers.person import SHAPES
    from mien.stage.type.looks import LOOKS
    from mien.stage.type.safe import PLATFORMS
    from mien.stage.type.titles import ENTRANCES

    return Choices(
        templates=list(TEMPLATES), caption_styles=list(LOOKS), platforms=list(PLATFORMS), transitions=list(KINDS),
        entrances=list(ENTRANCES), shapes=list(SHAPES),
    )  # fmt: skip
