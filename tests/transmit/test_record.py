"""Recording: pictures in their places, sound to the sample, nothing lost by a crash, errors told."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.transmit.live_kit import FPS, PER_FRAME, moment, paced, picture, wait_for

from mien.errors import OutputError, UsageError
from mien.transmit.feed import Moment
from mien.transmit.record import Recorder, _drop_picture
from mien.types import AudioChunk, VideoFrame


def watched(path: Path) -> tuple[list[tuple[float, int]], NDArray[np.float32]]:
    """Pictures as (seconds, brightness of the middle), and the sound's left side."""
    seen, heard = [], []
    with av.open(str(path)) as file, suppress(av.error.InvalidDataError):  # a torn file ends in the middle of a packet
        for frame in file.decode(video=0, audio=0):
            data: Any = frame
            if isinstance(frame, av.VideoFrame):
                shape = frame.to_ndarray(format="rgb24")
                seen.append((float(data.time), int(shape[shape.shape[0] // 2, shape.shape[1] // 2].mean())))
            else:
                heard.append(data.to_ndarray()[0])
    return seen, np.concatenate(heard)


def recorded(recorder: Recorder, first: int, count: int) -> None:
    for k in range(first, first + count):
        recorder.show(*moment(k))
        assert wait_for(lambda: recorder.tally.waiting < 40)
    recorder.close()


def test_what_was_shown_is_in_the_film_sound_to_the_sample(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "talk.mp4", FPS)
    recorded(recorder, 1000, 60)  # begun in the middle of a session
    assert wait_for(lambda: recorder.tally.state == "closed")
    assert [p.name for p in tmp_path.iterdir()] == ["talk.mp4"]
    seen, heard = watched(recorder.path)
    assert [t for t, _ in seen] == pytest.approx([k / 25 for k in range(60)])
    assert max(abs(level - int(picture(1000 + k)[0, 0, 0])) for k, (_, level) in enumerate(seen)) <= 3
    truth = np.concatenate([moment(k)[1].samples for k in range(1000, 1060)])
    assert len(heard) - len(truth) in range(1024)  # AAC fills its last frame up
    lags = {lag: float(np.abs(heard[4800 + lag : 96_000 + lag] - truth[4800:96_000]).mean()) for lag in range(-40, 41)}
    assert min(lags, key=lambda lag: lags[lag]) == 0
    assert lags[0] < 0.01


def test_a_chirp_shows_that_sound_and_picture_stay_together_over_lost_pictures(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "talk.mp4", FPS)
    rng = np.random.default_rng(3)
    noise = (rng.standard_normal(100 * PER_FRAME) * 0.1).astype(np.float32)
    for k in range(100):
        if 30 <= k < 50:
            continue  # twenty moments never came: silence, and the picture before them stays
        frame, _ = moment(k)
        recorder.show(frame, AudioChunk(frame.tick, noise[frame.tick : frame.tick + PER_FRAME]))
        assert wait_for(lambda: recorder.tally.waiting < 40)
    recorder.close()
    seen, heard = watched(recorder.path)
    assert [round(t * 25) for t, _ in seen] == [*range(30), *range(50, 100)]
    late = slice(60 * PER_FRAME, 90 * PER_FRAME)
    lags = range(-30, 31)
    fit = [np.dot(heard[late.start + lag : late.stop + lag], noise[late]) for lag in lags]
    assert lags[int(np.argmax(fit))] == 0
    assert np.abs(heard[33 * PER_FRAME : 47 * PER_FRAME]).max() < 0.01


def test_a_machine_that_slept_leaves_no_hours_of_silence(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "talk.mp4", FPS)
    for k in (0, 1, 2, 1_000_000, 1_000_001):  # eleven hours later
        recorder.show(*moment(k))
    recorder.close()
    seen, heard = watched(recorder.path)
    assert [round(t * 25) for t, _ in seen] == [0, 1, 2, 3, 4]
    assert len(heard) < 6 * PER_FRAME


def test_an_interrupt_drops_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "talk.mp4", FPS)
    for k in range(10):
        recorder.show(*moment(k))
    recorder.cut(10 * PER_FRAME)
    recorder.close()
    assert len(watched(recorder.path)[0]) == 10


def test_pictures_go_first_and_sound_stays() -> None:
    from collections import deque

    waiting: Any = deque(Moment(*moment(k, 2, 2)) for k in range(3))
    (lost,) = _drop_picture(waiting, Moment(*moment(3, 2, 2)))
    assert isinstance(lost, Moment) and lost.tick == 0 and not len(lost.sound.samples)
    assert [bool(m.frame.pixels.size) for m in waiting] == [False, True, True, True]
    assert sum(len(m.sound.samples) for m in waiting) == 4 * PER_FRAME


def test_pictures_of_other_sizes_and_with_alpha_are_fitted(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "talk.mp4", FPS)
    recorder.show(*moment(0, 65, 47, 4))
    recorder.show(*moment(1, 128, 30))
    recorder.close()
    with av.open(str(recorder.path)) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (64, 46)
        assert len(list(file.decode(video=0))) == 2


def test_stopped_before_the_first_moment_it_leaves_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "talk.mp4", FPS)
    recorder.close()
    assert list(tmp_path.iterdir()) == []
    assert recorder.tally.state == "closed"


@pytest.mark.parametrize(
    ("name", "error"), [("talk.avi", UsageError), ("nowhere/talk.mp4", OutputError), ("folder.mp4", OutputError)]
)
def test_bad_places_are_refused_at_once(tmp_path: Path, name: str, error: type[Exception]) -> None:
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(error):
        Recorder(tmp_path / name, FPS)


def test_two_recordings_may_follow_each_other_and_run_side_by_side(tmp_path: Path) -> None:
    left = tmp_path / "talk.recording.mp4"
    left.write_bytes(b"what a crash left")
    first, second = Recorder(tmp_path / "talk.mp4", FPS), Recorder(tmp_path / "other.mp4", Fraction(25))
    for k in paced(5, rate=200):
        first.show(*moment(k))
        second.show(*moment(k))
    first.close()
    second.close()
    again = Recorder(tmp_path / "talk.mp4", FPS)
    recorded(again, 5, 3)
    assert len(watched(tmp_path / "talk.mp4")[0]) == 3
    assert left.read_bytes() == b"what a crash left"


KILLED = """
    import os, sys, time
    from pathlib import Path
    from mien.transmit.record import Recorder
    from tests.transmit.live_kit import FPS, moment, wait_for
    recorder = Recorder(Path(sys.argv[1]), FPS)
    for k in range(110):
        recorder.show(*moment(k))
        wait_for(lambda: recorder.tally.waiting < 40)
    wait_for(lambda: recorder.tally.frames == 110)
    os._exit(9)
"""


def run(code: str, target: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(code), str(target)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_a_process_that_dies_leaves_a_film_that_plays(tmp_path: Path) -> None:
    assert run(KILLED, tmp_path / "talk.mp4").returncode == 9
    (left,) = tmp_path.iterdir()
    assert left.name == "talk.recording.mp4"
    seen, heard = watched(left)
    assert len(seen) >= 75  # of 110, all but the last second or so
    assert len(heard) >= 75 * PER_FRAME - 2048


FULL = """
    import resource, sys
    from pathlib import Path
    import numpy as np
    from mien.transmit.record import Recorder
    from mien.types import VideoFrame
    from tests.transmit.live_kit import FPS, moment, wait_for
    recorder = Recorder(Path(sys.argv[1]), FPS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, 1_200_000))
    rng = np.random.default_rng(1)
    for k in range(200):
        frame, sound = moment(k)
        recorder.show(VideoFrame(frame.tick, rng.integers(0, 255, (128, 128, 3), np.uint8)), sound)
        wait_for(lambda: recorder.tally.waiting < 40)
    recorder.close()
    print(recorder.tally.state, recorder.tally.lost_frames, recorder.tally.reason)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size to play a full disk with")
def test_a_full_disk_is_told_and_what_was_written_plays(tmp_path: Path) -> None:
    done = run(FULL, tmp_path / "talk.mp4")
    assert done.returncode == 0, done.stderr
    state, lost, reason = done.stdout.strip().split(" ", 2)
    assert state == "failed" and int(lost) > 20
    assert "talk.mp4" in reason and "talk.recording.mp4" in reason
    seen, _ = watched(tmp_path / "talk.recording.mp4")
    assert len(seen) >= 25


def test_frames_are_never_written_to(tmp_path: Path) -> None:
    frame, sound = moment(0)
    before = frame.pixels.copy()
    recorder = Recorder(tmp_path / "talk.mp4", FPS)
    recorder.show(VideoFrame(0, frame.pixels), sound)
    recorder.close()
    assert (frame.pixels == before).all()
