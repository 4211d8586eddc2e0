"""From a plan to a film: pieces drawn one after the other or side by side, then joined with the sound.

Every piece is a function of the plan and its own frames, so it does not matter who draws it; pieces that are there
already are not drawn again.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Final

import numpy as np

from mien import config
from mien.apps.studio.artist import Artist, Span, marks
from mien.apps.studio.kept import Performances, fingerprint, project_print
from mien.apps.studio.kinds import Asset
from mien.apps.studio.lettering import moved
from mien.apps.studio.load import load
from mien.apps.studio.performed import Performed
from mien.apps.studio.plan import Plan, plan, sound
from mien.apps.studio.project import Project
from mien.apps.studio.small import small
from mien.apps.studio.workshops import Inputs, basis, kept_avatars, workshop
from mien.captions import Caption
from mien.errors import UsageError
from mien.machine import cores, free_memory
from mien.portrait.store import library
from mien.timeline import frame_tick, to_seconds
from mien.transmit.captions import write_captions
from mien.transmit.join import join
from mien.transmit.provenance import check as check_signing
from mien.transmit.provenance import sign_if_wanted

PIECE: Final = 20
"""Seconds of a piece, about."""
ALONE: Final = 90
"""Seconds of film up to which one process draws all: starting more would cost what they save."""
_PROCESS: Final = 500_000_000
"""Bytes that a process which draws takes, about."""
_KINDS: Final = (".mp4", ".m4v", ".mov", ".webm")

Observe = Callable[[int, int], None]
"""(frames done, frames in all)."""


@dataclass(frozen=True)
class Job:
    """What is rendered, as a process of its own needs to know it. values: of the project's variables. outside: whether
    its files may lie elsewhere. preview: small (:mod:`mien.apps.studio.small`).
    """

    file: Path
    values: tuple[tuple[str, str], ...] = ()
    outside: bool = False
    preset: str = "balanced"
    encoder: str = "software"
    preview: bool = False


@dataclass(frozen=True)
class Rendered:
    """What was made. drawn: frames that were drawn now; the others were there. seconds: of work."""

    path: Path
    frames: int
    fps: Fraction
    width: int
    height: int
    captions: tuple[Path, ...]
    drawn: int
    seconds: float

    @property
    def duration(self) -> float:
        """Seconds of film."""
        return to_seconds(frame_tick(self.frames, self.fps))


def render(
    job: Job, target: Path, *, workers: int | None = None, film: Plan | None = None,
    observe: Observe = lambda done, of: None, tell: Callable[[str], None] = lambda _: None,
) -> Rendered:  # fmt: skip
    """Make the film of a project. workers: processes, None = by the machine and the film's length. film: its plan,
    where it is known already.

    Raises ProjectError, InputError, OutputError and what voices and encoders raise. The film and its captions appear
    whole or not at all. A render that was killed goes on where it was when it is run again.
    """
    began = time.perf_counter()
    if target.suffix.lower() not in _KINDS:
        raise UsageError(f"'{target.name}' is no film.", hint=f"End it with {', '.join(_KINDS)}.")
    if not job.preview:
        check_signing(target.suffix, config.load().trust)
    project, assets = _loaded(job)
    inputs = Inputs.of(_files(project, assets))  # before they are read
    with workshop(_name(job, project, assets, target.suffix.lower())) as folder:
        film = film or _planned(project, assets, folder, inputs, tell)
        mix = sound(film)
        pieces = {span: folder / f"piece-{span[0]:07d}-{span[1]:07d}{target.suffix.lower()}" for span in cuts(film)}
        missing = {span: path for span, path in pieces.items() if not path.exists()}
        drawn = sum(last - first for first, last in missing)
        _draw_all(job, film, missing, workers, observe, tell, inputs)
        join(list(pieces.values()), mix.blocks(), target, film.fps, job.preset)
        if not job.preview:
            sign_if_wanted(target, config.load().trust, marks(film.project).payload)
        captions = _write_captions(film, target)
        shutil.rmtree(folder, ignore_errors=True)
    return Rendered(
        target, film.frames, film.fps, film.width, film.height, captions, drawn, time.perf_counter() - began
    )


def load_plan(job: Job, tell: Callable[[str], None] = lambda _: None) -> Plan:
    """The plan of a job. Raises ProjectError, InputError."""
    return plan(_loaded(job)[0], tell=tell)


def cuts(film: Plan) -> list[Span]:
    """First frames and ends of the pieces: about :data:`PIECE` seconds each, cut where a take begins if one is near."""
    length = max(1, round(PIECE * film.fps))
    begins = [take.first for take in film.takes[1:]]
    edges, at = [0], 0
    while film.frames - at > length * 1.5:
        near = [b for b in begins if 0.5 * length <= b - at <= 1.5 * length]
        at = min(near, key=lambda b: abs(b - at - length)) if near else at + length
        edges.append(at)
    edges.append(film.frames)
    return list(pairwise(edges))


def _draw_all(
    job: Job, film: Plan, missing: Mapping[Span, Path], workers: int | None, observe: Observe,
    tell: Callable[[str], None], inputs: Inputs,
) -> None:  # fmt: skip
    tally = _Tally(film.frames - sum(last - first for first, last in missing), film.frames, observe)
    count = min(workers or _usual(film), len(missing))
    if count <= 1:
        with Artist(film, tell) as artist:
            for span, path in missing.items():
                artist.piece(span, path, job.preset, job.encoder, observe=tally, check=inputs.check)
        return
    with ProcessPoolExecutor(count, get_context("spawn"), _begin, (_silent(film),)) as pool:
        try:
            waiting = {pool.submit(_draw_there, job, inputs, span, path) for span, path in missing.items()}
            for piece in as_completed(waiting):
                tally(piece.result())
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


_PLANS: Final[list[Plan]] = []
"""In a process of the pool: what it draws."""


def _begin(film: Plan) -> None:
    """What a process of the pool does first."""
    _end_with_parent()
    _PLANS.append(film)


@lru_cache(1)
def _employed() -> Artist:
    """Who draws in a process of the pool."""
    return Artist(_PLANS[0])


def _draw_there(job: Job, inputs: Inputs, span: Span, path: Path) -> int:
    """Draw and encode a piece in a process of the pool; returns its frames."""
    return _employed().piece(span, path, job.preset, job.encoder, check=inputs.check)


def _silent(film: Plan) -> Plan:
    """What those need who draw."""
    mute = np.zeros(0, np.float32)
    takes = (
        take if take.performed is None else replace(take, performed=replace(take.performed, sound=mute))
        for take in film.takes
    )
    return replace(film, takes=tuple(takes))


def _end_with_parent() -> None:
    """A process of a pool would wait for ever when whoever has the pool is killed."""

    def wait() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _planned(
    project: Project, assets: tuple[Asset, ...], folder: Path, inputs: Inputs, tell: Callable[[str], None]
) -> Plan:
    """The plan; what is spoken is kept in the folder, unless a file changed since."""
    kept = Performances(folder, project_print(project, assets, project.canvas.fps))

    def checked(make: Callable[[], Performed]) -> Performed:
        made = make()
        inputs.check()
        return made

    return plan(project, lambda scene, make: kept(scene, lambda: checked(make)), tell=tell)


@dataclass
class _Tally:
    done: int
    of: int
    observe: Observe

    def __call__(self, frames: int = 1) -> None:
        self.done += frames
        self.observe(self.done, self.of)


def _usual(film: Plan) -> int:
    """Processes: one for what is short, else one a core, as far as memory allows half a gigabyte for each."""
    if to_seconds(film.ticks) <= ALONE:
        return 1
    return max(1, min(cores(), free_memory() // _PROCESS))


def _loaded(job: Job) -> tuple[Project, tuple[Asset, ...]]:
    loaded = load(job.file, dict(job.values), outside=job.outside)
    return (small(loaded.project) if job.preview else loaded.project), loaded.assets


def _files(project: Project, assets: tuple[Asset, ...]) -> Iterator[Path]:
    """All that a project is made of, beside its own file, which is read once."""
    yield from (asset.path for asset in assets)
    yield from (library.folder() / name for name in kept_avatars(project))


def _name(job: Job, project: Project, assets: tuple[Asset, ...], kind: str) -> str:
    """What the folder is called in which the parts of this very film are kept."""
    return fingerprint(
        project_print(project, assets, project.canvas.fps), basis(project, config.load()), marks(project), job.preset,
        job.encoder, kind,
    )  # fmt: skip


def captions(film: Plan) -> list[Caption]:
    """Captions of the whole film, as files have them."""
    return [
        moved(caption, film.start(take))
        for take in film.takes
        if take.performed is not None
        for line in take.performed.lines
        for caption in line.captions()
    ]


def _write_captions(film: Plan, target: Path) -> tuple[Path, ...]:
    wanted = film.project.captions
    if wanted is None:
        return ()
    lines = captions(film)
    paths = tuple(target.with_suffix(f".{kind}") for kind in wanted.files)
    for path in paths:
        write_captions(lines, path, (film.width, film.height))
    return paths
