"""A project: what one file says, typed. Times are ticks of 1/48000 s, lengths say their unit, files are absolute paths.

:func:`mien.apps.studio.load.load_project` reads one. What a project sets for all its scenes has been written into each
scene, so that a scene is complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mien.apps.studio.groups import FromTo, Group, Listing, Named, When, item
from mien.apps.studio.kinds import (  # fmt: skip
    Bad,
    Book,
    Choice,
    Decibels,
    File,
    Flag,
    Font,
    Kind,
    Measure,
    Number,
    Paint,
    Reader,
    Schema,
    Text,
    Time,
    nearest,
)
from mien.apps.studio.person import LANGUAGE, PERSON, VOICE, Person, Voice
from mien.apps.studio.picture import (
    BACKGROUND,
    CANVAS,
    LAYER,
    TRANSITION,
    TRIM,
    WHOLE,
    Background,
    Canvas,
    Layer,
    Transition,
    Trim,
)
from mien.apps.studio.source import Mark, Node, Problem, ProjectError
from mien.apps.studio.values import Colour, Length, Moment
from mien.errors import MienError
from mien.timeline import TICKS_PER_SECOND

VERSION: Final = 1
MOST_SCENES: Final = 300
MOST_LAYERS: Final = 100
MOST_LINES: Final = 200
MOST_PEOPLE: Final = 8
LONGEST_SCRIPT: Final = 20_000
"""Characters of a scene."""
_TRANSCRIPTS: Final = frozenset({".txt", ".srt", ".vtt", ".md"})


@dataclass(frozen=True)
class Script:
    """Words to speak, with script marks."""

    def read(self, node: Node, reader: Reader) -> str:
        """See :class:`~mien.apps.studio.kinds.Kind`."""
        from mien.dialogue.script import parse

        text = Text(LONGEST_SCRIPT, example="what is said", lines=True).read(node, reader)
        try:
            plain = parse(text).plain.text
        except MienError as error:
            raise Bad(node, f"{error.message.rstrip('.')}; {error.hint[:1].lower()}{error.hint[1:]}") from None
        if not any(char.isalnum() for char in plain):
            raise Bad(node, "no word is said here; write what is said, or for: 3s for a scene without words.")
        return text

    def schema(self, book: Book) -> Schema:
        """See :class:`~mien.apps.studio.kinds.Kind`."""
        return {"type": ["string", "number"], "maxLength": LONGEST_SCRIPT}


@dataclass(frozen=True)
class Transcript:
    """The words of a recording, or the file they stand in."""

    def read(self, node: Node, reader: Reader) -> str | Path:
        """See :class:`~mien.apps.studio.kinds.Kind`."""
        text = Text(LONGEST_SCRIPT, example="the words of the recording", lines=True).read(node, reader)
        if "\n" not in text.strip() and Path(text.strip()[-300:]).suffix.lower() in _TRANSCRIPTS:
            return File("text").read(node, reader)
        return text

    def schema(self, book: Book) -> Schema:
        """See :class:`~mien.apps.studio.kinds.Kind`."""
        return {"type": ["string", "number"], "maxLength": LONGEST_SCRIPT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one person says: a script or a recording.

    who: a name of the scene's people, "" = its only one. script: with marks, "" where a recording speaks. transcript:
    the recording's words or a file of them, None = unknown. pause: ticks of silence before.
    """

    who: str = ""
    script: str = item(Script(), "What is said; may hold script marks.", "")
    audio: Path | None = item(File("sound"), "A recording instead.", None)
    transcript: str | Path | None = item(Transcript(), "The recording's words, or a file of them.", None)
    pause: int = item(Time(0.0, 60.0), "Silence before.", 0)

    def rules(self, given: frozenset[str]) -> Iterator[tuple[str, str]]:
        """What does not fit together."""
        if bool(self.script) == (self.audio is not None):
            have = "both" if self.script else "none"
            yield "audio", f"{have} of script and audio {'are' if self.script else 'is'} given; write one of the two."
        if self.transcript is not None and self.audio is None:
            yield "transcript", "a transcript goes with audio; leave it out."


