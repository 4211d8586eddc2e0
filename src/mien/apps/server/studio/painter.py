"""The process that a :class:`~mien.apps.server.studio.bench.Bench` starts: wishes as JSON lines in, answers out.

What was spoken is kept, so that another picture of the same words comes at once; so is what draws the last scene.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any, Final, TextIO

from mien.apps.server.studio.spoken import Spoken
from mien.apps.studio.kept import file_print, fingerprint, project_print
from mien.apps.studio.load import Loaded, read
from mien.apps.studio.painting import Painting
from mien.apps.studio.performed import Performed
from mien.apps.studio.person import Person
from mien.apps.studio.plan import Plan, plan
from mien.apps.studio.project import Project, Scene
from mien.apps.studio.source import ProjectError, parse
from mien.errors import InputError, MienError, MissingError, OutputError, UsageError
from mien.timeline import frame_tick, to_seconds

LONGEST_SCENE: Final = 180.0
LONGEST_FILM: Final = 900.0
LONGEST_DRAFT: Final = 600.0
"""Seconds, guessed, of what is spoken for a look."""
_TELL: Final = 0.3
_KINDS: Final = ((UsageError, "usage"), (InputError, "input"), (MissingError, "missing"), (OutputError, "output"))


class Painter:
    """Does what is wished for. What it keeps between wishes changes no answer. observe: told how far long work is.
    spoken: a folder for what was spoken.
    """

    def __init__(self, spoken: Path, observe: Callable[[int, int], None] = lambda done, of: None) -> None:
        self._spoken = Spoken(spoken)
        self._observe = observe
        self._painting: tuple[str, Plan, Painting] | None = None

    def do(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """An answer, as JSON has it. Raises any MienError."""
        work: Callable[..., dict[str, Any]] = getattr(self, f"do_{wish['do']}")
        return work(**{key: value for key, value in wish.items() if key != "do"})

    def do_check(self, file: str, text: str) -> dict[str, Any]:
        """All that is wrong with a project, and how long its scenes are, about."""
        from mien.apps.studio.check import check

        try:
            loaded = _loaded(file, text)
        except ProjectError as error:
            return _told(error.problems)
        notes: list[str] = []
        report = check(loaded, notes.append)
        return {
            **_told(report.problems), "seconds": round(report.seconds, 2), "notes": list(dict.fromkeys(notes)),
            "size": loaded.project.canvas.pixels, "fps": float(loaded.project.canvas.fps),
        }  # fmt: skip

    def do_still(self, file: str, text: str, scene: int, at: float, side: int) -> dict[str, Any]:
        """A picture of a scene at a share of its length, as it is in the film."""
        from mien.apps.studio.artist import painted
        from mien.apps.studio.small import small

        loaded = _loaded(file, text)
        project = loaded.project
        alone = small(_only(project, scene), side)
        _check_length(alone, LONGEST_SCENE)
        key = project_print(alone, loaded.assets, alone.canvas.fps)
        if self._painting is None or self._painting[0] != key:
            self._forget()
            film = plan(alone, self._perform(loaded, alone.canvas.fps))
            self._painting = (key, film, painted(film))
        _, film, painting = self._painting
        frame = min(film.frames - 1, int(at * film.frames))
        return {
            "picture": _jpeg(painting.at(frame)), "seconds": round(to_seconds(film.ticks), 3),
            "at": round(to_seconds(frame_tick(frame, film.fps)), 3),
        }  # fmt: skip

    def do_sheet(self, file: str, text: str) -> dict[str, Any]:
        """Some pictures of each scene on one sheet."""
        from mien.apps.studio.preview import contact_sheet
        from mien.apps.studio.small import small

        loaded = _loaded(file, text)
        whole = small(loaded.project)
        _check_length(whole, LONGEST_FILM)
        self._forget()
        film = plan(whole, self._perform(loaded, whole.canvas.fps))
        return {"picture": _jpeg(contact_sheet(film)), "seconds": round(to_seconds(film.ticks), 3)}

    def do_draft(self, file: str, text: str, scene: int | None, target: str) -> dict[str, Any]:
        """A small film (.mp4) of the project, or of a scene."""
        from mien.apps.studio.artist import Artist
        from mien.apps.studio.plan import sound
        from mien.apps.studio.small import small
        from mien.transmit.join import join

        loaded = _loaded(file, text)
        project = loaded.project if scene is None else _only(loaded.project, scene)
        little = small(project)
        _check_length(little, LONGEST_DRAFT)
        self._forget()
        film, path = plan(little, self._perform(loaded, little.canvas.fps)), Path(target)
        piece, done = path.with_name(f"{path.stem}-silent.mp4"), count(1)
        try:
            with Artist(film) as artist:
                artist.piece((0, film.frames), piece, "fast", observe=lambda: self._observe(next(done), film.frames))
            join([piece], sound(film).blocks(), path, film.fps, "fast")
        finally:
            piece.unlink(missing_ok=True)
        return {"seconds": round(to_seconds(film.ticks), 3)}

    def do_examine(self, file: str, kind: str) -> dict[str, Any]:
        """Whether a file is what it should be."""
        from mien.apps.studio.assets import examine

        return asdict(examine(Path(file), kind))

    def do_thumbnail(self, file: str, kind: str, side: int) -> dict[str, Any]:
        """A small picture of a picture, or of a video's beginning."""
        from PIL import Image, ImageOps

        from mien.apps.studio.assets import examine

        if wrong := examine(Path(file), kind).wrong:
            raise InputError(f"'{Path(file).name}': {wrong}", code="input.asset")
        if kind == "video":
            picture = Image.fromarray(_first(Path(file)))
        else:
            with Image.open(file) as opened:
                opened.draft("RGB", (2 * side, 2 * side))
                picture = ImageOps.exif_transpose(opened).convert("RGBA")
        picture.thumbnail((side, side))
        ground = Image.new("RGB", picture.size, (236, 234, 228))
        ground.paste(picture, (0, 0), picture if picture.mode == "RGBA" else None)
        return {"picture": _jpeg(ground)}

    def do_plan(self, file: str, output: str, preset: str) -> dict[str, Any]:
        """A film as a job of the queue. Raises ProjectError with all that is wrong."""
        from mien.apps.jobs.work import Digests, key_of, kind

        work = kind("studio").plan({"template": file, "output": output, "preset": preset}, Path(file).parent)
        targets = {role: str(path) for role, path in work.targets.items()}
        return {"arguments": work.arguments, "targets": targets, "key": key_of(work, Digests())}

    def _perform(self, loaded: Loaded, fps: Fraction) -> Callable[[Scene, Callable[[], Performed]], Performed]:
        """Speaks a scene only when something changed that is heard or moves a face."""
        heard = sorted(
            {(str(one.path), file_print(one.path)) for one in loaded.assets if one.kind in ("sound", "text")}
        )

        def perform(scene: Scene, make: Callable[[], Performed]) -> Performed:
            return self._spoken.get(fingerprint(_heard(scene), heard, fps), make)

        return perform

    def _forget(self) -> None:
        if self._painting is not None:
            self._painting[2].close()
            self._painting = None


