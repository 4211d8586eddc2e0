"""Everything of the studio that routes use, opened and shut with the server."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from mien.apps.jobs.states import Job
from mien.apps.server.studio.bench import Bench
from mien.apps.server.studio.films import Films
from mien.apps.server.studio.projects import FRESH, OWN, Projects, Source, kind_of
from mien.apps.server.studio.renders import Renders
from mien.apps.server.studio.uploads import Uploads
from mien.apps.studio.assets import About
from mien.errors import InputError, MissingError

_T = TypeVar("_T")
_THREADS: Final = 24
_CHECKING: Final = 60.0
_STILL: Final = 60.0
_SHEET: Final = 180.0
_DRAFT: Final = 600.0
_EXAMINING: Final = 60.0
"""Seconds that a look may take."""
_SWEEP: Final = 60.0


class Studio:
    """folder: of the projects. whole, each: bytes that all, and one, may take. tokens: of who may come in; where there
    are several, each has a folder of its own in it.
    """

    def __init__(self, folder: Path, whole: int, each: int, tokens: Sequence[str] = ()) -> None:
        self._place = folder.absolute() / OWN
        self._fresh = self._place / FRESH
        self.looker, self.painter, self.filmer = (Bench(self._fresh) for _ in range(3))
        self._renders = Renders(self._place, _screen)
        self._pool: ThreadPoolExecutor | None = None
        self._task: asyncio.Task[None] | None = None
        owners = [_folder_of(token) for token in tokens] if len(tokens) > 1 else [""]
        self._homes = [
            Home(self, Projects(folder / owner, whole, each, counted=folder), self._renders, owner) for owner in owners
        ]

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

    def home(self, owner: str) -> Home:
        """What a visitor sees. owner: the number of their token, "" where there are none."""
        return self._homes[int(owner)] if owner and len(self._homes) > 1 else self._homes[0]

    async def run(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Work that may take long, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def draft_file(self) -> Path:
        """A name for a small film; whoever has read it deletes it."""
        return self._fresh / f"{secrets.token_hex(16)}.mp4"

    def examined(self, path: Path, kind: str) -> About:
        """What a file holds."""
        return About(**self.looker.ask("examine", _EXAMINING, file=str(path), kind=kind))

    def _open(self) -> None:
        for home in self._homes:
            home.projects.open()
            home.uploads.open()
        shutil.rmtree(self._fresh, ignore_errors=True)
        self._fresh.mkdir(parents=True, exist_ok=True)
        self._renders.open()

    def _shut(self) -> None:
        self._renders.close()
        for bench in (self.looker, self.painter, self.filmer):
            bench.close()
        shutil.rmtree(self._fresh, ignore_errors=True)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            for bench in (self.looker, self.painter, self.filmer):
                await self.run(bench.rest)
            for home in self._homes:
                await self.run(home.uploads.sweep)


class Home:
    """What one visitor sees of the studio: projects, files on their way and films. drafts: how far small films are."""

    def __init__(self, studio: Studio, projects: Projects, renders: Renders, owner: str) -> None:
        self._studio, self.projects = studio, projects
        self.uploads = Uploads(projects, studio.examined)
        self.films = Films(renders, projects, studio.looker, owner)
        self.drafts: dict[str, tuple[int, int]] = {}
        self.watchers = 0
        self.run = studio.run

    def check(self, source: Source, text: str) -> Mapping[str, Any]:
        """All that is wrong with a text of a project."""
        return self._studio.looker.ask("check", _CHECKING, file=str(source.file), text=text)

    def still(
        self, source: Source, text: str, scene: int, at: float, side: int, wanted: Callable[[], bool]
    ) -> tuple[bytes, Mapping[str, Any]]:  # fmt: skip
        """A JPEG of a moment, and when it is. wanted: whether somebody still waits."""
        made = self._studio.painter.ask(
            "still", _STILL, wanted=wanted, file=str(source.file), text=text, scene=scene, at=at, side=side
        )
        picture = base64.b64decode(made["picture"])
        if scene == 0 and text == source.text:
            with suppress(OSError):
                self.projects.keep_look(source.name, picture)
        return picture, made

    def sheet(self, source: Source, text: str) -> bytes:
        """A JPEG of some moments of each scene."""
        made = self._studio.painter.ask("sheet", _SHEET, file=str(source.file), text=text)
        return base64.b64decode(made["picture"])

    def draft(self, source: Source, text: str, scene: int | None, mark: str, wanted: Callable[[], bool]) -> Path:
        """A small film, or of a scene. mark: how :attr:`drafts` has it while it is made. Whoever asked deletes it."""
        path = self._studio.draft_file()

        def tell(done: int, of: int) -> None:
            self.drafts[mark] = (done, of)

        try:
            self._studio.filmer.ask(
                "draft", _DRAFT, wanted=wanted, ends=True, tell=tell, file=str(source.file), text=text, scene=scene,
                target=str(path),
            )  # fmt: skip
        except BaseException:
            for left in path.parent.glob(f"{path.stem}*"):
                left.unlink(missing_ok=True)
            raise
        finally:
            self.drafts.pop(mark, None)
        return path

    def thumbnail(self, project: str, file: str, side: int) -> bytes:
        """A JPEG of a picture or video. Raises MissingError, InputError."""
        path, kind = self.projects.asset(project, file), kind_of(file)
        if kind not in ("picture", "video"):
            raise InputError(f"'{file[:80]}' shows nothing.", hint="Ask for pictures and videos.", code="input.asset")
        made = self._studio.looker.ask("thumbnail", _EXAMINING, file=str(path), kind=kind, side=side)
        return base64.b64decode(made["picture"])


def none_here() -> MissingError:
    """Where the server has no studio."""
    return MissingError("This server has no studio.", hint="Start it with --studio FOLDER.", code="missing.studio")


def _folder_of(token: str) -> str:
    """Tokens may change their order, so the folder goes by what the token is; nobody can read it from the name."""
    return f"token-{hashlib.sha256(b'mien-studio ' + token.encode()).hexdigest()[:12]}"


def _screen() -> Callable[[Job], str]:
    from mien.apps.trust.gate import screen

    return screen()
