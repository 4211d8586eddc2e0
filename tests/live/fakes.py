"""Small parts for sessions in tests; what is judged is real: the line, the driver, the voice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.dialogue.think.base import Piece, Question, ThinkerInfo
from mien.face.base import FaceSettings
from mien.face.phones import PhoneDriver
from mien.live.clock import VirtualClock
from mien.live.session import Event, Session, Troupe
from mien.transmit.live import Tally
from mien.turn import Turn
from mien.types import AudioChunk, ByteArray, FaceClip, FloatArray, VideoFrame


class Slate:
    """A canvas that draws how far the jaw is open."""

    def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        return np.full((2, 2, 3), int(255 * shapes[17]), np.uint8)


class Witness:
    """A viewer that keeps everything."""

    def __init__(self) -> None:
        self.frames: list[VideoFrame] = []
        self.sounds: list[AudioChunk] = []
        self.clips: list[FaceClip] = []
        self.cuts: list[int] = []
        self.closed = 0

    @property
    def tally(self) -> Tally:
        return Tally(frames=len(self.frames), state="live")

    def show(self, frame: VideoFrame, sound: AudioChunk) -> None:
        self.frames.append(frame)
        self.sounds.append(sound)

    def move(self, clip: FaceClip) -> None:
        self.clips.append(clip)

    def cut(self, tick: int) -> None:
        self.cuts.append(tick)

    def close(self) -> None:
        self.closed += 1

    @property
    def sound(self) -> FloatArray:
        return np.concatenate([s.samples for s in self.sounds]) if self.sounds else np.zeros(0, np.float32)


class Parrot:
    """Answers with given pieces. gate: is waited for before each piece after the first."""

    def __init__(self, *pieces: str, gate: threading.Event | None = None) -> None:
        self.pieces, self.gate = pieces, gate
        self.asked: list[Question] = []

    @property
    def info(self) -> ThinkerInfo:
        return ThinkerInfo("parrot", streaming=True)

    def answer(self, question: Question, turn: Turn) -> Iterator[Piece]:
        self.asked.append(question)
        for i, piece in enumerate(self.pieces):
            while i and self.gate and not self.gate.is_set():
                turn.wait(0.01)
                turn.check()
            turn.check()
            yield Piece(piece)

    def close(self) -> None:
        pass


class StepClock(VirtualClock):
    """Goes on only as far as it is let, so that a test decides what happens between two moments."""

    def __init__(self) -> None:
        super().__init__()
        self._allowed = threading.Semaphore(0)
        self._arrived = threading.Semaphore(0)

    def wait(self, until: float, wake: threading.Event) -> None:
        self._arrived.release()
        while not self._allowed.acquire(timeout=0.02):
            if wake.is_set():
                return
        super().wait(until, wake)

    def step(self, moments: int = 1) -> None:
        """Let so many moments pass; returns when the next one is made and waits to be shown."""
        for _ in range(moments):
            assert self._arrived.acquire(timeout=20)
            self._allowed.release()
        assert self._arrived.acquire(timeout=20)
        self._arrived.release()


def session(
    thinker: Parrot | None = None, on_event: Callable[[Event], None] = lambda _: None
) -> tuple[Session, StepClock, Witness]:
    """A session that a test drives, with somebody who watches."""
    clock, witness = StepClock(), Witness()
    made = Session(
        Troupe(
            driver=lambda: PhoneDriver(FaceSettings()),
            canvas=Slate,
            speaker=EspeakSpeaker(),
            thinker=thinker or Parrot("Hello."),
            fps=Fraction(25),
            language="en",
        ),
        clock=clock,
        on_event=on_event,
    )
    made.watch(witness)
    return made, clock, witness
