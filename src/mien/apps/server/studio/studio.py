"""Everything of the studio that routes use, opened and shut with the server."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from mien.apps.jobs.states import Job
from mien.apps.server.studio.bench import Bench
from mien.apps.server.studio.projects import Projects, Source, kind_of
from mien.apps.server.studio.renders import Renders
from mien.apps.server.studio.uploads import Uploads
from mien.apps.studio.assets import About
from mien.errors import InputError, MissingError

_T = TypeVar("_T")
_THREADS: Final = 16
_CHECKING: Final = 60.0
_STILL: Final = 60.0
_SHEET: Final = 180.0
_EXAMINING: Final = 60.0
"""Seconds that a look may take."""
_SWEEP: Final = 60.0


class Studio:
    """folder: of the projects. whole, each: bytes that all, and one, may take."""

    def __init__(self, folder: Path, whole: int, each: int) -> None:
        self.projects = Projects(folder, whole, each)
        self._looker, self._painter = Bench(), Bench()
        self.uploads = Uploads(self.projects, self._examined)
        self.renders = Renders(self.projects, self._looker, _screen)
        self._pool: ThreadPoolExecutor | None = None
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Everything that runs, from here to the end. Raises OutputError, InputError."""
        self._pool = ThreadPoolExecutor(_THREADS, "mien-studio")
        try:
            await self.run(self._open)
            self._task = asyncio.create_task(self._sweep())
            yield
        finally:
            if self._task is not None:
                self._task.cancel()
            await self.run(self._shut)
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def run(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Work that may take long, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def check(self, source: Source, text: str) -> Mapping[str, Any]:
        """All that is wrong with a text of a project."""
        return self._looker.ask("check", _CHECKING, file=str(source.file), text=text)

    def still(
        self, source: Source, text: str, scene: int, at: float, side: int, wanted: Callable[[], bool]
    ) -> tuple[bytes, Mapping[str, Any]]:  # fmt: skip
        """A JPEG of a moment, and when it is. wanted: whether somebody still waits."""
        made = self._painter.ask(
            "still", _STILL, wanted=wanted, file=str(source.file), text=text, scene=scene, at=at, side=side
        )
        picture = base64.b64decode(made["picture"])
        if scene == 0 and text == source.text:
            with suppress(OSError):
                self.projects.keep_look(source.name, picture)
        return picture, made

    def sheet(self, source: Source, text: str) -> bytes:
        """A JPEG of some moments of each scene."""
        made = self._painter.ask("sheet", _SHEET, file=str(source.file), text=text)
        return base64.b64decode(made["picture"])

    def thumbnail(self, project: str, file: str, side: int) -> bytes:
        """A JPEG of a picture or video. Raises MissingError, InputError."""
        path, kind = self.projects.asset(project, file), kind_of(file)
        if kind not in ("picture", "video"):
            raise InputError(f"'{file[:80]}' shows nothing.", hint="Ask for pictures and videos.", code="input.asset")
        made = self._looker.ask("thumbnail", _EXAMINING, file=str(path), kind=kind, side=side)
        return base64.b64decode(made["picture"])

    def _examined(self, path: Path, kind: str) -> About:
        return About(**self._looker.ask("examine", _EXAMINING, file=str(path), kind=kind))

    def _open(self) -> None:
        self.projects.open()
        self.uploads.open()
        self.renders.open()

    def _shut(self) -> None:
        self.renders.close()
        self._looker.close()
        self._painter.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            await self.run(self._looker.rest)
            await self.run(self._painter.rest)
            await self.run(self.uploads.sweep)


def none_here() -> MissingError:
    """Where the server has no studio."""
    return MissingError("This server has no studio.", hint="Start it with --studio FOLDER.", code="missing.studio")


def _screen() -> Callable[[Job], str]:
    from mien.apps.trust.gate import screen

    return screen()
