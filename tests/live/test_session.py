"""A session: speaks when told, stops when cut, remembers what was heard, and is alive in between."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from tests.live.fakes import Parrot, StepClock, Witness, session

from mien.dialogue.think.base import Said
from mien.live.session import Event, Session


def until(holds: object, seconds: float = 20.0) -> None:
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.002)


def test_it_idles_alive_and_silent() -> None:
    live, clock, seen = session()
    clock.step(75)
    live.close()
    ticks = [f.tick for f in seen.frames]
    assert len(ticks) >= 74
    assert ticks == [ticks[0] + 1920 * k for k in range(len(ticks))]
    assert not seen.sound.any()
    assert np.ptp([c.head[0, 0] for c in seen.clips]) > 0.0
    assert seen.closed == 1


def test_who_comes_when_the_moment_is_already_made_sees_from_the_next_one_on() -> None:
    first, _, _ = session()
    clock, seeing, blind = StepClock(), Witness(), Witness()
    live = Session(first.troupe, clock=clock)
    clock.step(3)
    live.watch(seeing)
    live.watch(blind, pictures=False)
    clock.step(3)
    live.close()
    first.close()
    assert all(f.pixels.size for f in seeing.frames) and not any(f.pixels.size for f in blind.frames)
    assert seeing.frames[0].tick == seeing.sounds[0].start == seeing.clips[0].start == blind.frames[1].tick


def test_an_answer_is_heard_whole_and_remembered() -> None:
    events: list[Event] = []
    parrot = Parrot("Good morning to you. ", "How are you today?")
    live, clock, seen = session(parrot, events.append)
    clock.step(10)
    turn = live.ask("Hello?")
    until(lambda: not live._turns)
    clock.step(150)
    assert live.history == (Said("user", "Hello?"), Said("assistant", "Good morning to you. How are you today?"))
    states = [e["state"] for e in events if e["type"] == "state"]
    assert states == ["thinking", "speaking", "idle"]
    first = next(e for e in events if e["type"] == "sound")
    assert first["turn"] == turn.number and first["at"] <= 13 * 1920
    live.close()
    assert np.abs(seen.sound).max() > 0.1


def test_the_next_question_knows_what_was_said() -> None:
    parrot = Parrot("Yes, of course.")
    live, clock, _ = session(parrot)
    for text in ("First?", "Second?"):
        live.ask(text)
        until(lambda: not live._turns)
        clock.step(60)
    live.close()
    assert parrot.asked[1].history == (Said("user", "First?"), Said("assistant", "Yes, of course."))


def test_an_interrupt_silences_and_forgets_what_was_not_heard() -> None:
    events: list[Event] = []
    parrot = Parrot("One two three four five six seven eight nine ten eleven twelve.")
    live, clock, seen = session(parrot, events.append)
    live.ask("Count!")
    until(lambda: not live._turns)
    clock.step(40)
    tick = live.interrupt()
    clock.step(40)
    live.close()
    assert seen.cuts == [tick]
    assert not seen.sound[tick:].any()
    assert np.abs(seen.sound[: tick - 1920]).max() > 0.1
    answer = live.history[-1].text
    assert answer.startswith("One two") and "twelve" not in answer
    assert [e["state"] for e in events if e["type"] == "state"] == ["thinking", "speaking", "idle"]


def test_a_new_question_cuts_the_old_answer_short_everywhere() -> None:
    gate = threading.Event()
    parrot = Parrot("A long first sentence comes here. ", "This second one is never said.", gate=gate)
    live, clock, seen = session(parrot)
    first = live.ask("First?")
    until(lambda: live._line.waiting > 0)
    clock.step(20)
    second = live.ask("Second?")
    assert first.over and not second.over
    gate.set()
    until(lambda: not live._turns)
    clock.step(250)
    live.close()
    assert [s.text for s in live.history if s.role == "user"] == ["First?", "Second?"]
    assert "never said" not in live.history[1].text
    assert live.history[-1].text.endswith("never said.")
    assert len(seen.cuts) == 1


def test_what_is_said_in_turn_waits_for_what_is_being_said() -> None:
    live, clock, seen = session()
    live.say("This is the first.")
    live.say("And this the second.", interrupt=False)
    until(lambda: not live._turns)
    clock.step(120)
    live.close()
    assert [s.text for s in live.history] == ["This is the first.", "And this the second."]
    assert not seen.cuts


def test_a_failing_thinker_is_told_and_harms_nothing() -> None:
    from collections.abc import Iterator

    from mien.dialogue.think.base import Piece, Question
    from mien.errors import BackendError
    from mien.turn import Turn

    class Broken(Parrot):
        def answer(self, question: Question, turn: Turn) -> Iterator[Piece]:
            raise BackendError("The language model is down.")

    events: list[Event] = []
    live, clock, seen = session(Broken(), events.append)
    live.ask("Hello?")
    until(lambda: not live._turns)
    clock.step(5)
    assert [e["message"] for e in events if e["type"] == "error"] == ["The language model is down."]
    assert live.state == "idle"
    live.say("I am still here.")
    until(lambda: not live._turns)
    clock.step(50)
    live.close()
    assert np.abs(seen.sound).max() > 0.1


@pytest.mark.parametrize("busy", [False, True])
def test_closing_ends_all_threads(busy: bool) -> None:
    before = threading.active_count()
    live, clock, seen = session(Parrot("Let me think about that for a while.", "Still.", gate=threading.Event()))
    clock.step(3)
    if busy:
        live.ask("Hello?")
    live.close()
    live.close()
    until(lambda: threading.active_count() == before)
    assert seen.closed == 1


def test_many_may_speak_to_it_at_the_same_moment() -> None:
    events: list[Event] = []
    live, clock, _ = session(Parrot("Yes."), events.append)
    told = [threading.Thread(target=live.say, args=(f"Number {i}.",), kwargs={"interrupt": False}) for i in range(12)]
    for one in told:
        one.start()
    for one in told:
        one.join()
    end = time.monotonic() + 60.0
    while len([e for e in events if e["type"] == "caption"]) < 12 or live.state != "idle":
        assert time.monotonic() < end, "somebody was not heard"
        clock.step(10)
    live.close()
    assert not [e for e in events if e["type"] == "error"]
    said = " ".join(s.text for s in live.history)
    assert all(f"Number {i}." in said for i in range(12))
