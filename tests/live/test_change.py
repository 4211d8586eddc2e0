"""A session goes on while its parts are changed, and draws only for those who look."""

from __future__ import annotations

from dataclasses import replace

from tests.live.fakes import Slate, Witness, session
from tests.transmit.live_kit import wait_for

from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.face.base import FaceSettings
from mien.face.phones import PhoneDriver
from mien.types import ByteArray, FloatArray


def test_a_new_voice_cuts_the_old_one_short_and_speaks() -> None:
    made, clock, witness = session()
    closed: list[bool] = []
    try:
        made.say("This is quite a long sentence that is not spoken to its end.")
        assert wait_for(lambda: made._line.waiting > 0)
        clock.step(10)
        old = made.troupe.speaker
        new = EspeakSpeaker()
        real = old.close

        def close() -> None:
            closed.append(True)
            real()

        old.close = close  # type: ignore[method-assign]
        made.change(replace(made.troupe, speaker=new))
        assert closed and witness.cuts
        made.say("Hello.")
        assert wait_for(lambda: made._line.waiting > 0)
        before = len(witness.sounds)
        clock.step(20)
        assert any(s.samples.any() for s in witness.sounds[before + 2 :])
    finally:
        made.close()


def test_a_new_face_shows_at_once_and_without_a_jump() -> None:
    made, clock, witness = session()
    try:
        clock.step(50)
        made.change(replace(made.troupe, driver=lambda: PhoneDriver(FaceSettings(emotion="happy", head_motion=2.0))))
        clock.step(50)
        smile = [float(c.shapes[0, 23]) for c in witness.clips]
        assert max(smile[95:]) > max(smile[:50]) + 0.05
        steps = [abs(a - b) for a, b in zip(smile[50:], smile[49:], strict=False)]
        assert max(steps) < 0.1
    finally:
        made.close()


def test_nothing_is_drawn_for_those_who_do_not_look() -> None:
    made, clock, witness = session()
    drawn: list[int] = []
    real = Slate.draw

    def draw(self: Slate, shapes: FloatArray, head: FloatArray) -> ByteArray:
        drawn.append(1)
        return real(self, shapes, head)

    try:
        Slate.draw = draw  # type: ignore[method-assign]
        made.leave(witness)
        listener = Witness()
        made.watch(listener, pictures=False)
        clock.step(2)  # the moment that was made before
        drawn.clear()
        clock.step(5)
        assert not drawn and len(listener.clips) >= 5 and not any(f.pixels.size for f in listener.frames[2:])
        made.watch(witness)
        clock.step(3)
        assert drawn and witness.frames[-1].pixels.size and not listener.frames[-1].pixels.size
    finally:
        Slate.draw = real  # type: ignore[method-assign]
        made.close()


def test_a_session_that_breaks_says_so_and_is_not_watched() -> None:
    told: list[str] = []
    made, clock, _witness = session(on_event=lambda event: told.append(str(event.get("code", ""))))
    real = Slate.draw

    def draw(self: Slate, shapes: FloatArray, head: FloatArray) -> ByteArray:
        raise RuntimeError("no")

    try:
        Slate.draw = draw  # type: ignore[method-assign]
        clock._allowed.release()
        assert wait_for(lambda: "session.broken" in told)
        assert not made.watched
    finally:
        Slate.draw = real  # type: ignore[method-assign]
        made.close()
