"""From a project to a time line: what is said when, which frames each scene has, what is heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from mien import config, plugins
from mien.apps.studio.performed import PAUSE, Performed, Utterance, perform_scene, speech_spans
from mien.apps.studio.person import Person
from mien.apps.studio.picture import Layer, Transition
from mien.apps.studio.project import Clip, Line, Project, Scene
from mien.apps.studio.values import Moment
from mien.apps.studio.words import cues, occurrences, script_of_line
from mien.audio.mix import Effect, Mix, Music
from mien.audio.read import probe_audio
from mien.casting import Order, Subject, dials, with_options
from mien.dialogue.script import Script
from mien.errors import InputError
from mien.face.base import FaceDriver
from mien.footage import length_of
from mien.recorded import Recording
from mien.stage.background import BackgroundSpec
from mien.timeline import TICKS_PER_SECOND, frame_tick, frames_in, to_seconds
from mien.types import AudioChunk

NARRATOR: Final = Person(hidden=True)


@dataclass(frozen=True)
class Take:
    """A scene or clip on the time line. number: of the scene, -1 for a clip. first: frame. frames: how many. overlap:
    frames that it shares with the take before it, while one becomes the other by change.
    """

    number: int
    scene: Scene | None
    clip: Clip | None
    performed: Performed | None
    first: int
    frames: int
    change: str = "cut"
    overlap: int = 0

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.first + self.frames


@dataclass(frozen=True)
class Plan:
    """A film, planned. width, height: pixels."""

    project: Project
    takes: tuple[Take, ...]
    width: int
    height: int
    fps: Fraction

    @property
    def frames(self) -> int:
        """Of the whole film."""
        return self.takes[-1].end

    @property
    def ticks(self) -> int:
        """Of the whole film."""
        return frame_tick(self.frames, self.fps)

    def start(self, take: Take) -> int:
        """Tick at which a take begins."""
        return frame_tick(take.first, self.fps)

    def moment(self, take: Take, moment: Moment) -> int:
        """Tick of the film at which a moment of a scene comes. It is known to come: a project's check sees to that."""
        assert take.scene is not None and take.performed is not None
        scripts = [script_of_line(line) for line in take.scene.lines]
        at = 0
        if moment.cue:
            line = take.performed.lines[cues(scripts)[moment.cue]]
            at = next((cue.tick for cue in line.cues if cue.name == moment.cue), line.start)
        elif moment.word:
            at = _when_said(take.performed, scripts, moment)
        return self.start(take) + max(0, at + moment.ticks)

    def span(self, take: Take, layer: Layer) -> tuple[int, int]:
        """Ticks of the film from which and until which a layer of a scene is seen."""
        start = self.moment(take, layer.at)
        end = frame_tick(take.end, self.fps)
        if layer.ticks is not None:
            end = min(end, start + layer.ticks)
        elif layer.until is not None:
            end = min(end, self.moment(take, layer.until))
        return start, end


