"""The loop: everything arrives, in order; whatever breaks, everything ends promptly and nothing is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.engine.fakes import FakeCanvas, FakeDriver, FakeSink, speech

from mien.engine import Progress, Scene, Show, film
from mien.types import ByteArray, FaceClip, FloatArray, SpeechPart

FPS = Fraction(25)


def scene(**changes: object) -> Scene:
    settings: dict[str, object] = {
        "parts": speech([20_000, 30_000, 46_000]), "driver": FakeDriver, "canvas": FakeCanvas, "fps": FPS,
        "lead_in": 0, "tail": 0,
    }  # fmt: skip
    return Scene(**{**settings, **changes})  # type: ignore[arg-type]


def settled() -> bool:
    """Whether the loop's threads have gone."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any(t.name.startswith("mien-") for t in threading.enumerate()):
            return True
        time.sleep(0.01)
    return False


def test_everything_arrives_in_order() -> None:
    sink, seen = FakeSink(), list[Progress]()
    done = film(Show(scene()), sink, seen.append)
    assert done.frames == len(sink.frames) == 50
    assert done.tick == 96_000
    assert [f.tick for f in sink.frames] == [1920 * k for k in range(50)]
    assert np.concatenate([c.samples for c in sink.chunks]).tolist() == pytest.approx(
        np.linspace(-0.5, 0.5, 96_000, dtype=np.float32).tolist()
    )
    assert [int(f.pixels[0, 0, 0]) for f in sink.frames[:4]] == [0, 2, 4, 6]
    assert sink.ended == ["close"]
    assert [p.frames for p in seen] == list(range(1, 51))
    assert settled()


def test_pictures_are_composed_and_speech_and_motion_can_be_watched() -> None:
    parts, clips = list[SpeechPart](), list[FaceClip]()

    def compose(tick: int, pixels: ByteArray) -> ByteArray:
        return np.full((2, 2, 3), tick // 1920, np.uint8)

    sink = FakeSink()
    film(Show(scene(compose=compose, on_part=parts.append, on_clip=clips.append)), sink)
    assert [int(f.pixels[0, 0, 0]) for f in sink.frames] == list(range(50))
    assert sum(len(p.audio.samples) for p in parts) == 96_000
    assert sum(len(c) for c in clips) == 100


@pytest.mark.parametrize(
    "broken, words",
    [
        ({"parts": lambda: speech([9000, 9000, 9000], fail_after=2)}, "speech broke"),
        ({"driver": lambda: FakeDriver(fail_at=50_000)}, "driver broke"),
        ({"driver": lambda: 1 / 0}, "division"),
        ({"canvas": lambda: FakeCanvas(fail_at=5)}, "canvas broke"),
        ({"canvas": lambda: 1 / 0}, "division"),
        ({"compose": lambda tick, pixels: 1 / 0}, "division"),
        ({"on_part": lambda part: 1 / 0}, "division"),
    ],
)
@pytest.mark.parametrize("artists", [1, 2])
def test_a_failure_in_any_stage_ends_all(broken: dict[str, object], words: str, artists: int) -> None:
    sink = FakeSink()
    changes = {key: value() if key == "parts" else value for key, value in broken.items()}  # type: ignore[operator]
    with pytest.raises((RuntimeError, ZeroDivisionError), match=words):
        film(Show(scene(**changes), artists), sink)
    assert sink.ended == ["abort"]
    assert settled()


@pytest.mark.parametrize("sink", [FakeSink(fail_at=0), FakeSink(fail_at=7), FakeSink(fail_close=True)])
def test_a_failing_sink_is_aborted(sink: FakeSink) -> None:
    with pytest.raises(RuntimeError, match="broke"):
        film(Show(scene()), sink)
    assert sink.ended == ["abort"]
    assert settled()


def test_an_observer_may_stop_the_film() -> None:
    def stop(progress: Progress) -> None:
        if progress.frames == 3:
            raise KeyboardInterrupt

    sink = FakeSink()
    with pytest.raises(KeyboardInterrupt):
        film(Show(scene()), sink, stop)
    assert sink.ended == ["abort"] and len(sink.frames) == 3
    assert settled()


def test_leaving_early_stops_the_threads_and_closes_the_speech() -> None:
    closed = threading.Event()

    def endless() -> object:
        try:
            while True:
                yield from speech([4800])
        finally:
            closed.set()

    show = Show(scene(parts=endless()))
    next(iter(show))
    show.close()
    assert closed.wait(2)
    assert settled()


def test_a_stage_that_hangs_does_not_keep_the_film_from_ending() -> None:
    canvas = FakeCanvas(block_at=2)
    show = Show(scene(canvas=lambda: canvas))
    next(iter(show))
    begun = time.monotonic()
    show.close()
    assert time.monotonic() - begun < 4
    canvas.release.set()
    assert settled()


@pytest.mark.parametrize("artists", [1, 2, 3])
def test_little_is_made_ahead(artists: int) -> None:
    made = list[FakeCanvas]()

    def canvas() -> FakeCanvas:
        made.append(FakeCanvas())
        return made[-1]

    show = Show(scene(parts=speech([48_000 * 60]), canvas=canvas), artists)
    next(iter(show))
    time.sleep(0.3)
    assert len(made) == artists
    assert sum(c.drawn for c in made) < 12
    show.close()


@pytest.mark.parametrize("artists", [1, 2, 5])
def test_pictures_stay_in_order_however_many_draw_them(artists: int) -> None:
    class Uneven(FakeCanvas):
        def draw(self, shapes: FloatArray, head: FloatArray) -> ByteArray:
            time.sleep(0.003 * (round(float(shapes[0]) * 1000) % 3))
            return super().draw(shapes, head)

    sink = FakeSink()
    film(Show(scene(canvas=Uneven), artists), sink)
    assert [int(f.pixels[0, 0, 0]) for f in sink.frames] == [2 * k for k in range(50)]
    assert settled()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, time
        from fractions import Fraction
        from mien.engine import Scene, Show, film
        from tests.engine.fakes import FakeCanvas, FakeDriver, FakeSink, speech

        class Slow(FakeCanvas):
            def draw(self, shapes, head):
                print("drawing", flush=True)
                time.sleep(60)

        sink = FakeSink()
        try:
            film(Show(Scene(speech([480000]), FakeDriver, Slow, Fraction(25)), 1), sink)
        except KeyboardInterrupt:
            print(sink.ended, flush=True)
        """
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "drawing\n"
        time.sleep(0.3)  # now the main thread waits for a picture
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().splitlines()[-1] == "['abort']"
        process.wait(10)
        assert time.monotonic() - begun < 5
