"""Whether the server is well, and its counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

import mien
from mien.apps.server.common import TheDesk
from mien.apps.server.desk import Desk
from mien.apps.server.metrics import CONTENT_TYPE, Gauge, Labels
from mien.apps.server.room import Room, Total

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The server answers."""

    status: str = "ok"
    version: str
    sessions: int
    sessions_most: int


class Ready(BaseModel):
    """avatar, voice: loaded. reason: why not, "" when all is."""

    ready: bool
    avatar: bool
    voice: bool
    reason: str


@router.get("/health")
async def health(desk: TheDesk) -> Health:
    """Whether the server runs."""
    return Health(version=mien.__version__, sessions=len(desk.house.guests()), sessions_most=desk.house.most)


@router.get("/ready", response_model=Ready, responses={503: {"model": Ready}})
async def ready(desk: TheDesk) -> JSONResponse:
    """Whether avatar and voice are loaded, so that the first visitor does not wait."""
    state = desk.readiness
    told = Ready(ready=state.ready, avatar=state.avatar, voice=state.voice, reason=state.reason)
    return JSONResponse(told.model_dump(), 200 if state.ready else 503)


@router.get("/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE: {}}}})
async def metrics(desk: TheDesk) -> Response:
    """Counts for Prometheus."""
    return Response(desk.metrics.text(gauges(desk)), media_type=CONTENT_TYPE)


def gauges(desk: Desk) -> Iterator[Gauge]:
    """What is measured just now; what sessions count is added to what those counted that have ended."""
    rooms = [guest for guest in desk.house.guests() if isinstance(guest, Room)]
    yield Gauge("mien_sessions", {(): len(rooms)})
    yield Gauge("mien_sessions_most", {(): desk.house.most})
    yield Gauge("mien_viewers", _viewers(rooms, desk))
    yield Gauge("mien_queue", _queues(rooms))
    live: dict[Total, float] = defaultdict(float)
    for room in rooms:
        for total, value in room.totals().items():
            live[total] += value
    families: dict[str, dict[Labels, float]] = defaultdict(dict)
    for (name, labels), value in desk.metrics.with_live(live).items():
        families[name][labels] = value
    for name, values in families.items():
        yield Gauge(name, values, "counter")


def _viewers(rooms: list[Room], desk: Desk) -> dict[Labels, float]:
    counted: dict[Labels, float] = {(("kind", "webrtc"), ("state", "live")): desk.rtc.peers}
    for room in rooms:
        for output in room.outputs():
            key = (("kind", output.kind), ("state", output.viewer.tally.state))
            counted[key] = counted.get(key, 0) + 1
    return counted


def _queues(rooms: list[Room]) -> dict[Labels, float]:
    events = max((room.hub.waiting for room in rooms), default=0)
    tallies = [t for room in rooms for kind in room.tallies().values() for t in kind]
    viewers = max((t.waiting for t in tallies), default=0)
    return {(("of", "events"),): events, (("of", "viewers"),): viewers}
