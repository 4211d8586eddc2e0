"""The studio's events: a WebSocket that tells what changes, so that pages need not ask."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, WebSocket

from mien.apps.server.routes.streams import finish, refuse, say, together
from mien.apps.server.routes.studio import home_of
from mien.apps.server.routes.studio_films import info_of
from mien.apps.server.studio.projects import NAME
from mien.apps.server.studio.studio import Home
from mien.errors import BackendError, MienError

router = APIRouter(prefix="/api/studio")

_GLANCE: Final = 0.4
_CALM: Final = 1.5
"""Seconds between two looks, while something runs and while nothing does."""
_MOST: Final = 64
"""Pages of one visitor that may listen at once."""
_OPEN: Final = ("queued", "running", "failed-retrying")


@router.websocket("/events")
async def events(socket: WebSocket, project: Annotated[str, Query(max_length=64, pattern=f"{NAME}|^$")] = "") -> None:
    """Each as it is at first and when it changes: films, and how far those are that run; of one project its version,
    and what its files are; how far small films are.
    """
    try:
        home = await home_of(socket)
        if home.watchers >= _MOST:
            raise BackendError("Too many pages listen to the studio.", hint="Close some.", code="busy.studio")
    except MienError as error:
        await refuse(socket, error)
        return
    home.watchers += 1
    try:
        await socket.accept()
        await together(_tell(socket, home, project), _until_gone(socket))
    finally:
        home.watchers -= 1
        await finish(socket)


async def _tell(socket: WebSocket, home: Home, project: str) -> None:
    told: dict[str, dict[str, Any]] = {}
    while True:
        messages = await home.run(_now, home, project)
        for message in reversed(messages):
            if told.get(message["type"]) != message:
                told[message["type"]] = message
                await say(socket, message)
        busy = home.drafts or any(one["state"] in _OPEN for one in messages[1]["films"])
        await asyncio.sleep(_GLANCE if busy else _CALM)


def _now(home: Home, project: str) -> list[dict[str, Any]]:
    films = home.films.all()
    running = {one.id: [one.done, one.total] for one in films if one.total}
    told = [info_of(replace(one, done=0, total=0)).model_dump(mode="json") for one in films]
    messages: list[dict[str, Any]] = [{"type": "progress", "films": running}, {"type": "films", "films": told}]
    if project:
        version, files = "", ""
        with suppress(MienError, OSError):
            version, files = home.projects.stamp(project)
        messages.append({"type": "project", "name": project, "version": version, "files": files})
        messages.append({"type": "drafts", "drafts": {mark: list(far) for mark, far in home.drafts.copy().items()}})
    return messages


async def _until_gone(socket: WebSocket) -> None:
    while True:
        await socket.receive_text()
