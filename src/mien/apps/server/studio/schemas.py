"""What requests to the studio hold and what is answered, with bounds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, Field, JsonValue

from mien.apps.server.schemas import Strict
from mien.apps.server.studio.projects import FILE, NAME

ProjectName = Annotated[str, Path(max_length=64, pattern=NAME, examples=["tea"])]
NewName = Annotated[str, Field(max_length=64, pattern=NAME, examples=["tea"])]
FileName = Annotated[str, Field(max_length=120, pattern=FILE, examples=["leaf.png"])]
UploadId = Annotated[str, Path(max_length=20, pattern=r"^[0-9a-f]{20}$")]
FilmId = Annotated[str, Path(max_length=22, pattern=r"^[0-9]{8}-[0-9]{6}-[0-9a-f]{6}$")]
Role = Literal["film", "srt", "vtt", "ass"]
Text = Annotated[str, Field(max_length=1_000_000)]
Who = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Limits(BaseModel):
    """Bytes: used and allowed by all; allowed to one project; most of a piece of an upload; most of a file by kind."""

    used: int
    whole: int
    each: int
    piece: int
    largest: dict[str, int]


class Choices(BaseModel):
    """What some fields of a project may be."""

    templates: list[str]
    caption_styles: list[str]
    platforms: list[str]
    transitions: list[str]
    entrances: list[str]
    shapes: list[str]


class Offer(BaseModel):
    """Whether this server has a studio; the rest is there only if it has."""

    offered: bool
    limits: Limits | None = None
    choices: Choices | None = None


class ProjectSummary(BaseModel):
    """A project in a list. canvas: as it is written. problem: why its file cannot be read, "" = it can. look: changes
    with the picture that /picture has, "" = none.
    """

    name: str
    title: str
    changed: str
    scenes: int
    canvas: str
    problem: str
    look: str


class ProjectList(BaseModel):
    """The latest changed first."""

    projects: list[ProjectSummary]


class NewProject(Strict):
    """From a template, or a copy of another project with its files."""

    name: NewName
    template: Literal["short", "dialogue", "slides", "talk"] = "short"
    language: Literal["auto", "zh", "en"] = "auto"
    copy_of: Annotated[str, Field(max_length=64)] = ""


class ProblemInfo(BaseModel):
    """What is wrong at a place. line, column: from 1, 0 = no place. field: such as scenes[0].script."""

    line: int
    column: int
    field: str
    message: str


class ProjectInfo(BaseModel):
    """A project's text and its values. version: goes into If-Match. values: null where the text cannot be read. look:
    whether /picture has one.
    """

    name: str
    file: str
    text: str
    version: str
    values: JsonValue = None
    problems: list[ProblemInfo]
    look: bool


class ProjectText(Strict):
    """Another text; it may be wrong."""

    text: Text


class ChangeWish(Strict):
    """One change: set a field, remove it, insert before an item of a list (or behind its last), move an item."""

    op: Literal["set", "remove", "insert", "move"]
    field: Annotated[str, Field(min_length=1, max_length=300, examples=["scenes[0].script"])]
    value: JsonValue = None
    to: int = Field(default=0, ge=0, le=1000)


class EditWish(Strict):
    """A text and what shall change in it; nothing is saved."""

    text: Text
    changes: list[ChangeWish] = Field(default=[], max_length=50)


class Edited(BaseModel):
    """The text after the changes and its values; problems: why it cannot be read."""

    text: str
    values: JsonValue = None
    problems: list[ProblemInfo]


class TextWish(Strict):
    """A text that may differ from the saved one; null = the saved one."""

    text: Text | None = None


class StillWish(TextWish):
    """Which moment. scene: from 0. at: 0…1 of its length. side: pixels of the longer side."""

    scene: int = Field(default=0, ge=0, le=299)
    at: float = Field(default=0.5, ge=0, le=1)
    side: int = Field(default=640, ge=64, le=960)


class DraftWish(TextWish):
    """A small film. scene: from 0; null = the whole film. mark: names its progress in the studio's events."""

    scene: Annotated[int, Field(ge=0, le=299)] | None = None
    mark: Annotated[str, Field(max_length=40)] = ""


class Checked(BaseModel):
    """All that is wrong, by line; none = it can be rendered. seconds: of film, about. notes: what "auto" becomes."""

    problems: list[ProblemInfo]
    seconds: float = 0.0
    notes: list[str] = []
    size: tuple[int, int] = (0, 0)
    fps: float = 0.0


class AssetInfo(BaseModel):
    """A file of a project. kind: picture, video, sound, document, font or text. size: bytes."""

    file: str
    kind: str
    size: int
    changed: str


class UploadWish(Strict):
    """A file that will come. size: bytes. mark: with the same one an upload that was begun is found again."""

    file: FileName
    size: int = Field(ge=1, le=1 << 40)
    mark: Annotated[str, Field(max_length=200)] = ""


class UploadInfo(BaseModel):
    """A file on its way. offset: bytes that are here; the next piece begins there. done: it is in the project."""

    id: str
    project: str
    file: str
    size: int
    offset: int
    done: bool


class Assets(BaseModel):
    """A project's files, those on their way, and the bytes that the project takes."""

    assets: list[AssetInfo]
    uploads: list[UploadInfo]
    used: int


class RenderWish(Strict):
    """A film of a project as it is saved. review: somebody looks at it before it can be fetched."""

    preset: Literal["fast", "balanced", "best"] = "balanced"
    review: bool = False


class FilmFile(BaseModel):
    """A file of a film. size: bytes."""

    role: str
    name: str
    size: int
    url: str


class FaultInfo(BaseModel):
    """Why a film is not done."""

    code: str
    message: str
    hint: str


class FilmInfo(BaseModel):
    """A film of the queue. made: when it was asked for. done, total: frames, while it runs."""

    id: str
    project: str
    title: str
    preset: str
    made: str
    state: str = Field(
        description="queued, running, failed-retrying, waiting-for-review, done, quarantined or cancelled."
    )
    review: bool
    done: int
    total: int
    seconds: float = Field(description="It took.")
    fault: FaultInfo | None
    report: dict[str, Any] = Field(description="duration, frames, fps, width, height.")
    files: list[FilmFile]


class Films(BaseModel):
    """The latest first."""

    films: list[FilmInfo]


class Decision(Strict):
    """Whether a film may be fetched. who: kept in the audit log, with why."""

    approved: bool
    who: Annotated[
        str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")
    ]
    why: Annotated[str, Field(max_length=1000)] = ""


class LogLine(BaseModel):
    """A line of a film's log."""

    at: str
    text: str


class AuditEntry(BaseModel):
    """What somebody decided."""

    at: str
    who: str
    action: str
    why: str


class FilmLog(BaseModel):
    """What happened to a film, what is said and shown in it, and what people decided."""

    log: list[LogLine]
    words: str
    audit: list[AuditEntry]