def plan(
    project: Project,
    perform: Callable[[Scene, Callable[[], Performed]], Performed] = lambda scene, make: make(),
    *,
    settings: config.Settings | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Plan:
    """Have everything spoken and put it on one time line. perform: may keep what a scene's speech became."""
    settings = settings or config.load()
    fps, (width, height) = project.canvas.fps, project.canvas.pixels
    takes: list[Take] = []
    change = Transition(kind="cut")
    if project.intro is not None:
        _append(takes, Take(-1, None, project.intro, None, 0, _clip_frames(project.intro, fps)), change, fps)
        change = project.intro.transition
    for number, scene in enumerate(project.scenes):
        performed = perform(scene, lambda scene=scene: _performed(scene, settings, fps, tell))  # type: ignore[misc]
        _append(takes, Take(number, scene, None, performed, 0, performed.frames), change, fps)
        change = scene.transition
    if project.outro is not None:
        change = project.outro.transition if project.outro.transition.length else change
        _append(takes, Take(-1, None, project.outro, None, 0, _clip_frames(project.outro, fps)), change, fps)
    film = Plan(project, tuple(takes), width, height, fps)
    for line in unseen(film):
        tell(line)
    return film


def unseen(film: Plan) -> Iterator[str]:
    """Sentences about what comes after its scene's end, which nobody knew before it was spoken."""
    for take in film.takes:
        if take.scene is None or take.performed is None:
            continue
        end = film.start(take) + frame_tick(take.frames, film.fps)
        things = [(layer.kind.replace("_", " "), layer.at) for layer in take.scene.layers]
        for what, at in [*things, *(("sound", effect.at) for effect in take.scene.effects)]:
            if film.moment(take, at) >= end:
                seconds = to_seconds(film.moment(take, at) - film.start(take))
                name = take.scene.id or f"number {take.number + 1}"
                yield (
                    f"Scene {name}: a {what} would come at {seconds:.1f} s, but the scene lasts "
                    f"{to_seconds(frame_tick(take.frames, film.fps)):.1f} s."
                )


def sound(plan: Plan) -> Mix:
    """What is heard. Raises InputError for files that are no sound."""
    voices, spoken, effects = [], [], []
    for take in plan.takes:
        start = plan.start(take)
        if take.performed is not None:
            voices.append(AudioChunk(start, take.performed.sound))
            spoken += [(start + a, start + b) for a, b in speech_spans(take.performed.lines)]
        effects += _effects(plan, take, start)
    music = plan.project.music
    under = [] if music is None else [
        Music(
            music.file, 0, plan.ticks, music.volume_db, music.duck_db, music.fade[0], music.fade[1], music.loop,
            (music.trim.start, music.trim.end),
        )
    ]  # fmt: skip
    return Mix(plan.ticks, voices, spoken, music=under, effects=effects, target=plan.project.loudness)


def person_of(scene: Scene, who: str) -> Person:
    """Who speaks a line."""
    found = scene.people.get(who)
    if found is not None:
        return found
    return replace(NARRATOR, language=scene.language, voice=scene.voice or NARRATOR.voice)


def seen(scene: Scene) -> dict[str, Person]:
    """Everybody who is seen in a scene, by the names that its lines have."""
    return {who: person for who, person in scene.people.items() if not person.hidden}


def subject(person: Person) -> Subject:
    """Whose face it is. Raises InputError."""
    return Subject.of(person.portrait if person.portrait is not None else person.name, person.crop, person.face)


def _append(takes: list[Take], take: Take, change: Transition, fps: Fraction) -> None:
    """Put a take after the others. Two takes overlap by no more than half of the shorter."""
    if not takes:
        takes.append(take)
        return
    room = min(takes[-1].frames - takes[-1].overlap, take.frames) // 2
    overlap = min(frames_in(change.length, fps), max(0, room))
    takes.append(replace(take, first=takes[-1].end - overlap, change=change.kind, overlap=overlap))


def _performed(scene: Scene, settings: config.Settings, fps: Fraction, tell: Callable[[str], None]) -> Performed:
    lines = [Utterance(line.who, _order(scene, line, settings), line.pause or PAUSE) for line in scene.lines]
    idle = {who: _idle(person, settings) for who, person in seen(scene).items()}
    # speech is over before the next scene's begins
    tail = max(scene.after, scene.transition.length)
    return perform_scene(lines, idle, fps, lead_in=scene.before, tail=tail, least=scene.ticks or 0, tell=tell)


def _order(scene: Scene, line: Line, settings: config.Settings) -> Order:
    person = person_of(scene, line.who)
    options = person.options
    chosen = with_options(settings, options)
    recording = None
    if line.audio is not None:
        recording = Recording.of(line.audio, line.transcript, person.language, chosen.audio)
    return Order(
        subject=Subject(), text=line.script, recording=recording, speak=chosen.speak, voices=chosen.voices,
        face=chosen.face, film=chosen.film, background=BackgroundSpec("transparent"), lexicon=person.voice.lexicon,
    )  # fmt: skip


def _idle(person: Person, settings: config.Settings) -> Callable[[], FaceDriver]:
    face = with_options(settings, person.options).face
    return lambda: plugins.load("face", "phones")(dials(face))


def _clip_frames(clip: Clip, fps: Fraction) -> int:
    if clip.video is None:
        return max(1, frames_in(clip.ticks, fps))
    ticks = int(length_of(clip.video) * TICKS_PER_SECOND)
    end = ticks if clip.trim.end is None else min(ticks, clip.trim.end)
    return max(1, frames_in(end - clip.trim.start, fps))


def _when_said(performed: Performed, scripts: Sequence[Script | None], moment: Moment) -> int:
    spot = occurrences(scripts, moment.word)[moment.number - 1]
    line = performed.lines[spot.line]
    said = [w for w in line.words if w.char_end > spot.start and w.char_start < spot.stop]
    if not said:
        return line.start
    return said[0].start if moment.edge == "start" else said[-1].end


def _effects(plan: Plan, take: Take, start: int) -> list[Effect]:
    """Sounds that belong to a take: a clip's own, a scene's effects, and those of its videos."""
    clip = take.clip
    if clip is not None:
        path = clip.sound if clip.video is None else _with_sound(clip.video)
        part = (clip.trim.start, clip.trim.end) if clip.video else (0, None)
        length = frame_tick(take.end, plan.fps) - start
        return [] if path is None else [Effect(path, start, clip.volume_db, _at_most(part, length))]
    assert take.scene is not None
    found = [Effect(e.sound, plan.moment(take, e.at), e.volume_db) for e in take.scene.effects]
    for layer in take.scene.layers:
        if layer.video is not None and layer.volume_db is not None and (path := _with_sound(layer.video)):
            a, b = plan.span(take, layer)
            found.append(Effect(path, a, layer.volume_db, _at_most((layer.trim.start, layer.trim.end), b - a)))
    return found


def _at_most(part: tuple[int, int | None], length: int) -> tuple[int, int | None]:
    begin, end = part
    return begin, begin + length if end is None else min(end, begin + length)


def _with_sound(path: Path) -> Path | None:
    try:
        return path if probe_audio(path) is not None else None
    except InputError:
        return None
