"""``mien studio``: a project file becomes a finished short.

Events under ``--json``, one JSON object a line on standard output:

- ``created``: path, files (all that were written).
- ``problem``: file, line, column, field, message. One for each of a project's faults; then ``error``.
- ``checked``: path, title, scenes, seconds (about), width, height, fps.
- ``drafted``: path, scenes, seconds (about), notes (what is not as asked), files.
- ``translated``: path, texts (how many were translated), notes (what could not be kept).
- ``rendered``: path, duration (seconds), frames, drawn (frames that were not there from a run before), fps, width,
  height, captions (files), seconds (of work).
- ``previewed``: as ``rendered``, and sheet (the file of pictures).
- ``schema``: schema (under ``--json``; otherwise the schema itself is printed).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.apps.cli import console
from mien.apps.cli.options import Strict, strictly
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.apps.studio.load import Loaded
    from mien.apps.studio.render import Job, Observe, Rendered
    from mien.apps.studio.source import Problem

app = typer.Typer(no_args_is_help=True)

_Project = Annotated[Path, typer.Argument(metavar="FILE", help="A project: .yaml or .toml.")]
_Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A value of ${NAME} in the file; repeatable.")
]
_Outside = Annotated[bool, typer.Option("--allow-outside", help="Files may lie outside the project's folder.")]


@app.command("new")
def create(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="The folder that is made, such as my-short.")],
    template: Annotated[str, typer.Option("--template", "-t", help="short, dialogue, slides or talk.")] = "short",
    language: Annotated[str, typer.Option("--language", "-l", help="zh, en, or auto: the system's.")] = "auto",
    portrait: Annotated[
        list[Path] | None,
        typer.Option("--portrait", "-p", metavar="FILE", help="A picture of a face; twice for two people."),
    ] = None,
) -> None:
    """Begin a project: a folder with a project file that can be edited and rendered at once."""
    from mien.apps.studio.new import new

    made = new(name, template, language, portrait or ())
    console.event(
        "created", plain=f"{made.project}: edit it, then mien studio check {made.project}", path=made.project,
        files=[str(path) for path in made.files],
    )  # fmt: skip


@app.command()
def check(file: _Project, values: _Set = None, outside: _Outside = False) -> None:
    """Say everything that is wrong with a project, each with its line."""
    from mien.apps.studio.check import check as check_project
    from mien.apps.studio.source import ProjectError

    try:
        loaded = read(file, values, outside)
    except ProjectError as error:
        _tell_problems(str(file), error.problems)
    else:
        report = check_project(loaded, console.note)
        if report.problems:
            _tell_problems(str(file), report.problems)
        _tell_checked(file, loaded, report.seconds)


@app.command()
def preview(
    file: _Project,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The small film; default NAME-preview.mp4.")
    ] = None,
    values: _Set = None,
    outside: _Outside = False,
    strict: Strict = None,
) -> None:
    """Have a first look: the film in small, and a sheet with pictures of every scene beside it (.png)."""
    from mien.apps.studio.preview import preview as look_at

    tell = _once()
    job, target = _job(file, values, outside, tell), out or file.with_name(f"{file.stem}-preview.mp4")
    with strictly(strict), _watched() as observe:
        _require_leave(job)
        made = look_at(job, target, observe=observe, tell=tell)
    _tell_rendered("previewed", made.film, sheet=made.sheet)


@app.command()
def render(
    file: _Project,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="The film: .mp4, .mov, .webm; default NAME.mp4."),
    ] = None,
    values: _Set = None,
    outside: _Outside = False,
    preset: Annotated[str, typer.Option("--preset", metavar="NAME", help="fast, balanced or best.")] = "balanced",
    encoder: Annotated[
        str, typer.Option("--encoder", metavar="NAME", help="software, or one that mien doctor lists.")
    ] = "software",
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, max=64, help="Processes; default: as it is long.")
    ] = None,
    strict: Strict = None,
) -> None:
    """Make the film of a project. A run that was stopped goes on where it was."""
    from mien.apps.studio.render import render as render_project

    tell = _once()
    job = replace(_job(file, values, outside, tell), preset=preset, encoder=encoder)
    with strictly(strict), _watched() as observe:
        _require_leave(job)
        made = render_project(job, out or file.with_suffix(".mp4"), workers=workers, observe=observe, tell=tell)
    _tell_rendered("rendered", made)


@app.command()
def write(
    topic: Annotated[str, typer.Option("--topic", metavar="TEXT", help="What the film is about.")],
    minutes: Annotated[float, typer.Option("--minutes", metavar="X", help="How long it is, about.")] = 1.0,
    language: Annotated[
        str, typer.Option("--language", "-l", help="Of its words: zh, en, de …; auto: the system's.")
    ] = "auto",
    out: Annotated[Path, typer.Option("--out", "-o", metavar="NAME", help="The folder that is made.")] = Path("draft"),
    template: Annotated[str, typer.Option("--template", "-t", help="short (upright) or talk (wide).")] = "short",
    portrait: Annotated[
        list[Path] | None, typer.Option("--portrait", "-p", metavar="FILE", help="A picture of a face.")
    ] = None,
) -> None:
    """Draft a project about a topic with a language model (MIEN_THINK_URL); it stays editable."""
    from mien.apps.studio.write import write as write_project

    made = write_project(
        out, topic, minutes=minutes, language=language, template=template, portraits=portrait or (), tell=console.note
    )
    for note in made.notes:
        console.note(note)
    path = made.created.project
    console.event(
        "drafted", plain=f"{path}: {made.scenes} scenes, about {made.seconds:.0f} s; edit it.", path=path,
        scenes=made.scenes, seconds=round(made.seconds, 1), notes=list(made.notes),
        files=[str(file) for file in made.created.files],
    )  # fmt: skip


@app.command()
def translate(
    file: _Project,
    to: Annotated[str, typer.Option("--to", metavar="CODE", help="The language: en, zh, de …")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Beside the project; default NAME.CODE.yaml.")
    ] = None,
) -> None:
    """Translate a project's words with a language model, keeping its structure and its timing."""
    from mien.apps.studio.translate import translate as translate_project

    made = translate_project(file, to, out, tell=console.note)
    for note in made.notes:
        console.note(note)
    console.event(
        "translated", plain=f"{made.path}: {made.texts} texts in {to}.", path=made.path, texts=made.texts,
        notes=list(made.notes),
    )  # fmt: skip


