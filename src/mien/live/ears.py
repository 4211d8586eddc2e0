"""A visitor's microphone: who has the turn, what was said, and when to be quiet.

One thread hears everything in order, also what the session itself sends, so that its own voice is not taken for the
visitor's. It never waits for words: what was said is understood elsewhere, and who cuts in meanwhile is heard at once.
The microphone's ticks are moved to the session's as they arrive.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mien.dialogue.hear.base import Heard, Recogniser
from mien.dialogue.hear.turns import SpeechEnded, SpeechGoesOn, SpeechStarted, TurnEvent, Turns, TurnSettings
from mien.live.complaints import Complaints, quietly
from mien.live.session import Session
from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.turn import Cut
from mien.types import AudioChunk

_log = logging.getLogger(__name__)

_MOST_WAITING: Final = 500
"""Pieces of sound that may wait, ours and the visitor's: some seconds. Beyond, the oldest are lost."""
_APART: Final = TICKS_PER_SECOND // 2
"""Ticks by which the two clocks may differ before they are set anew."""
_GOODBYE: Final = 2.0
_COUGH: Final = to_ticks(0.12)
"""What is no longer, and of which nothing is understood, is a cough or a click, not a turn."""

_WRITES_TIGHT: Final = 0x2E80
"""Characters from here on, Chinese and Japanese among them, have no spaces between words."""

Job = Callable[[], None]


class Ears:
    """Listens for one session. Methods return at once and may be called from any thread.

    recogniser: of this visitor alone; None = turns are noticed, words are not. on_event: as the session's.
    """

    def __init__(
        self,
        session: Session,
        recogniser: Recogniser | None,
        settings: TurnSettings | None = None,
        on_event: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self.lost = 0
        self._session, self._recogniser, self._on_event = session, recogniser, on_event
        self._settings = settings or TurnSettings()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._offset: int | None = None
        self._turns: Turns | None = None
        self._understanding: threading.Thread | None = None
        self._waits = 0  # utterances that are not understood yet
        self._unanswered: list[Heard] = []  # understood when the visitor had begun to speak again
        self._deaf = False  # the recogniser failed in this utterance
        self._failed = Complaints(self._tell, "internal", "Listening failed.", "Say it again.")
        self._closed = False
        self._put(self._warm)
        self._thread = threading.Thread(target=self._run, name="mien-ears", daemon=True)
        self._thread.start()
        session.listen(self)

    def hear(self, chunk: AudioChunk) -> None:
        """The microphone's next sound, 48 kHz, at its own ticks."""
        now = self._session.tick
        if self._offset is None or abs(chunk.end + self._offset - now) > _APART:
            self._offset = now - chunk.end
        moved = AudioChunk(chunk.start + self._offset, chunk.samples)
        self._put(lambda: self._push(moved))

    def playing(self, sound: AudioChunk) -> None:
        """What the session sends now."""
        if sound.samples.any():
            self._put(lambda: self._ready().playing(sound))

    def silenced(self, tick: int) -> None:
        """The session's voice was cut."""
        self._put(lambda: self._ready().silenced(tick))

    def press(self) -> None:
        """Push to talk: the button is down."""
        self._put(lambda: self._handle(self._ready().press()))

    def release(self) -> None:
        """The button is up."""
        self._put(lambda: self._ready().release())

    def set(self, **settings: Any) -> None:
        """Change settings of turn taking, such as ``hands_free`` or ``barge_in``."""

        def change() -> None:
            self._settings = replace(self._settings, **settings)
            self._ready().settings = self._settings

        self._put(change)

    def close(self) -> None:
        """Stop listening. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._session.listen(None)
        self._jobs.put(None)
        self._thread.join(_GOODBYE)
        if self._recogniser is not None:
            quietly(self._recogniser.close, "A recogniser")

    def _put(self, job: Job) -> None:
        if self._jobs.qsize() >= _MOST_WAITING:
            self.lost += 1
            return
        self._jobs.put(job)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Cut:
                continue
            except Exception as error:  # of every piece of sound, perhaps
                self._failed.repeat(error)

    def _ready(self) -> Turns:
        if self._turns is None:
            self._turns = Turns(self._settings, lambda line: self._tell("note", message=line))
        return self._turns

    def _warm(self) -> None:
        """Load what tells speech from silence before anybody speaks."""
        self._ready()

    def _push(self, chunk: AudioChunk) -> None:
        self._handle(self._ready().push(chunk))

    def _handle(self, events: list[TurnEvent]) -> None:
        for event in events:
            if isinstance(event, SpeechStarted):
                if event.cut_in or self._session.state != "idle":
                    self._session.interrupt()
                self._tell("speech_started", at=event.start, cut_in=event.cut_in)
                self._deaf = False
                self._listen(event.sound)
            elif isinstance(event, SpeechGoesOn):
                self._listen(event.sound)
            else:
                self._ended(event)

    def _listen(self, sound: AudioChunk) -> None:
        if self._recogniser is None or self._deaf or not len(sound.samples):
            return
        try:
            heard = self._recogniser.push(sound)
        except Exception as error:  # told once; the utterance is lost, the next one is heard
            self._deaf = True
            self._failed.tell(error)
            return
        if heard is not None and heard.text:
            self._ready().partial(heard.text)
            self._tell("partial", text=heard.text)

    def _ended(self, event: SpeechEnded) -> None:
        self._tell("speech_ended", at=event.end, decided=event.decided)
        if self._recogniser is None:
            return
        if self._deaf:
            self._recogniser.drop()
            return
        wait, before = self._recogniser.end(), self._understanding
        self._waits += 1
        self._understanding = threading.Thread(
            target=self._understand, args=(wait, event, before), name="mien-understand", daemon=True
        )
        self._understanding.start()

    def _understand(self, wait: Callable[[], Heard], event: SpeechEnded, before: threading.Thread | None) -> None:
        """Wait for the words of one utterance, in a thread of its own, and bring them back to the ears'."""
        if before is not None:
            before.join()
        heard: Heard | None = None
        try:
            heard = wait()
        except Cut:
            pass
        except Exception as error:
            self._failed.tell(error)
        self._jobs.put(lambda: self._understood(heard, event))

    def _understood(self, heard: Heard | None, event: SpeechEnded) -> None:
        """Ask what was said, together with what was said before where the visitor only paused."""
        self._waits -= 1
        if heard is not None and (heard.text or event.pressed or event.end - event.start >= _COUGH):
            self._tell("heard", text=heard.text, language=heard.language, confidence=heard.confidence)
        if heard is not None and heard.text.strip():
            self._unanswered.append(heard)
        if self._unanswered and not self._waits and not self._ready().speaking:
            said, self._unanswered = self._unanswered, []
            self._session.ask(_joined(said), language=said[-1].language or "auto", ended=event.end)

    def _tell(self, kind: str, **more: Any) -> None:
        self._on_event({"type": kind, "tick": self._session.tick, **more})


def _joined(said: list[Heard]) -> str:
    """Utterances as one text: spaces where the writing has some."""
    text = said[0].text
    for heard in said[1:]:
        tight = not text or not heard.text or ord(text[-1]) > _WRITES_TIGHT or ord(heard.text[0]) > _WRITES_TIGHT
        text += heard.text if tight else f" {heard.text}"
    return text
