"""Music goes down while somebody speaks, everything is as loud as asked, nothing clips."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from mien.audio.loudness import Meter, true_peak
from mien.audio.mix import BLOCK, HELD, UP, Effect, Mix, Music, joined
from mien.audio.stereo import loudness, read_stereo
from mien.errors import InputError
from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.types import AudioChunk, FloatArray

RATE = TICKS_PER_SECOND


def tone(seconds: float, hertz: float, size: float, rate: int = RATE) -> FloatArray:
    return (size * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def write(path: Path, sound: FloatArray, rate: int = RATE) -> Path:
    """sound: (n,) or (n, channels)."""
    channels = sound.shape[1] if sound.ndim == 2 else 1
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(np.rint(sound * 32767).astype("<i2").tobytes())
    return path


def speech(start: float, seconds: float) -> AudioChunk:
    """Loud and soft as speech is, at -16 LUFS as a mono track that is played on two."""
    samples = tone(seconds, 300, 0.3) * (0.6 + 0.4 * np.sin(np.arange(round(seconds * RATE)) / 3000)).astype(np.float32)
    meter = Meter(3.01)
    meter.push(samples)
    return AudioChunk(to_ticks(start), (samples * 10 ** ((-16.0 - meter.lufs()) / 20)).astype(np.float32))


def whole(mix: Mix) -> FloatArray:
    return np.concatenate(list(mix.blocks()))


def level_of(sound: FloatArray, hertz: float, start: float, end: float) -> float:
    """dB of one frequency in a stretch."""
    part = sound[to_ticks(start) : to_ticks(end), 0]
    turning = np.exp(-2j * np.pi * hertz * np.arange(len(part)) / RATE)
    return float(20 * np.log10(2 * abs(np.mean(part * turning * np.hanning(len(part)) * 2)) + 1e-9))


def lufs(sound: FloatArray) -> float:
    left, right = Meter(), Meter()
    left.push(np.ascontiguousarray(sound[:, 0]))
    right.push(np.ascontiguousarray(sound[:, 1]))
    return left.lufs(other=right)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    return write(tmp_path / "music.wav", np.stack([tone(3, 1000, 0.4, 44_100), tone(3, 1500, 0.4, 44_100)], 1), 44_100)


@pytest.mark.parametrize("target", [-14.0, -16.0, -23.0])
def test_it_is_as_loud_as_asked_and_never_clips(music: Path, target: float) -> None:
    voice = speech(2, 5)
    mix = Mix(to_ticks(11), [voice], [(voice.start, voice.end)], music=[Music(music, 0, to_ticks(11))], target=target)
    sound = whole(mix)
    assert sound.shape == (to_ticks(11), 2)
    assert lufs(sound) == pytest.approx(target, abs=0.3)
    assert max(true_peak(np.ascontiguousarray(sound[:, c])) for c in range(2)) <= 10 ** (-1 / 20)


@pytest.mark.parametrize("duck", [-12.0, -6.0, 0.0])
def test_music_ducks_under_speech_and_comes_up_again(music: Path, duck: float) -> None:
    voice = speech(4, 4)
    track = Music(music, 0, to_ticks(13), duck=duck)
    sound = whole(Mix(to_ticks(13), [voice], [(voice.start, voice.end)], music=[track]))
    before, during, after = (level_of(sound, 1000, a, a + 1.5) for a in (1.5, 5.5, 9.5))
    assert during - before == pytest.approx(duck, abs=0.5) and after == pytest.approx(before, abs=0.5)


def test_music_is_as_loud_as_asked_beside_the_speech(music: Path) -> None:
    voice = speech(5, 4)
    mix = Mix(to_ticks(10), [voice], [], music=[Music(music, 0, to_ticks(10), volume=-8.0, duck=0)])
    sound = whole(mix) / np.float32(mix.gain)
    assert lufs(sound[to_ticks(1.5) : to_ticks(4)]) == pytest.approx(-16.0 - 8.0, abs=0.5)


def test_music_begins_and_ends_softly_and_plays_on(music: Path) -> None:
    sound = whole(Mix(to_ticks(9), [], [], music=[Music(music, to_ticks(1), to_ticks(8), fade_in=to_ticks(1))]))
    assert not sound[: to_ticks(1)].any() and not sound[to_ticks(8) :].any()
    assert np.abs(sound[to_ticks(1) : to_ticks(1.1)]).max() < 0.2 * np.abs(sound).max()
    assert np.abs(sound[to_ticks(5) : to_ticks(7)]).max() > 0.9 * np.abs(sound).max()  # its third time
    assert level_of(sound[:, ::-1], 1500, 3, 5) > level_of(sound, 1500, 3, 5) + 30  # left is left


def test_music_that_is_played_once_ends(music: Path) -> None:
    sound = whole(Mix(to_ticks(6), [], [], music=[Music(music, 0, to_ticks(6), fade_out=1, loop=False)]))
    assert sound[to_ticks(2.8) : to_ticks(2.9)].any() and not sound[to_ticks(3.05) :].any()


def test_effects_come_when_they_should(tmp_path: Path) -> None:
    ding = write(tmp_path / "ding.wav", tone(0.5, 2000, 0.5, 8000), 8000)
    voice = speech(0, 8)
    mix = Mix(to_ticks(9), [voice], [], effects=[Effect(ding, to_ticks(5), -6.0), Effect(ding, to_ticks(8.9))])
    sound = whole(mix) / np.float32(mix.gain)
    assert level_of(sound, 2000, 5.05, 5.45) == pytest.approx(20 * np.log10(0.25), abs=0.6)
    assert level_of(sound, 2000, 3, 4.9) < -50


def test_a_part_of_a_file(tmp_path: Path) -> None:
    sounds = np.concatenate([tone(1, 500, 0.4), tone(1, 2000, 0.4), tone(1, 500, 0.4)])
    path, part = write(tmp_path / "a.wav", sounds), (to_ticks(1), to_ticks(2))
    once = whole(Mix(to_ticks(5), [], effects=[Effect(path, to_ticks(1), part=part)]))
    assert not once[: to_ticks(1)].any() and not once[to_ticks(2) :].any()
    again = whole(Mix(to_ticks(5), [], music=[Music(path, 0, to_ticks(5), part=part)]))
    assert (
        level_of(again, 2000, 1.5, 4.5) > level_of(again, 500, 1.5, 4.5) + 40
        and again[to_ticks(4.3) : to_ticks(4.4)].any()
    )


def test_voices_that_overlap_are_added() -> None:
    a, b = AudioChunk(10, tone(1, 200, 0.1)), AudioChunk(RATE // 2, tone(1, 400, 0.1))
    mix = Mix(2 * RATE, [a, b])
    expected = np.zeros(2 * RATE, np.float32)
    expected[10 : 10 + RATE] += a.samples
    expected[RATE // 2 : RATE // 2 + RATE] += b.samples
    np.testing.assert_allclose(whole(mix)[:, 1], expected * mix.gain, atol=1e-5)


def test_loud_places_across_blocks_are_held_down_without_a_step() -> None:
    voice = np.concatenate([tone(12, 100, 0.02), np.zeros(0, np.float32)])
    at = BLOCK - 40
    voice[at : at + 80] += 0.9
    mix = Mix(len(voice), [AudioChunk(0, voice)], target=-20.0)
    sound = whole(mix)
    assert np.abs(sound).max() <= 10 ** (-1 / 20) and mix.gain > 1.5
    assert np.isfinite(sound).all() and list(map(len, mix.blocks())) == [BLOCK] * 3


def test_pauses_between_sentences_do_not_bring_music_up() -> None:
    assert joined([(90_000, 95_000), (0, 10), (95_000 + HELD - 1, 200_000)]) == ((0, 10), (90_000, 200_000))
    mix = Mix(10, [], [(100_000, 200_000), (200_000 + HELD, 400_000)])
    track = Music(Path("none"), 0, 10**6)
    gain = mix.ducking(track, 90_000, 400_000 + UP)
    assert gain[20_000] == pytest.approx(10 ** (-12 / 20), rel=1e-3) and gain[-1] == pytest.approx(1, abs=1e-3)


def test_silence_and_no_sound_at_all(tmp_path: Path) -> None:
    assert not whole(Mix(RATE, [])).any()
    quiet = write(tmp_path / "quiet.wav", np.zeros(RATE, np.float32))
    assert not whole(Mix(RATE, [], music=[Music(quiet, 0, RATE)])).any()
    assert loudness(quiet) == -np.inf


@pytest.mark.parametrize("rate", [8000, 44_100, 96_000])
def test_stereo_files_keep_length_and_sides(tmp_path: Path, rate: int) -> None:
    path = write(tmp_path / "a.wav", np.stack([tone(1, 300, 0.5, rate), np.zeros(rate, np.float32)], 1), rate)
    sound = np.concatenate(list(read_stereo(path)))
    assert abs(len(sound) - RATE) < 100 and not sound[:, 1].any() and np.abs(sound[:, 0]).max() > 0.4


def test_what_is_no_sound(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_text("words")
    with pytest.raises(InputError, match=r"a\.mp3"):
        Mix(RATE, [], music=[Music(tmp_path / "a.mp3", 0, RATE)])
