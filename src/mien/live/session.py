"""One visitor's avatar: it idles, speaks, answers, stops when cut short; everybody who watches gets the same moments.

One thread makes each moment (motion, picture, sound) and gives it to the viewers when the clock says that it is due;
another works on the turn. Sound is the master: a machine that is too slow repeats pictures, it never stretches time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Any, Final, Protocol

from mien.audio.loudness import RunningLevel
from mien.dialogue.speak.base import Speaker
from mien.dialogue.think.base import Persona, Piece, Question, Said, Thinker
from mien.dialogue.think.segments import Clause, segment
from mien.dialogue.think.tools import Tool
from mien.face.base import FaceDriver
from mien.live.answer import feed, spoken
from mien.live.audience import Audience
from mien.live.clock import Clock, WallClock
from mien.live.complaints import Complaints, quietly
from mien.live.history import Spoken
from mien.live.line import Line, Maker, Shown
from mien.live.workers import Workers
from mien.render.base import Canvas
from mien.stage.compose import Compose
from mien.timeline import TICKS_PER_SECOND, frame_tick
from mien.transmit.live import Viewer
from mien.turn import Cut, Turn
from mien.types import AudioChunk, ByteArray, Emotion, FaceClip, SpeechPart

_log = logging.getLogger(__name__)

Event = dict[str, Any]
"""What happens in a session, for its page and its API: always "type" and "tick"."""

_MOST_HISTORY: Final = 40
"""Things said that are remembered for the next answer."""
_LATE: Final = 1.5
"""Frames behind time from which a picture is repeated instead of drawn."""
_LOST: Final = 2.0
"""Seconds behind time from which the clock starts anew: the machine slept."""
_IN_TIME: Final = 0.025
"""Seconds that a moment takes to be made, motion by ear included: where a voice is followed, it is begun that late."""
_GOODBYE: Final = 2.0


@dataclass(frozen=True)
class Troupe:
    """Who plays. The factories are called in the thread that uses what they make.

    driver, canvas: factories. speaker: the voice, of this session alone. thinker: may serve many. compose: stage 6.
    language, voice, rate, emotion: of the speech. persona: who answers.
    known, tools: facts about the visitor and what may be called, asked for at each question. size: of pictures, pixels.
    """

    driver: Callable[[], FaceDriver]
    canvas: Callable[[], Canvas]
    speaker: Speaker
    thinker: Thinker
    compose: Compose | None = None
    fps: Fraction = Fraction(25)
    language: str = "auto"
    voice: str = ""
    rate: float = 1.0
    emotion: Emotion | None = None
    persona: Persona = field(default_factory=Persona)
    known: Callable[[], tuple[str, ...]] = tuple
    tools: Callable[[], tuple[Tool, ...]] = tuple
    size: tuple[int, int] = (0, 0)


Parts = Callable[[Turn], Iterable[tuple[SpeechPart, Clause | None]]]
"""Makes the speech of a turn, each part with the clause it belongs to, in the turn's own thread."""


class Listening(Protocol):
    """Who must tell the session's own voice from a visitor's. Both return at once."""

    def playing(self, sound: AudioChunk) -> None:
        """This is being sent now."""
        ...

    def silenced(self, tick: int) -> None:
        """What was to be sent from there on is not."""
        ...


@dataclass(slots=True)
class Counts:
    """What a session did. frames: given to viewers. repeated: of those, with an old picture because time was short.
    turns, cuts: answers begun and cut short. jumps: times that the clock started anew."""

    frames: int = 0
    repeated: int = 0
    turns: int = 0
    cuts: int = 0
    jumps: int = 0


