"""The application: all routes behind the guard, with everything they share opened and shut by its lifespan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

import mien
from mien import config
from mien.apps.server import faults
from mien.apps.server.desk import Caster, Desk
from mien.apps.server.guard import Guard
from mien.apps.server.options import ServeOptions
from mien.apps.server.routes import (
    livetalking,
    outputs,
    page,
    realtime,
    service,
    sessions,
    shelf,
    speech,
    streams,
    studio,
    studio_events,
    studio_files,
    studio_films,
    visitors,
)
from mien.dialogue.think.base import Thinker

_FAMILIES = (
    service, sessions, streams, outputs, shelf, visitors, livetalking, speech, realtime, studio, studio_events,
    studio_files, studio_films,
)  # fmt: skip
_ABOUT = "A person who listens, answers and can be interrupted. docs/api.md tells the WebSockets' messages."


def create_app(
    options: ServeOptions | None = None,
    settings: config.Settings | None = None,
    *,
    tell: Callable[[str], None] = lambda _: None,
    caster: Caster | None = None,
    thinker: Thinker | None = None,
) -> FastAPI:
    """A server that shares nothing with others of this process. Nothing is opened before it is started.

    tell: told in a line what its owner should know. caster: who plays in a session, None = as the settings have it.
    thinker: who answers, None = as the settings have it; it is closed at the end.
    """
    desk = Desk(options or ServeOptions(), settings or config.load(), tell, caster, thinker)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with desk.opened():
            yield

    app = FastAPI(
        title="Mien", version=mien.__version__, description=_ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    app.state.desk = desk
    faults.install(app)
    for family in _FAMILIES:
        app.include_router(family.router)
    page.mount(app)
    app.add_middleware(Guard, options=desk.options, metrics=desk.metrics)
    return app