@app.command("schema")
def show_schema() -> None:
    """Print the JSON Schema of projects, for editors."""
    from mien.apps.studio.schema import schema

    made = schema()
    console.event("schema", plain=json.dumps(made, indent=2, ensure_ascii=False), schema=made)


def _job(file: Path, values: list[str] | None, outside: bool, tell: Callable[[str], None]) -> Job:
    """What is to be rendered. All that is wrong with it is told first. Raises UsageError."""
    from mien.apps.studio.check import check as check_project
    from mien.apps.studio.render import Job
    from mien.apps.studio.source import ProjectError

    try:
        problems = check_project(read(file, values, outside), tell).problems
    except ProjectError as error:
        problems = error.problems
    if problems:
        _tell_problems(str(file), problems)
    return Job(file, tuple(pairs(values).items()), outside)


def _require_leave(job: Job) -> None:
    """Everybody agreed whose face or voice it is, and its words may be said, also for a look. Raises what is not so."""
    from mien import config
    from mien.apps.studio.load import load
    from mien.apps.trust.gate import require_project

    require_project(load(job.file, dict(job.values), outside=job.outside).project, config.load(), console.note)


def _once() -> Callable[[str], None]:
    """Tells each thing once, though every scene may say it."""
    told: set[str] = set()

    def tell(line: str) -> None:
        if line not in told:
            told.add(line)
            console.note(line)

    return tell


@contextmanager
def _watched() -> Iterator[Observe]:
    """Shows how far a film is, from its first frame on."""
    with ExitStack() as stack:
        bar: list[console.Progress] = []

        def show(done: int, of: int) -> None:
            if not bar:
                bar.append(stack.enter_context(console.progress("Film", of, "frames")))
            bar[0].update(done, of)

        yield show


def _tell_rendered(event: str, made: Rendered, **more: Path) -> None:
    names = [str(made.path), *(path.name for path in (*more.values(), *made.captions))]
    speed = f"{made.duration / made.seconds:.1f} x real time"
    console.event(
        event,
        plain=f"{', '.join(names)}: {made.duration:.1f} s, {made.width}x{made.height}, "
        f"made in {made.seconds:.1f} s ({speed})",
        path=str(made.path), duration=round(made.duration, 3), frames=made.frames, drawn=made.drawn, fps=str(made.fps),
        width=made.width, height=made.height, captions=[str(path) for path in made.captions],
        seconds=round(made.seconds, 3), **{name: str(path) for name, path in more.items()},
    )  # fmt: skip


def read(file: Path, values: list[str] | None, outside: bool) -> Loaded:
    """The project of a command's options. Raises InputError, ProjectError, UsageError."""
    from mien.apps.studio.load import load

    return load(file, pairs(values), outside=outside)


def pairs(given: list[str] | None) -> dict[str, str]:
    """NAME=VALUE as a mapping. Raises UsageError."""
    made = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"'{one}' is no value of a variable.", hint="Write --set name=value.")
        made[name.strip()] = value
    return made


def _tell_problems(file: str, problems: tuple[Problem, ...]) -> None:
    """All of them, then one sentence that refuses. Raises UsageError."""
    for problem in problems:
        console.event(
            "problem", plain=problem.told(file), file=file, line=problem.line, column=problem.column,
            field=problem.field, message=problem.message,
        )  # fmt: skip
    many = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    raise UsageError(f"'{file}' has {many}.", hint="Mend what is listed above.", code="project")


def _tell_checked(file: Path, loaded: Loaded, seconds: float) -> None:
    project = loaded.project
    width, height = project.canvas.pixels
    many = "1 scene" if len(project.scenes) == 1 else f"{len(project.scenes)} scenes"
    console.event(
        "checked", plain=f"{file} is right: {many}, about {seconds:.0f} s, {width}x{height}.", path=file,
        title=project.title, scenes=len(project.scenes), seconds=round(seconds, 1), width=width, height=height,
        fps=str(project.canvas.fps),
    )  # fmt: skip