def _script(node: Node) -> Node:
    return Node(node.mark, node.path, fields={"script": node}, keys={"script": node.mark})


_LINE: Final = Group(Line, "what is said, or {audio: voice.wav}", _script)


@dataclass(frozen=True)
class DialogueLine:
    """``anna: Hello!``"""

    def read(self, node: Node, reader: Reader) -> Line:
        """See :class:`~mien.apps.studio.kinds.Kind`."""
        if node.fields is None or len(node.fields) != 1:
            raise Bad(node, "this is no line of a dialogue; write one name and its words, such as 'anna: Hello!'.")
        who, said = next(iter(node.fields.items()))
        line: Line = _LINE.read(said, reader)
        return Line(who=who, script=line.script, audio=line.audio, transcript=line.transcript, pause=line.pause)

    def schema(self, book: Book) -> Schema:
        """See :class:`~mien.apps.studio.kinds.Kind`."""
        return {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": _LINE.schema(book)}


def _looks() -> tuple[str, ...]:
    from mien.stage.type.looks import LOOKS

    return tuple(LOOKS)


def _platforms() -> tuple[str, ...]:
    from mien.stage.type.safe import PLATFORMS

    return tuple(PLATFORMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captions:
    """Words that are seen when they are said. files: kinds written beside the film. size: of a line, of the canvas's
    height. highlight: of the word that is said now. place: "" = as the style has it. font: a family, or the absolute
    path of a file, "" = Mien's own.
    """

    style: str = item(Choice(ask=_looks), "How they look.", "plain")
    platform: str = item(Choice(ask=_platforms), "Whose buttons they keep clear of.", "none")
    burned: bool = item(Flag(), "Drawn into the picture.", True)
    files: tuple[str, ...] = item(
        Listing(Choice("srt", "vtt", "ass"), 3, "kinds"), "Written beside the film.", ("srt",)
    )
    colour: Colour | None = item(Paint(), "Of the words.", None)
    highlight: Colour | None = item(Paint(), "Of the word that is said now.", None)
    size: Length | None = item(Measure(positive=True), "The height of a line.", None)
    place: str = item(Choice("bottom", "middle", "top"), "Where; without it as the style has it.", "")
    font: str = item(Font(), "A font's name, or a file of it.", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Music:
    """Music under the whole film.

    volume_db: beside the speech, where nobody speaks, dB. duck_db: how much lower under speech, dB. fade: ticks, at
    the beginning and at the end.
    """

    file: Path = item(File("sound"), "A sound file.")
    volume_db: float = item(Decibels(), "Beside the speech, where nobody speaks.", -8.0, key="volume")
    duck_db: float = item(Decibels(-40.0, 0.0), "How much lower under speech.", -12.0, key="duck")
    fade: tuple[int, int] = item(
        FromTo(Time(0.0, 30.0)), "In and out.", (TICKS_PER_SECOND * 3 // 2, TICKS_PER_SECOND * 3 // 2)
    )
    loop: bool = item(Flag(), "Begins again when it ends.", True)
    trim: Trim = item(TRIM, "The part of the file.", WHOLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A picture in a corner. width, margin: of the canvas's width."""

    picture: Path = item(File("picture"), "A picture; its transparency is kept.")
    corner: str = item(Choice("top-left", "top-right", "bottom-left", "bottom-right"), "Where.", "top-right")
    width: Length = item(Measure(positive=True), "Of the canvas's width.", Length(12.0, "%"))
    margin: Length = item(Measure(), "From the edges, of the canvas's width.", Length(4.0, "%"))
    opacity: float = item(Number(0.0, 1.0, percent=True), "1 hides what is behind.", 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A sound at a moment. volume_db: dB."""

    sound: Path = item(File("sound"), "A sound file.")
    at: Moment = item(When(), "When it begins.", Moment())
    volume_db: float = item(Decibels(), "How loud.", -6.0, key="volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """An invisible mark. payload: 32 bits."""

    payload: int = item(Number(0, 2**32 - 1, whole=True), "A number that mien verify finds again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """An intro or outro: a video with its sound, or a picture for some time. volume_db: of its sound, dB."""

    video: Path | None = item(File("video"), "A video.", None)
    picture: Path | None = item(File("picture"), "Or a picture.", None)
    sound: Path | None = item(File("sound"), "A sound with the picture.", None)
    ticks: int = item(Time(0.1, 600.0), "How long the picture is seen.", 3 * TICKS_PER_SECOND, key="for")
    trim: Trim = item(TRIM, "The part of the video.", WHOLE)
    volume_db: float = item(Decibels(), "How loud.", 0.0, key="volume")
    transition: Transition = item(TRANSITION, "To the first scene, or from the last.", Transition)

    def rules(self, given: frozenset[str]) -> Iterator[tuple[str, str]]:
        """What does not fit together."""
        if (self.video is None) == (self.picture is None):
            yield "video", f"{'none' if self.video is None else 'both'} of video and picture given; write one."
        elif self.video is not None and given & {"sound", "for"}:
            yield "video", "a video has its own sound and length; leave sound and for out, or use trim."
        elif self.picture is not None and "trim" in given:
            yield "trim", "a picture has no parts; leave it out."


def _of(key: str) -> Kind:
    """What reads a group of one field from a single value."""
    groups = {"style": Captions, "file": Music, "picture": Logo, "payload": Watermark}

    def short(node: Node) -> Node:
        return Node(node.mark, node.path, fields={key: node}, keys={key: node.mark})

    return Group(groups[key], f"{{{key}: …}}", short, {"type": ["string", "integer"]})


CAPTIONS: Final = _of("style")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One take, complete: what the project sets for all has been written into it.

    What is said is in :attr:`lines`, who is there in :attr:`people`. ticks: at least how long; required where nothing
    is said. before, after: ticks before the first word and after the last. shots: whether people in a dialogue are seen
    together or whoever speaks.
    """

    id: str = item(Text(64, r"[\w.\-]{1,64}", "hook or scene-2"), "A name; each scene its own.", "")
    background: Background | None = item(BACKGROUND, "Behind everything.", None, off=True)
    avatar: Person | None = item(PERSON, "Who speaks; a name of the cast, or as in the project.", None)
    cast: Mapping[str, Person] = item(Named(PERSON, MOST_PEOPLE, "people"), "Who is there in a dialogue.", dict)
    voice: Voice | None = item(VOICE, "Who speaks, here.", None)
    language: str = item(LANGUAGE, "Of the words, here.", "auto")
    script: str = item(Script(), "What is said; may hold script marks.", "")
    audio: Path | None = item(File("sound"), "Or a recording.", None)
    transcript: str | Path | None = item(Transcript(), "The recording's words, or a file of them.", None)
    dialogue: tuple[Line, ...] = item(
        Listing(DialogueLine(), MOST_LINES, "lines", 1, single=False), "Or who says what, in turn.", ()
    )
    shots: str = item(Choice("together", "cut"), "A dialogue: all in one picture, or whoever speaks.", "together")
    ticks: int | None = item(Time(0.2, 3600.0), "At least how long.", None, key="for")
    before: int = item(Time(0.0, 60.0), "Before the first word.", TICKS_PER_SECOND // 5)
    after: int = item(Time(0.0, 60.0), "After the last word.", TICKS_PER_SECOND // 2)
    layers: tuple[Layer, ...] = item(
        Listing(LAYER, MOST_LAYERS, "layers", single=False), "From the lowest to the highest.", ()
    )
    effects: tuple[Effect, ...] = item(
        Listing(Group(Effect, "{sound: ding.wav, at: 1s}"), 100, "effects", single=False), "Sounds.", ()
    )
    captions: Captions | None = item(CAPTIONS, "As in the project, here.", None, off=True)
    logo: Logo | None = item(_of("picture"), "As in the project, here.", None, off=True)
    transition: Transition = item(TRANSITION, "To the next scene.", Transition(kind="cut"))

    def rules(self, given: frozenset[str]) -> Iterator[tuple[str, str]]:
        """What does not fit together."""
        spoken = [key for key in ("script", "audio", "dialogue") if getattr(self, key)]
        if len(spoken) > 1:
            yield spoken[1], f"both {spoken[0]} and {spoken[1]} are given; keep one, or make two scenes."
        if not spoken and self.ticks is None:
            yield "", "nothing is said and no time is given; write script, audio or dialogue, or for: 3s."
        if self.transcript is not None and self.audio is None:
            yield "transcript", "a transcript goes with audio; leave it out."
        if "shots" in given and not self.dialogue:
            yield "shots", "shots go with a dialogue; leave them out."
        if self.ticks is not None and self.transition.length > self.ticks and not spoken:
            yield "transition", "the transition is longer than the scene; make it shorter, or the scene longer."

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is said, in order; () in a scene without words."""
        if self.dialogue:
            return self.dialogue
        if self.script or self.audio is not None:
            return (Line(script=self.script, audio=self.audio, transcript=self.transcript),)
        return ()

    @property
    def people(self) -> Mapping[str, Person]:
        """Who is there, by the names that the lines have; the only one is called ""."""
        if self.dialogue:
            return self.cast
        return {} if self.avatar is None else {"": self.avatar}


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A whole project. loudness: of the film, LUFS. file: where it stands. root: its values with their places."""

    version: int = item(Number(1, 1000, whole=True), "Version of the format: 1.", VERSION, key="mien")
    title: str = item(Text(200, example="a title"), "Of the film.", "")
    description: str = item(Text(5000, example="a description", lines=True), "For people.", "")
    language: str = item(LANGUAGE, "Of the words; auto tells by the letters.", "auto")
    canvas: Canvas = item(CANVAS, "How many pixels, and how often.", Canvas)
    voice: Voice = item(VOICE, "Who speaks where a scene does not say.", Voice)
    avatar: Person | None = item(PERSON, "Who is seen where a scene does not say.", None)
    cast: Mapping[str, Person] = item(Named(PERSON, 50, "people"), "Several people, by name.", dict)
    background: Background | None = item(BACKGROUND, "Where a scene has none.", None, off=True)
    captions: Captions | None = item(CAPTIONS, "Words that are seen.", None, off=True)
    music: Music | None = item(_of("file"), "Under the whole film.", None, off=True)
    logo: Logo | None = item(_of("picture"), "In a corner.", None, off=True)
    transition: Transition = item(TRANSITION, "Where a scene has none.", Transition(kind="cut"))
    loudness: float = item(Number(-31.0, -9.0, unit="LUFS"), "Of the whole film, LUFS.", -14.0)
    watermark: Watermark | None = item(_of("payload"), "An invisible mark.", None, off=True)
    variables: Mapping[str, str] = item(
        Named(Text(20_000, lines=True), 200, "variables", r"[A-Za-z_][\w\-]{0,63}"),
        "Values of ${name} in the file.",
        dict,
    )
    intro: Clip | None = item(Group(Clip, "{video: intro.mp4}"), "Before the first scene.", None, off=True)
    outro: Clip | None = item(Group(Clip, "{video: outro.mp4}"), "After the last scene.", None, off=True)
    scenes: tuple[Scene, ...] = item(
        Listing(Group(Scene, "a scene such as {script: Hello!}"), MOST_SCENES, "scenes", 1, single=False),
        "What is shown, in order.",
    )
    file: Path = field(default=Path(), compare=False)
    root: Node = field(default=Node(), compare=False, repr=False)

    def rules(self, given: frozenset[str]) -> Iterator[tuple[str, str]]:
        """What does not fit together."""
        if self.version != VERSION:
            yield "mien", f"this is format {self.version}; this Mien reads {VERSION}, so write mien: {VERSION}."

    def where(self, path: str) -> Mark:
        """Where a field stands in the file, such as "scenes[0].transition"; the nearest around it where it does not."""
        from mien.apps.studio.load import find

        return find(self.root, path)

    def problem(self, path: str, message: str) -> ProjectError:
        """An error at a field. message: one sentence that also says what would be right."""
        mark = self.where(path)
        return ProjectError(str(self.file), [Problem(mark.line, mark.column, path, message)])


PROJECT: Final = Group(Project, "the fields of a project")
__all__ = ["Canvas", "Line", "Project", "Scene", "nearest"]
