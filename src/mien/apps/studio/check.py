"""Everything about a project that can be told before anything is rendered: files, voices, avatars, words, times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from mien.apps.studio.assets import About, examine
from mien.apps.studio.kinds import lowered
from mien.apps.studio.load import Loaded, find
from mien.apps.studio.person import LARGEST, Person
from mien.apps.studio.picture import Trim
from mien.apps.studio.project import Scene
from mien.apps.studio.source import Mark, Node, Problem
from mien.apps.studio.values import Moment, shown
from mien.apps.studio.words import script_of_line, trouble
from mien.dialogue.script import Script
from mien.errors import MienError
from mien.timeline import TICKS_PER_SECOND, to_seconds

_LETTERS_A_SECOND: Final = 14.0
_CHARACTERS_A_SECOND: Final = 4.5


@dataclass(frozen=True)
class Report:
    """What a check found. problems: by line. seconds: of film, about; recordings count as long as they are."""

    problems: tuple[Problem, ...]
    seconds: float


def check(loaded: Loaded, tell: Callable[[str], None] = lambda _line: None) -> Report:
    """All that is wrong with a project that was read. tell: told which voice "auto" would take, and the like."""
    checked = _Check(loaded, tell)
    problems = [
        *checked.files(),
        *checked.avatars(),
        *checked.voices(),
        *checked.moments(),
        *checked.times(),
        *checked.letters(),
        *checked.sizes(),
    ]
    return Report(tuple(sorted(set(problems))), checked.seconds)


class _Check:
    def __init__(self, loaded: Loaded, tell: Callable[[str], None]) -> None:
        self._loaded, self._project, self._tell = loaded, loaded.project, tell
        self._root: Node = loaded.project.root

    @cached_property
    def _about(self) -> dict[tuple[Path, str], About]:
        """What each file holds; each is opened once for each kind it should be."""
        wanted = dict.fromkeys((asset.path, asset.kind) for asset in self._loaded.assets)
        return {(path, kind): examine(path, kind) for path, kind in wanted}

    @property
    def seconds(self) -> float:
        """About how long the film is."""
        project = self._project
        scenes = sum(self._length(scene) for scene in project.scenes)
        clips = [clip for clip in (project.intro, project.outro) if clip is not None]
        return scenes + sum(
            to_seconds(clip.ticks) if clip.video is None else self._video_seconds(clip.video, clip.trim)
            for clip in clips
        )

    def files(self) -> Iterator[Problem]:
        """Files that are not what they should be, pages that there are not, parts beyond the end."""
        for asset in self._loaded.assets:
            about = self._about[asset.path, asset.kind]
            if about.wrong:
                message = f"{shown(asset.path.name)}: {about.wrong}"
                yield Problem(asset.mark.line, asset.mark.column, asset.field, message)
        for path, scene in self._scenes():
            for i, layer in enumerate(scene.layers):
                if layer.slides is not None:
                    pages = self._about[layer.slides, "document"].pages
                    if pages and layer.page > pages:
                        message = f"{shown(layer.slides.name)} has {pages} pages; write page: {pages} or less."
                        yield self._at(f"{path}.layers[{i}].page", message)
                if layer.video is not None:
                    yield from self._trimmed(layer.video, "video", layer.trim, f"{path}.layers[{i}].trim")
            if scene.background is not None and scene.background.video is not None:
                at = f"{path}.background.trim"
                yield from self._trimmed(scene.background.video, "video", scene.background.trim, at)
        if self._project.music is not None:
            yield from self._trimmed(self._project.music.file, "sound", self._project.music.trim, "music.trim")
        for name in ("intro", "outro"):
            clip = getattr(self._project, name)
            if clip is not None and clip.video is not None:
                yield from self._trimmed(clip.video, "video", clip.trim, f"{name}.trim")

    def avatars(self) -> Iterator[Problem]:
        """Kept avatars that are not here."""
        from mien.portrait.store import library

        for path, person in self._people():
            if not person.name:
                continue
            try:
                if library.has(person.name):
                    continue
                message = f"there is no avatar {shown(person.name)}; see mien avatar list, or name a picture."
            except MienError as error:
                message = f"{error.message.rstrip('.')}; see mien avatar list, or name a picture."
            yield self._at(path, message)

    def voices(self) -> Iterator[Problem]:
        """Voices and languages that nothing here speaks, pronunciations that cannot be read."""
        asked: dict[tuple[str, str], str] = {}
        for path, scene in self._scenes():
            for line in scene.lines:
                person = scene.people.get(line.who)
                script = script_of_line(line) if line.script else None
                if person is None or script is None:
                    continue
                key = (person.voice.name, person.language)
                if key not in asked:
                    asked[key] = self._voice_trouble(person, script)
                if asked[key]:
                    yield self._at(self._voice_path(path, line.who), asked[key])
        for _, person in self._people():
            lexicon = person.voice.lexicon
            if lexicon is not None and not self._about[lexicon, "text"].wrong:
                yield from self._lexicon(lexicon)

    def moments(self) -> Iterator[Problem]:
        """Words that are never said, cues that are not in the script, things that come after their scene."""
        for path, scene in self._scenes():
            lines = [script_of_line(line) for line in scene.lines]
            for where, moment in self._moments_of(scene):
                if any(isinstance(line.transcript, Path) for line in scene.lines) and (moment.word or moment.cue):
                    continue  # its words are known when it is rendered
                message = trouble(moment, lines)
                if message:
                    yield self._at(f"{path}.{where}", message)
                elif not scene.lines and scene.ticks is not None and moment.ticks >= scene.ticks:
                    length = f"{to_seconds(scene.ticks):g}s"
                    yield self._at(f"{path}.{where}", f"the scene ends after {length}; write an earlier time.")

    def letters(self) -> Iterator[Problem]:
        """Letters of what is drawn for which no font is here."""
        for path, scene in self._scenes():
            if scene.captions is not None and scene.captions.burned:
                for text, where in self._spoken(path, scene):
                    yield from self._drawn(text, where, scene.captions.font, scene.language)
            for i, layer in enumerate(scene.layers):
                third = layer.lower_third
                text = f"{third.name}\n{third.role}" if third is not None else layer.title
                if text:
                    yield from self._drawn(text, f"{path}.layers[{i}].{layer.kind}", layer.font, scene.language)

    def sizes(self) -> Iterator[Problem]:
        """Boxes so large that drawing them would take all memory."""
        canvas = self._project.canvas.pixels
        for path, scene in self._scenes():
            places = [(f"{path}.layers[{i}].place", layer.place) for i, layer in enumerate(scene.layers)]
            places += [(self._path_of(path, who, "place"), person.place) for who, person in scene.people.items()]
            for where, place in places:
                if place is not None and place.too_large(canvas):
                    most = f"{100 * LARGEST}%"
                    yield self._at(where, f"this is far larger than the picture; write at most {most} of its sides.")

    def times(self) -> Iterator[Problem]:
        """Transitions that do not fit between the scenes they join."""
        scenes = self._project.scenes
        for i, scene in enumerate(scenes):
            length = self._known_ticks(scene)
            if length is None:
                continue
            before = scenes[i - 1].transition.length if i else 0
            after = scene.transition.length if i + 1 < len(scenes) else 0
            if before + after > length:
                message = (
                    f"the transitions take {to_seconds(before + after):g}s of a scene of {to_seconds(length):g}s; "
                    "make them shorter, or the scene longer."
                )
                yield self._at(f"scenes[{i}].transition" if after else f"scenes[{i - 1}].transition", message)

    def _scenes(self) -> Iterator[tuple[str, Scene]]:
        for i, scene in enumerate(self._project.scenes):
            yield f"scenes[{i}]", scene

    def _people(self) -> Iterator[tuple[str, Person]]:
        """Everybody who plays, with the field that says who they are."""
        for path, scene in self._scenes():
            for who, person in scene.people.items():
                yield self._path_of(path, who, "name"), person

    def _path_of(self, scene: str, who: str, field: str) -> str:
        """The field of a person that is written nearest: in the scene, in the cast, in the project."""
        places = [f"{scene}.cast.{who}", f"cast.{who}"] if who else [f"{scene}.avatar", "avatar"]
        for place in places:
            if written(self._root, f"{place}.{field}"):
                return f"{place}.{field}"
        return next((place for place in places if written(self._root, place)), scene)

    def _voice_path(self, scene: str, who: str) -> str:
        for place in (f"{scene}.voice", self._path_of(scene, who, "voice"), "voice"):
            if place.endswith("voice") and written(self._root, place):
                return place
        return "language" if written(self._root, "language") else scene

    def _voice_trouble(self, person: Person, script: Script) -> str:
        from dataclasses import replace

        from mien import config
        from mien.dialogue.languages import main_language
        from mien.dialogue.speak.base import SpeakRequest
        from mien.dialogue.speak.choose import open_voice

        text = script.plain.text
        settings = config.load()
        speak = replace(settings.speak, voice=person.voice.name, language=person.language)
        try:
            chosen = open_voice(speak, text, self._tell, settings.voices)
            try:
                language = main_language(text, person.language)
                chosen.speaker.check(SpeakRequest(text, language, voice=chosen.voice))
            finally:
                chosen.speaker.close()
        except MienError as error:
            hint = f"{error.hint[:1].lower()}{error.hint[1:]}" if error.hint else "see mien voice list."
            return f"{error.message.rstrip('.')}; {hint.rstrip('.')}."
        return ""

    def _lexicon(self, path: Path) -> Iterator[Problem]:
        from mien.dialogue.lexicon import load

        try:
            load(path)
        except MienError as error:
            asset = next(asset for asset in self._loaded.assets if asset.path == path)
            message = f"{error.message.rstrip('.')}; see docs/voices.md."
            yield Problem(asset.mark.line, asset.mark.column, asset.field, message)

    def _moments_of(self, scene: Scene) -> Iterator[tuple[str, Moment]]:
        for i, layer in enumerate(scene.layers):
            yield f"layers[{i}].at", layer.at
            if layer.until is not None:
                yield f"layers[{i}].until", layer.until
        for i, effect in enumerate(scene.effects):
            yield f"effects[{i}].at", effect.at

    def _spoken(self, path: str, scene: Scene) -> Iterator[tuple[str, str]]:
        """What is said, without marks, and where that stands."""
        for i, line in enumerate(scene.lines):
            script = script_of_line(line)
            if script is not None:
                key = "script" if line.script else "transcript"
                yield script.plain.text, f"{path}.dialogue[{i}]" if scene.dialogue else f"{path}.{key}"

    def _drawn(self, text: str, where: str, font: str, language: str) -> Iterator[Problem]:
        from mien.stage.type.style import TextStyle
        from mien.stage.type.text import check_text

        if font and self._about.get((Path(font), "font"), About()).wrong:
            return
        style = TextStyle(40, font=font, language="" if language == "auto" else language)
        try:
            left_out = check_text(text, style)
        except MienError as error:
            at = f"{where.rpartition('.')[0]}.font" if error.code == "missing.font" else where
            yield self._at(at, f"{lowered(error.message).rstrip('.')}; {lowered(error.hint)}")
        else:
            if left_out:
                self._tell(f"{where}: no font here has {', '.join(left_out)}, so captions leave them out.")

    def _trimmed(self, path: Path, kind: str, trim: Trim, where: str) -> Iterator[Problem]:
        seconds = self._about[path, kind].seconds
        late = seconds is not None and (
            trim.start >= seconds * TICKS_PER_SECOND or (trim.end or 0) > (seconds + 0.1) * TICKS_PER_SECOND
        )
        if late:
            message = f"{shown(path.name)} lasts {seconds:.1f}s, and this is beyond its end; write earlier times."
            yield self._at(where, message)

    def _known_ticks(self, scene: Scene) -> int | None:
        """How long a scene is, as far as that is known without speaking it."""
        if not scene.lines:
            return scene.ticks
        total = scene.before + scene.after
        for line in scene.lines:
            seconds = None if line.audio is None else self._about[line.audio, "sound"].seconds
            if seconds is None:
                return None
            total += line.pause + round(seconds * TICKS_PER_SECOND)
        return max(total, scene.ticks or 0)

    def _length(self, scene: Scene) -> float:
        """Seconds of a scene, about."""
        known = self._known_ticks(scene)
        if known is not None:
            return to_seconds(known)
        total = to_seconds(scene.before + scene.after)
        for line in scene.lines:
            person = scene.people.get(line.who)
            total += to_seconds(line.pause) + guessed_seconds(line.script, person.voice.rate if person else 1.0)
        return max(total, to_seconds(scene.ticks or 0))

    def _video_seconds(self, path: Path, trim: Trim) -> float:
        end = self._about[path, "video"].seconds or 0.0
        return max(0.0, (end if trim.end is None else min(end, to_seconds(trim.end))) - to_seconds(trim.start))

    def _at(self, path: str, message: str) -> Problem:
        mark: Mark = find(self._root, path)
        return Problem(mark.line, mark.column, path, message)


def guessed_seconds(script: str, rate: float = 1.0) -> float:
    """About how long it takes to say a script: 14 letters or 4.5 full-width characters a second, and its pauses."""
    from mien.dialogue.script import Pause, parse

    parsed = parse(script)
    text = parsed.plain.text
    wide = sum(ord(char) > 0x2E80 for char in text)
    pauses = sum(segment.ticks for segment in parsed.segments if isinstance(segment, Pause))
    return (wide / _CHARACTERS_A_SECOND + (len(text) - wide) / _LETTERS_A_SECOND) / rate + to_seconds(pauses)


def written(root: Node, path: str) -> bool:
    """Whether a field stands in the file."""
    node: Node | None = root
    for name in path.replace("[", ".").replace("]", "").split("."):
        if node is None:
            return False
        node = node.items[int(name)] if node.items is not None and name.isdigit() else node.get(name)
    return node is not None
