"""The pictures of a film that is planned, and pieces of film made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from mien import config
from mien.apps.studio.lettering import overlay
from mien.apps.studio.painting import Painting, Part
from mien.apps.studio.plan import Plan
from mien.apps.studio.project import Project
from mien.apps.studio.scenery import Scenery
from mien.stage.marks import Marks, marks_of
from mien.timeline import frame_tick
from mien.transmit.film import FilmSink, FilmSpec
from mien.types import ByteArray, VideoFrame

Span = tuple[int, int]
"""First frame, and the one after the last."""


class Artist:
    """Draws the frames of a film. A context: leaving it frees everything. Not thread-safe.

    tell: told when an avatar has to be made.
    """

    def __init__(self, film: Plan, tell: Callable[[str], None] = lambda _: None) -> None:
        self._film = film
        self._painting = painted(film, tell)
        self._finish = marks(film.project).finisher()

    def __enter__(self) -> Artist:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Free everything. Idempotent."""
        self._painting.close()

    def frames(self, span: Span) -> Iterator[ByteArray]:
        """Frames as they go to the encoder, uint8 (h, w, 3). An array lasts until the next."""
        for frame in range(*span):
            pixels = self._painting.at(frame)
            yield pixels if self._finish is None else self._finish(frame_tick(frame, self._film.fps), pixels)

    def piece(
        self, span: Span, path: Path, preset: str, encoder: str = "software", *,
        observe: Callable[[], None] = lambda: None, check: Callable[[], None] = lambda: None,
    ) -> int:  # fmt: skip
        """Write a piece of film without sound; returns its frames. observe: called after each. check: may raise at the
        end; then nothing is kept. Raises OutputError.
        """
        film = self._film
        sink = FilmSink(FilmSpec(path, film.width, film.height, film.fps, preset, encoder, sound=False))
        try:
            for number, pixels in enumerate(self.frames(span)):
                sink.video(VideoFrame(frame_tick(number, film.fps), pixels))
                observe()
            check()
            sink.close()
        except BaseException:
            sink.abort()
            raise
        return span[1] - span[0]


def frames(film: Plan, span: Span, tell: Callable[[str], None] = lambda _: None) -> Iterator[ByteArray]:
    """The frames of a stretch, as :meth:`Artist.frames` gives them."""
    with Artist(film, tell) as artist:
        yield from artist.frames(span)


def painted(film: Plan, tell: Callable[[str], None] = lambda _: None) -> Painting:
    """What draws the frames of a plan, without its marks."""
    scenery = Scenery(film, tell)
    parts = [
        Part(take.first, take.frames, lambda take=take: scenery.build(take), take.change, take.overlap)  # type: ignore[misc]
        for take in film.takes
    ]
    return Painting(parts, overlay(film, scenery.faces), film.width, film.height, film.fps)


def marks(project: Project) -> Marks:
    """What marks the pictures: the project's own watermark, and what ``[trust]`` of the settings asks for."""
    trust, own = config.load().trust, project.watermark
    if own is not None:
        trust = replace(trust, watermark=str(own.payload))
    said = (line.script for scene in project.scenes for line in scene.lines)
    return marks_of(trust, (project.title, *said), project.language)