def _only(project: Project, number: int) -> Project:
    """One scene of a project."""
    if number >= len(project.scenes):
        raise InputError(f"The project has {len(project.scenes)} scenes.", hint="Name an earlier one.")
    return replace(project, scenes=(project.scenes[number],), intro=None, outro=None, music=None)


def _heard(scene: Scene) -> Scene:
    """A scene without all that is only seen."""
    bare = replace(
        scene,
        background=None,
        layers=(),
        effects=(),
        captions=None,
        logo=None,
        cast={w: _spoken_by(p) for w, p in scene.cast.items()},
    )
    return replace(bare, avatar=None if scene.avatar is None else _spoken_by(scene.avatar))


def _spoken_by(person: Person) -> Person:
    return replace(person, place=None, shape="rectangle", shadow=False, crop="auto")


def _loaded(file: str, text: str) -> Loaded:
    path = Path(file)
    return read(parse(text, path.name), path)


def _check_length(project: Project, most: float) -> None:
    from mien.apps.studio.check import guessed_seconds

    seconds = sum(guessed_seconds(line.script) for scene in project.scenes for line in scene.lines if line.script)
    if seconds > most:
        raise InputError(
            f"This is about {seconds:.0f} s of speech; looks are for {most:.0f} s at most.", hint="Render it instead.",
            code="studio.long",
        )  # fmt: skip


def _told(problems: Any) -> dict[str, Any]:
    return {"problems": [[one.line, one.column, one.field, one.message] for one in problems]}


def _first(path: Path) -> Any:
    from mien.footage import moving, open_file

    with open_file(path) as file:
        return next(iter(file.decode(moving(file)[0]))).to_ndarray(format="rgb24")


def _jpeg(pixels: Any) -> str:
    from PIL import Image

    out = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(out, "JPEG", quality=86)
    return base64.b64encode(out.getvalue()).decode("ascii")


def main() -> None:
    """Answer until standard input ends. The first argument is a folder for what was spoken."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with suppress(OSError, AttributeError):
        os.nice(10)  # conversations come first
    painter = Painter(Path(sys.argv[1]), _Progress(answers))
    for line in sys.stdin:
        with suppress(BrokenPipeError):
            answers.write(json.dumps(_answer(painter, json.loads(line))) + "\n")
            answers.flush()


class _Progress:
    """Tells how far the work is, a few times a second at most."""

    def __init__(self, answers: TextIO) -> None:
        self._answers, self._told = answers, 0.0

    def __call__(self, done: int, of: int) -> None:
        if time.monotonic() - self._told > _TELL:
            self._told = time.monotonic()
            with suppress(BrokenPipeError):
                self._answers.write(f"progress [{done}, {of}]\n")
                self._answers.flush()


def _answer(painter: Painter, wish: Mapping[str, Any]) -> dict[str, Any]:
    from mien.apps.jobs.work import as_fault

    try:
        return painter.do(wish)
    except ProjectError as error:
        problems = [[one.line, one.column, one.field, one.message] for one in error.problems]
        return {"error": {"file": Path(error.file).name, "problems": problems}}
    except Exception as error:
        fault: MienError = as_fault(error)
        kind = next((name for of, name in _KINDS if isinstance(fault, of)), "")
        return {"error": {"kind": kind, "code": fault.code, "message": fault.message, "hint": fault.hint}}


if __name__ == "__main__":
    main()
