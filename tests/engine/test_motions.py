"""Motion without a film: from words, voices and motion files; what does not fit is refused before any work."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.audio.kit import music, spoken

import mien
from mien.errors import InputError, MissingError, OutputError, UsageError
from mien.transmit.motion_reader import read_motion
from mien.types import SHAPE_INDEX, FaceClip, FloatArray

WORDS = "My mother bought a big apple pie, and Bob may be happy."
LIPS = ("jawOpen", "mouthLowerDownLeft", "mouthPucker")


def whole(clips: list[FaceClip]) -> FaceClip:
    return FaceClip(
        clips[0].start,
        np.concatenate([c.shapes for c in clips]),
        np.concatenate([c.head for c in clips]),
        clips[0].rate,
    )


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of :data:`WORDS`."""
    path = tmp_path_factory.mktemp("voice") / "talk.wav"
    sound, _ = spoken(WORDS)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes((sound * 32_767).astype("<i2").tobytes())
    return path


def test_words_become_motion_with_their_sound(tmp_path: Path) -> None:
    report = mien.motion(text=WORDS, language="en").save(tmp_path / "m.json", sound=tmp_path / "m.wav")
    moved = read_motion(tmp_path / "m.json")
    assert (report.rows, report.fps, len(moved)) == (len(moved), Fraction(50), report.rows)
    with wave.open(str(tmp_path / "m.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 48_000)
        assert abs(file.getnframes() / 48_000 - report.seconds) < 0.03
    assert moved.shapes[:, SHAPE_INDEX["jawOpen"]].max() > 0.2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.json", "m.wav"]


@pytest.mark.parametrize(("language", "told"), [("zh", 1), ("en", 0)])
def test_words_of_another_language_than_was_asked_for_are_told(voice: Path, language: str, told: int) -> None:
    notes: list[str] = []
    for words in ({"text": WORDS}, {"source": voice, "transcript": WORDS}):
        take = mien.motion(**words, language=language, tell=notes.append)
        next(iter(take.clips()))
        assert sum("they are read as 'en'." in note for note in notes) == told
        notes.clear()


def test_a_voice_moves_the_lips_as_its_words_do(voice: Path) -> None:
    """The network hears roughly what the phones say; with the words the two come close."""
    by_words, by_sound, by_both = (
        whole(list(take.clips()))
        for take in (
            mien.motion(text=WORDS, language="en", face_driver="phones"),
            mien.motion(voice),
            mien.motion(voice, transcript=WORDS, language="en"),
        )
    )
    rows = min(len(by_words), len(by_sound), len(by_both))
    jaw = [c.shapes[:rows, SHAPE_INDEX["jawOpen"]] for c in (by_words, by_sound, by_both)]
    assert np.corrcoef(jaw[0], jaw[1])[0, 1] > 0.4
    assert np.corrcoef(jaw[0], jaw[2])[0, 1] > 0.6


def test_music_moves_no_lips(tmp_path: Path) -> None:
    moved = whole(list(mien.motion((music(4.0), 48_000)).clips()))
    assert np.mean(moved.shapes[:, SHAPE_INDEX["jawOpen"]] < 0.02) > 0.95


def test_samples_are_a_source_and_rows_come_as_they_are_made() -> None:
    sound, _ = spoken(WORDS)
    clips = list(mien.motion((sound, 48_000)).clips())
    assert sum(len(c) > 0 for c in clips) > 1
    filled = [c for c in clips if len(c)]
    assert [c.start for c in filled] == [sum(len(d) for d in filled[:k]) * 960 for k in range(len(filled))]


@pytest.mark.parametrize("ending", [".csv", ".json", ".vmd", ".glb"])
def test_motion_files_become_others(tmp_path: Path, ending: str) -> None:
    mien.motion(text="Hello there.", language="en").save(tmp_path / "take.csv")
    report = mien.motion(tmp_path / "take.csv").save(tmp_path / f"other{ending}", fps=30)
    assert report.fps == 30
    assert report.path.stat().st_size > 1000


def test_the_same_again_is_the_same_to_the_byte(tmp_path: Path) -> None:
    for ending in (".csv", ".vmd", ".glb"):
        take = mien.motion(text="Hello there.", language="en", seed=4)
        one, two = (take.save(tmp_path / f"{n}{ending}").path.read_bytes() for n in "ab")
        assert one == two


def test_voice_expression_is_a_dial() -> None:
    off, on = (whole(list(mien.motion(text=WORDS, language="en", voice_expression=v).clips())) for v in (0.0, 1.0))
    brow = SHAPE_INDEX["browOuterUpLeft"]
    assert on.shapes[:, brow].max() > off.shapes[:, brow].max()
    assert all(np.array_equal(on.shapes[:, SHAPE_INDEX[n]], off.shapes[:, SHAPE_INDEX[n]]) for n in LIPS)


def test_a_long_recording_is_worked_off_as_it_is_read() -> None:
    """So an hour takes no more memory than a minute."""
    sound, _ = spoken(WORDS)
    read = 0

    def recording() -> Iterator[FloatArray]:
        nonlocal read
        for _ in range(24):
            read += len(sound)
            yield sound

    made, behind = 0, 0
    for clip in mien.motion((recording(), 48_000)).clips():
        made += len(clip) * 960
        behind = max(behind, read - made)
    assert 0 <= made - read < 960
    assert behind < 48_000 * 95  # levelling looks a minute ahead, the recogniser twenty seconds


@pytest.mark.parametrize(
    "given",
    [
        {}, {"source": "a.wav", "text": "hi"}, {"source": "a.wav", "video": "b.mp4"}, {"text": "hi", "denoise": "on"},
        {"text": "hi", "transcript": "hi"}, {"source": "a.csv", "style": "serious"},
        {"source": "a.csv", "language": "en"}, {"video": "b.mp4", "seed": 3}, {"source": "a.wav", "rate": 1.2},
        {"source": "a.wav", "language": "en"}, {"text": "hi", "relative": True},
        {"text": "hi", "voice_expression": 2.0}, {"text": "hi", "face_driver": "none"},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(given: dict[str, object]) -> None:
    with pytest.raises((UsageError, MissingError)):
        list(mien.motion(**given).clips())  # type: ignore[arg-type]


def test_bad_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("no motion")
    (tmp_path / "bad.wav").write_text("no sound")
    for source in ("bad.csv", "bad.wav", "absent.json", "absent.wav"):
        with pytest.raises(InputError):
            mien.motion(tmp_path / source).save(tmp_path / "out.glb")
    with pytest.raises(InputError):
        mien.motion(video=tmp_path / "absent.mp4").save(tmp_path / "out.csv")
    assert not (tmp_path / "out.glb").exists()


def test_results_overwrite_no_source_and_go_where_they_can(tmp_path: Path, voice: Path) -> None:
    mien.motion(text="Hi.", language="en").save(tmp_path / "a.csv")
    before = (tmp_path / "a.csv").read_bytes()
    with pytest.raises(UsageError, match="overwrite"):
        mien.motion(tmp_path / "a.csv").save(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="overwrite"):
        mien.motion(voice).save(tmp_path / "b.csv", sound=voice)
    with pytest.raises(UsageError, match="sound"):
        mien.motion(tmp_path / "a.csv").save(tmp_path / "b.csv", sound=tmp_path / "b.wav")
    with pytest.raises(UsageError, match=r"\.wav"):
        mien.motion(text="Hi.").save(tmp_path / "b.csv", sound=tmp_path / "b.mp3")
    with pytest.raises(OutputError):
        mien.motion(text="Hi.").save(tmp_path / "absent" / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_a_stop_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(done: float, total: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        mien.motion(text=WORDS, language="en").save(tmp_path / "m.glb", sound=tmp_path / "m.wav", observe=stop)
    assert list(tmp_path.iterdir()) == []