class Session:
    """A live avatar. Methods may be called from any thread and return at once.

    on_event: told what happens, from the session's threads; must be quick.
    """

    def __init__(
        self, troupe: Troupe, *, clock: Clock | None = None, on_event: Callable[[Event], None] = lambda _: None
    ) -> None:
        self.counts = Counts()
        self._troupe, self._clock, self._on_event = troupe, clock or WallClock(), on_event
        self._lock = threading.RLock()  # who is told of an event may ask the session
        self._line = Line(self._new_driver, troupe.fps, on_part=self._placed)
        self._audience = Audience(self._lost_viewer)
        self._history: list[Said] = []
        self._spoken = Spoken(self._caption)
        self._turns: list[Turn] = []
        self._number = self._heard_of = self._asked_at = self._cut_at = 0
        self._follows = False
        self._ears: Listening | None = None
        self._workers = Workers()
        self._answer_failed = Complaints(self._tell, "internal", "The answer failed.", "Ask again.")
        self._face_failed = Complaints(self._tell, "face.failed", "The face failed at this answer.", "Ask again.")
        self._picture_failed = Complaints(
            self._tell, "picture.failed", "The picture cannot be drawn.", "Open a new session."
        )
        self._broken: Event | None = None
        self._volume = RunningLevel()
        self._closed = threading.Event()
        self._state = "idle"
        self._pacer = threading.Thread(target=self._run, name="mien-session", daemon=True)
        self._pacer.start()

    @property
    def broken(self) -> Event | None:
        """What was told when the session broke: nothing is shown any more."""
        return self._broken

    @property
    def state(self) -> str:
        """ "idle", "thinking" or "speaking"."""
        return self._state

    @property
    def tick(self) -> int:
        """Where the next moment begins."""
        return self._line.tick

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._audience)

    @property
    def history(self) -> tuple[Said, ...]:
        """What was said and, of the answers, heard."""
        with self._lock:
            return tuple(self._history)

    def watch(self, viewer: Viewer, *, pictures: bool = True) -> None:
        """From the next moment on. pictures: False = its frames are empty; nothing is drawn for it alone."""
        self._audience.come(viewer, pictures=pictures)

    def leave(self, viewer: Viewer) -> None:
        """No more moments for this viewer; it is not closed."""
        self._audience.leave(viewer)

    @property
    def troupe(self) -> Troupe:
        """Who plays."""
        return self._troupe

    def change(self, troupe: Troupe) -> None:
        """Play on with another voice, face, thinker or background; size and fps stay. A voice that is replaced is cut
        short and closed, for which this waits; a face that is replaced speaks to its end."""
        with self._lock:
            old, self._troupe = self._troupe, troupe
            replaced = old.speaker is not troupe.speaker
            if replaced:
                self._cut()
            if old.driver is not troupe.driver:
                self._line.renew()
        if replaced:
            self._workers.join(_GOODBYE)
            old.speaker.close()

    def listen(self, ears: Listening | None) -> None:
        """Who is told what is sent, from the next moment on."""
        self._ears = ears

    def say(self, text: str, *, interrupt: bool = True) -> Turn:
        """Speak a text with marks as it stands. interrupt: at once, else after what is being said."""
        self._asked_at = self.tick
        return self._begin(lambda turn: self._spoken_by(turn, iter((Piece(text),))), text=None, interrupt=interrupt)

    def ask(self, text: str, *, language: str = "auto", ended: int | None = None) -> Turn:
        """Answer somebody; what was being said is cut short.

        ended: tick at which the question ended, from which the wait for the answer counts; None = now.
        """

        def pieces(turn: Turn) -> Iterator[Piece]:
            with self._lock:
                history, who = tuple(self._history[-_MOST_HISTORY:]), self._troupe
                self.note(Said("user", text))
            question = Question(text, language, history, who.persona, who.known(), who.tools())
            return who.thinker.answer(question, turn)

        self._asked_at = self.tick if ended is None else ended
        return self._begin(lambda turn: self._spoken_by(turn, pieces(turn)), text=text, interrupt=True)

    def play(self, parts: Callable[[], Iterable[SpeechPart]], by: Maker) -> Turn:
        """Play recorded speech; what was being said is cut short. parts: called in the turn's own thread. by: makes the
        driver that moves the face for it.
        """

        def recorded(turn: Turn) -> Iterator[tuple[SpeechPart, None]]:
            for part in self._volume.parts(iter(parts())):
                yield replace(part, turn=turn.number), None

        return self._begin(recorded, text=None, interrupt=True, by=by)

    def follow(self, part: SpeechPart, by: Maker) -> None:
        """Send a voice on that is heard now, and move the face by it. by: makes the driver."""
        with self._lock:
            if self._turns:
                self._cut()
            self._follows = True
            self._line.say(part, None, by)

    @property
    def waiting(self) -> int:
        """Ticks of speech that wait to be sent."""
        with self._lock:
            return self._line.waiting

    def interrupt(self) -> int:
        """Stop speaking. Returns the tick from which nothing of it is sent."""
        with self._lock:
            return self._cut()

    def close(self) -> None:
        """End everything that was started, the voice too. Idempotent."""
        if self._closed.is_set():
            return
        with self._lock:
            for turn in self._turns:
                turn.cut()
        self._closed.set()
        self._workers.join(_GOODBYE)
        if self._pacer is not threading.current_thread():
            self._pacer.join(_GOODBYE)
        self._audience.close()
        quietly(self._troupe.speaker.close, "A voice")

    def _new_driver(self) -> FaceDriver:
        return self._troupe.driver()

    def _begin(self, parts: Parts, *, text: str | None, interrupt: bool, by: Maker | None = None) -> Turn:
        with self._lock:
            if interrupt:
                self._cut()
            self._number += 1
            turn = Turn(self._number)
            self._turns.append(turn)
            self.counts.turns += 1
            self._set_state("thinking" if text is not None else self._state)
            self._tell("turn", turn=turn.number, text=text or "")
            self._workers.begin(turn, lambda: self._work(turn, parts, by))
        return turn

    def _cut(self) -> int:
        """End all turns; under the lock."""
        busy = self._line.speaking or bool(self._turns)
        for turn in self._turns:
            turn.cut()
        self._turns.clear()
        self._follows = False
        tick = self._line.cut()
        self._cut_at = self._line.tick
        if busy:
            self.counts.cuts += 1
            self._remember(tick)
            self._audience.cut(tick)
            if self._ears is not None:
                self._ears.silenced(tick)
            self._tell("cut", turn=self._number, at=tick)
            self._set_state("idle")
        return tick

    def _spoken_by(self, turn: Turn, pieces: Iterator[Piece]) -> Iterator[tuple[SpeechPart, Clause]]:
        """An answer in the voice of now."""
        troupe = self._troupe
        return spoken(
            segment(self._written(turn, pieces)), troupe.speaker, turn, self._volume,
            language=troupe.language, voice=troupe.voice, rate=troupe.rate, emotion=troupe.emotion,
        )  # fmt: skip

    def _work(self, turn: Turn, parts: Parts, by: Maker | None) -> None:
        """The turn's own thread."""
        try:
            feed(parts(turn), lambda part, clause: self._say(part, clause, by), lambda: self.waiting, turn)
        except Cut:
            pass
        except Exception as error:
            if not turn.over:  # else nobody wants to know
                self._answer_failed.tell(error, turn=turn.number)
        finally:
            with self._lock:
                self._turns = [t for t in self._turns if t is not turn]
                if self._state == "thinking" and not self._turns and not self._line.speaking:
                    self._set_state("idle")

    def _written(self, turn: Turn, pieces: Iterable[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            turn.check()
            self._tell("text", turn=turn.number, text=piece.text)
            yield piece

    def _say(self, part: SpeechPart, clause: Clause | None, by: Maker | None) -> None:
        with self._lock:
            if any(t.number == part.turn and not t.over for t in self._turns):
                self._line.say(part, clause, by)

    def _placed(self, part: SpeechPart, clause: object) -> None:
        if isinstance(clause, Clause):
            self._spoken.place(part, clause)

    def _caption(self, turn: int, clause: Clause, tick: int) -> None:
        cited = [asdict(citation) for citation in clause.citations]
        self._tell("caption", turn=turn, number=clause.number, text=clause.text, at=tick, citations=cited)

    def _remember(self, tick: int) -> None:
        """What was heard of the answers before a tick goes into the history; under the lock."""
        for text in self._spoken.heard(tick):
            self.note(Said("assistant", text))

    def note(self, said: Said) -> None:
        """Something was said that later answers should know of."""
        with self._lock:
            self._history.append(said)
            del self._history[: -2 * _MOST_HISTORY]
            self._tell("said", role=said.role, text=said.text)

    def _run(self) -> None:
        """The pacing thread."""
        try:
            self._pace()
        except Exception:
            _log.exception("A session broke.")
            self._audience.empty()  # nobody watches it any more: it is swept
            self._broken = {
                "type": "error", "tick": self.tick, "code": "session.broken", "message": "The session broke.",
                "hint": "Open a new one.",
            }  # fmt: skip
            self._on_event(self._broken)

    def _pace(self) -> None:
        troupe, canvas = self._troupe, self._troupe.canvas()
        began, first = self._clock.now(), 0
        picture: ByteArray | None = None
        k = 0
        while not self._closed.is_set():
            due = began + (frame_tick(k, self._troupe.fps) - first) / TICKS_PER_SECOND
            if self._follows:  # what is heard until just before shall be in it
                self._clock.wait(due - _IN_TIME, self._closed)
            late = self._clock.now() - due
            if late > _LOST:
                began, first = self._clock.now(), frame_tick(k, self._troupe.fps)
                self.counts.jumps += 1
                continue
            shown = self._taken()
            seen = self._audience.sees
            if seen and (picture is None or late < _LATE / float(self._troupe.fps)):
                before, troupe = troupe, self._troupe
                if troupe.canvas is not before.canvas:
                    canvas = troupe.canvas()
                picture = self._drawn(canvas, troupe.compose, shown, picture)
            elif seen:
                self.counts.repeated += 1
            self._clock.wait(due, self._closed)
            if (ears := self._ears) is not None:
                ears.playing(shown.beat.audio)
            self._show(shown, picture)
            k += 1

    def _taken(self) -> Shown:
        """The next moment. A face that breaks loses what it was about to say, no more."""
        with self._lock:
            try:
                return self._line.take()
            except Exception as error:
                self._line.give_up()
                self._remember(self._line.tick)
                self._cut()
                self._face_failed.repeat(error)
                return self._line.take()

    def _drawn(self, canvas: Canvas, compose: Compose | None, shown: Shown, old: ByteArray | None) -> ByteArray | None:
        """The moment's picture; the old one where it cannot be drawn. Raises when there is none yet."""
        try:
            pixels = canvas.draw(shown.beat.shapes, shown.beat.head)
            return pixels if compose is None else compose(shown.beat.tick, pixels)
        except Exception as error:
            if old is None:
                raise
            self._picture_failed.repeat(error)
            return old

    def _show(self, shown: Shown, picture: ByteArray | None) -> None:
        beat = shown.beat
        if self._audience:
            clip = FaceClip(beat.tick, beat.shapes[None], beat.head[None], self._troupe.fps)
            self._audience.show(clip, picture, beat.audio)
        self.counts.frames += 1
        with self._lock:
            self._follow(shown)

    def _follow(self, shown: Shown) -> None:
        """Keep the state true to what is heard; under the lock."""
        if shown.beat.tick < self._cut_at:  # made before the cut
            return
        if shown.speaking:
            self._set_state("speaking")
            if shown.turn > self._heard_of:
                self._heard_of = shown.turn
                waited = (shown.beat.tick - self._asked_at) / TICKS_PER_SECOND
                self._tell("sound", turn=shown.turn, at=shown.beat.tick, waited=round(waited, 3))
        elif self._state == "speaking" and not self._line.speaking:
            if self._turns:
                self._set_state("thinking")
            else:
                self._remember(shown.beat.tick)
                self._set_state("idle")

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._tell("state", state=state)

    def _lost_viewer(self) -> None:
        self._tell("error", code="viewer.failed", message="Somewhere this session was sent to broke.", hint="")

    def _tell(self, kind: str, **more: Any) -> None:
        self._on_event({"type": kind, "tick": self._line.tick, **more})
