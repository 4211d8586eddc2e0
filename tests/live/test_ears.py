"""A visitor's microphone: turns reach the session at once, whatever the recogniser takes; a pause ends no question."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from tests.audio.kit import spoken

from mien.dialogue.hear.base import Heard, RecogniserInfo
from mien.dialogue.hear.turns import TurnSettings
from mien.errors import BackendError
from mien.live.ears import Ears
from mien.types import AudioChunk, FloatArray

PIECE = 960


class Stub:
    """A session as ears see it."""

    def __init__(self) -> None:
        self.tick, self.state = 0, "idle"
        self.cuts: list[int] = []
        self.asked: list[tuple[str, str]] = []

    def listen(self, ears: object) -> None:
        pass

    def interrupt(self) -> int:
        self.cuts.append(self.tick)
        self.state = "idle"
        return self.tick

    def ask(self, text: str, *, language: str, ended: int) -> None:
        self.asked.append((text, language))


class Words:
    """A recogniser that understands one text after the other, each when it may."""

    info = RecogniserInfo("words", ("en",), streaming=False)

    def __init__(self, *texts: str | Exception) -> None:
        self._texts = iter(texts)
        self.may = [threading.Event() for _ in texts]
        self._number = 0
        self.pushed = self.dropped = 0
        self.broken = False

    def check(self) -> None:
        pass

    def push(self, chunk: AudioChunk) -> Heard | None:
        self.pushed += 1
        if self.broken:
            raise RuntimeError("a model that does not fit")
        return None

    def end(self) -> Callable[[], Heard]:
        text, may = next(self._texts), self.may[self._number]
        self._number += 1

        def wait() -> Heard:
            assert may.wait(10.0)
            if isinstance(text, Exception):
                raise text
            return Heard(text, 0, 1, "en", final=True)

        return wait

    def finish(self) -> Heard:
        return self.end()()

    def drop(self) -> None:
        self.dropped += 1

    def close(self) -> None:
        for may in self.may:
            may.set()


class Visitor:
    """Speaks into ears, faster than time."""

    def __init__(self, words: Words) -> None:
        self.session, self.words = Stub(), words
        self.told: list[dict[str, Any]] = []
        settings = TurnSettings(vad="energy")
        self.ears = Ears(self.session, words, settings, self.told.append)  # type: ignore[arg-type]
        self._at = 0
        self._noise = np.random.default_rng(0)
        self.hush(1.0)

    def say(self) -> None:
        """Some words."""
        self._send(spoken("Where is the station")[0])

    def hush(self, seconds: float) -> None:
        """Nothing."""
        self._send(self._noise.normal(0, 1e-4, int(48_000 * seconds)).astype(np.float32))

    def kinds(self) -> list[str]:
        return [told["type"] for told in self.told]

    def close(self) -> None:
        self.ears.close()

    def _send(self, sound: FloatArray) -> None:
        for at in range(0, len(sound), PIECE):
            self._at += PIECE
            self.session.tick = self._at
            self.ears.hear(AudioChunk(self._at - PIECE, np.resize(sound[at : at + PIECE], PIECE)))


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 30.0
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def visitor(request: pytest.FixtureRequest) -> Iterator[Visitor]:
    with closing(Visitor(Words(*request.param))) as made:
        yield made


@pytest.mark.parametrize("visitor", [("one", "two")], indirect=True)
def test_cutting_in_does_not_wait_for_words(visitor: Visitor) -> None:
    visitor.say()
    visitor.hush(1.0)
    until(lambda: "speech_ended" in visitor.kinds())
    visitor.session.state = "speaking"
    visitor.say()
    until(lambda: visitor.session.cuts)  # what was said first is not understood yet
    assert visitor.session.asked == [] and "heard" not in visitor.kinds()


@pytest.mark.parametrize("visitor", [("where is", "the station")], indirect=True)
def test_a_question_with_a_pause_is_asked_once_and_whole(visitor: Visitor) -> None:
    visitor.say()
    visitor.hush(1.0)
    visitor.say()
    until(lambda: visitor.kinds().count("speech_started") == 2)
    visitor.words.may[0].set()
    until(lambda: "heard" in visitor.kinds())
    assert visitor.session.asked == []  # the visitor is speaking
    visitor.words.may[1].set()
    visitor.hush(1.0)
    until(lambda: visitor.session.asked)
    assert visitor.session.asked == [("where is the station", "en")]


@pytest.mark.parametrize("visitor", [("车站在", "哪里")], indirect=True)
def test_chinese_is_joined_without_spaces(visitor: Visitor) -> None:
    visitor.say()
    visitor.hush(1.0)
    visitor.say()
    visitor.hush(1.0)
    until(lambda: visitor.kinds().count("speech_ended") == 2)
    visitor.words.close()
    until(lambda: visitor.session.asked)
    assert visitor.session.asked == [("车站在哪里", "en")]


@pytest.mark.parametrize("visitor", [("one", "", "three")], indirect=True)
def test_noise_behind_a_question_does_not_swallow_it(visitor: Visitor) -> None:
    visitor.say()
    visitor.hush(1.0)
    visitor.say()
    visitor.hush(1.0)
    until(lambda: visitor.kinds().count("speech_ended") == 2)
    visitor.words.close()
    until(lambda: visitor.session.asked)
    visitor.say()
    visitor.hush(1.0)
    until(lambda: len(visitor.session.asked) == 2)
    assert [text for text, _ in visitor.session.asked] == ["one", "three"]


@pytest.mark.parametrize("visitor", [(BackendError("It broke."), "two")], indirect=True)
def test_a_recogniser_that_fails_says_so_and_is_asked_again(visitor: Visitor) -> None:
    visitor.words.close()
    visitor.say()
    visitor.hush(1.0)
    until(lambda: "error" in visitor.kinds())
    assert visitor.session.asked == []
    visitor.say()
    visitor.hush(1.0)
    until(lambda: visitor.session.asked)
    assert visitor.session.asked == [("two", "en")]


@pytest.mark.parametrize("visitor", [("two",)], indirect=True)
def test_a_recogniser_that_throws_at_every_sound_is_told_once_and_heard_again(visitor: Visitor) -> None:
    visitor.words.close()
    visitor.words.broken = True
    visitor.say()
    visitor.hush(1.0)
    until(lambda: visitor.words.dropped)
    assert visitor.kinds().count("error") == 1
    assert "model" not in next(t for t in visitor.told if t["type"] == "error")["message"]
    visitor.words.broken = False
    visitor.say()
    visitor.hush(1.0)
    until(lambda: visitor.session.asked)
    assert visitor.session.asked == [("two", "en")]


@pytest.mark.parametrize("visitor", [("one",)], indirect=True)
def test_closing_leaves_no_thread(visitor: Visitor) -> None:
    visitor.say()
    visitor.hush(1.0)
    until(lambda: "speech_ended" in visitor.kinds())
    visitor.close()
    until(lambda: not [t for t in threading.enumerate() if t.name in ("mien-ears", "mien-understand")])
