"""The studio's films: what is queued, how far it is, what people decide, and fetching what is done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import FileResponse

from mien.apps.server.common import Owner
from mien.apps.server.faults import responses
from mien.apps.server.routes.studio import TheStudio
from mien.apps.server.schemas import Done
from mien.apps.server.studio.films import Film
from mien.apps.server.studio.schemas import (
    AuditEntry,
    Decision,
    FaultInfo,
    FilmFile,
    FilmId,
    FilmInfo,
    FilmLog,
    Films,
    LogLine,
    ProjectName,
    RenderWish,
    Role,
)

router = APIRouter(prefix="/api/studio", tags=["studio"])

_TYPES: Final = {"film": "video/mp4", "srt": "application/x-subrip", "vtt": "text/vtt", "ass": "text/x-ssa"}


@router.post("/projects/{project}/films", status_code=201, responses=responses(404, 501, 502, 503, 507))
async def render(project: ProjectName, wish: RenderWish, studio: TheStudio) -> FilmInfo:
    """Queue a film of a project as it is saved now; it may change meanwhile."""
    return info_of(await studio.run(studio.films.add, project, wish.preset, wish.review))


@router.get("/films", responses=responses(404))
async def films(studio: TheStudio, project: Annotated[str, Query(max_length=64)] = "") -> Films:
    """All films, or those of a project."""
    return Films(films=[info_of(one) for one in await studio.run(studio.films.all, project)])


@router.get("/films/{film}", responses=responses(404))
async def look(film: FilmId, studio: TheStudio) -> FilmInfo:
    """One film."""
    return info_of(await studio.run(studio.films.look, film))


@router.get("/films/{film}/log", responses=responses(404))
async def log(film: FilmId, studio: TheStudio) -> FilmLog:
    """What happened to it, what is said in it, and what people decided."""
    lines, words, entries = await studio.run(studio.films.log, film)
    return FilmLog(
        log=[LogLine(at=one.at, text=one.text) for one in lines],
        words=words,
        audit=[AuditEntry(at=one.at, who=one.who, action=one.action, why=one.why) for one in entries],
    )


@router.delete("/films/{film}", responses=responses(404))
async def remove(film: FilmId, studio: TheStudio, owner: Owner) -> Done:
    """Cancel a film that is not done; delete one that is."""
    await studio.run(studio.films.remove, film, _who(owner))
    return Done()


@router.post("/films/{film}/retry", responses=responses(404, 409))
async def retry(film: FilmId, studio: TheStudio, owner: Owner) -> FilmInfo:
    """Queue again what failed or was cancelled."""
    return info_of(await studio.run(studio.films.retry, film, _who(owner)))


@router.post("/films/{film}/decision", responses=responses(404, 409))
async def decide(film: FilmId, wish: Decision, studio: TheStudio) -> FilmInfo:
    """Let a film pass that waits for somebody, or reject it."""
    return info_of(await studio.run(studio.films.decide, film, wish.who, wish.approved, wish.why))


@router.get(
    "/films/{film}/{role}",
    response_class=FileResponse,
    responses={200: {"content": {kind: {} for kind in _TYPES.values()}}, **responses(404)},
)
async def fetch(film: FilmId, role: Role, studio: TheStudio) -> FileResponse:
    """The film or its captions; parts of it with Range. Of one that waits for somebody, what they look at."""
    found = await studio.run(studio.films.look, film)
    path = await studio.run(studio.films.file, film, role)
    name = found.job.targets[role].name if role in found.job.targets else path.name
    return FileResponse(path, media_type=_TYPES[role], filename=name)


def info_of(film: Film) -> FilmInfo:
    """A film as it is told."""
    job, about = film.job, film.about
    files = [_file(film, role, path) for role, path in sorted(film.files.items())]
    fault = job.fault
    return FilmInfo(
        id=film.id, project=about.project, title=about.title, preset=about.preset, made=about.made, state=job.state,
        review=job.review, done=film.done, total=film.total, seconds=round(job.seconds, 1),
        fault=None if fault is None else FaultInfo(code=fault.code, message=fault.message, hint=fault.hint),
        report=dict(job.report), files=files,
    )  # fmt: skip


def _file(film: Film, role: str, path: Path) -> FilmFile:
    size = path.stat().st_size if path.is_file() else 0
    name = film.job.targets.get(role, path).name
    return FilmFile(role=role, name=name, size=size, url=f"/api/studio/films/{film.id}/{role}")


def _who(owner: str) -> str:
    return f"token {owner}" if owner else "page"
