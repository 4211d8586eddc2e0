"""What breaks in a session is told in a sentence and harms nothing else: a turn that hangs, a face, a viewer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.live.fakes import Parrot, Witness, session
from tests.live.test_session import until

from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.face.base import FaceSettings
from mien.face.phones import PhoneDriver
from mien.live import workers
from mien.live.session import Event
from mien.live.workers import Workers
from mien.turn import Turn
from mien.types import AudioChunk, ByteArray, FloatArray, SpeechPart


class Stubborn(EspeakSpeaker):
    """A voice that hangs at a word, whatever is cut: no back end of ours does that."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.hangs = threading.Event(), threading.Semaphore(0)

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        if "hang" in request.text.lower():
            self.hangs.release()
            self.go.wait(30)
        return super().speak(request)


def turns() -> int:
    return sum(t.name == "mien-turn" for t in threading.enumerate())


def test_nobody_waits_for_an_answer_that_does_not_leave() -> None:
    events: list[Event] = []
    live, clock, _ = session(on_event=events.append)
    stubborn = Stubborn()
    live.change(replace(live.troupe, speaker=stubborn))
    live.say("Now hang.")
    assert stubborn.hangs.acquire(timeout=10)
    clock.step(2)
    live.say("I come next.")
    began = time.monotonic()
    until(lambda: live.waiting > 0)
    assert time.monotonic() - began < 2 * workers.LEAVES + 0.3  # and half of that is the voice's own
    clock.step(60)
    stubborn.go.set()
    until(lambda: turns() == 0)
    clock.step(5)
    live.close()
    assert [s.text for s in live.history] == ["I come next."]
    assert not [e for e in events if e["type"] == "error"]


def test_those_that_do_not_leave_are_bounded_and_the_last_is_heard_when_one_does() -> None:
    live, clock, _ = session()
    stubborn = Stubborn()
    live.change(replace(live.troupe, speaker=stubborn))
    for _ in range(2 * workers.MOST_LEFT):
        live.say("Now hang.")
        stubborn.hangs.acquire(timeout=3 * workers.LEAVES)
    assert turns() <= workers.MOST_LEFT + 2  # one works, one waits
    live.say("I come last.")
    stubborn.go.set()
    until(lambda: turns() == 0)
    clock.step(60)
    live.close()
    assert [s.text for s in live.history] == ["I come last."]


def test_turns_work_one_after_the_other() -> None:
    order: list[int] = []
    queue = Workers()

    def work(number: int) -> Callable[[], None]:
        def run() -> None:
            time.sleep(0.02)
            order.append(number)

        return run

    for number in range(10):
        queue.begin(Turn(number), work(number))
    queue.join(10)
    assert order == list(range(10))


class Breaking(PhoneDriver):
    """A face that breaks when there is speech, as long as it is told to."""

    broken = False

    def push(self, part: SpeechPart) -> None:
        if Breaking.broken and part.audio.samples.any():
            raise RuntimeError("a shape that does not fit")
        super().push(part)


def test_a_face_that_breaks_loses_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Event] = []
    live, clock, seen = session(on_event=events.append)
    live.change(replace(live.troupe, driver=lambda: Breaking(FaceSettings())))
    clock.step(5)
    monkeypatch.setattr(Breaking, "broken", True)
    live.say("This breaks.")
    until(lambda: not live._turns)
    clock.step(10)
    told = [e for e in events if e["type"] == "error"]
    assert [e["code"] for e in told] == ["face.failed"] and "shape" not in told[0]["message"]
    assert live.state == "idle"
    monkeypatch.setattr(Breaking, "broken", False)
    live.say("This does not.")
    until(lambda: not live._turns)
    clock.step(60)
    live.close()
    ticks = [f.tick for f in seen.frames]
    assert ticks == [ticks[0] + 1920 * k for k in range(len(ticks))]
    assert [s.text for s in live.history] == ["This does not."]
    assert np.abs(seen.sound).max() > 0.1


def test_a_face_that_breaks_again_and_again_is_told_now_and_then() -> None:
    events: list[Event] = []
    live, clock, seen = session(on_event=events.append)
    live.change(replace(live.troupe, driver=lambda: Breaking(FaceSettings())))
    Breaking.broken = True
    try:
        for _ in range(20):
            live.follow(SpeechPart(AudioChunk(0, np.full(1920, 0.1, np.float32))), lambda: Breaking(FaceSettings()))
            clock.step(1)
    finally:
        Breaking.broken = False
    live.close()
    assert len(seen.frames) >= 10 and not live.broken
    assert len([e for e in events if e["type"] == "error"]) == 1


class Cracked:
    """A canvas that breaks once it has drawn a picture."""

    def __init__(self) -> None:
        self.drawn = 0

    def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
        self.drawn += 1
        if self.drawn > 1:
            raise ValueError("no triangles")
        return np.full((2, 2, 3), 77, np.uint8)


def test_a_picture_that_cannot_be_drawn_is_the_old_one_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Event] = []
    monkeypatch.setattr("tests.live.fakes.Slate", Cracked)
    live, clock, seen = session(on_event=events.append)
    live.say("I am still heard.")
    until(lambda: not live._turns)
    clock.step(40)
    live.close()
    assert {int(f.pixels[0, 0, 0]) for f in seen.frames} == {77}
    assert np.abs(seen.sound).max() > 0.1
    assert [e["code"] for e in events if e["type"] == "error"] == ["picture.failed"]


@pytest.mark.parametrize("where", ["show", "move", "cut", "close"])
def test_a_viewer_that_breaks_leaves_and_the_others_see_on(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> None:
        raise OSError("gone")

    events: list[Event] = []
    live, clock, seen = session(Parrot("Hello there, how are you?"), events.append)
    bad = Witness()
    monkeypatch.setattr(bad, where, breaks)
    live.watch(bad)
    clock.step(5)
    live.ask("Hi?")
    until(lambda: live.waiting > 0)
    clock.step(5)
    live.interrupt()
    clock.step(30)
    live.close()
    ticks = [f.tick for f in seen.frames]
    assert len(ticks) > 35 and ticks == [ticks[0] + 1920 * k for k in range(len(ticks))]
    told = [e["code"] for e in events if e["type"] == "error"]
    assert told == ([] if where == "close" else ["viewer.failed"])
