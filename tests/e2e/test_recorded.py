"""Films of recorded voices, and of voices that give no times, with the real parts."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.audio.kit import RATE, cut, music, noise, spoken, write
from tests.transmit.films import decoded

import mien
from mien import plugins
from mien.audio.loudness import integrated
from mien.avatar import Avatar
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.errors import UsageError
from mien.face.measure import aperture_mm
from mien.transmit.motion_reader import read_motion
from mien.transmit.trace import read_trace
from mien.types import FloatArray, SpeechPart

ENGLISH = "Good morning, dear listeners. My best map is by the pub. We will talk about the weather today."
SHORT = "My best map is by the pub."
CHINESE = "大家早上好，今天的天气非常好。我们一起去公园散步。"
LEAD_IN = 12_480  # a quarter of a second in whole rows of activity
SMALL: dict[str, Any] = {"size": "64", "encoder": "software"}


def recording(
    tmp_path: Path, text: str = ENGLISH, language: str = "en", name: str = "talk.mp3"
) -> tuple[Path, FloatArray]:
    pause = np.zeros(RATE, np.float32)
    sound = np.concatenate([pause, 0.3 * spoken(text, language)[0], pause])
    return write(tmp_path / name, np.stack([sound] * 2, 1), codec="libmp3lame"), sound


def test_a_film_has_the_recording_in_its_place_and_the_mouth_speaks_with_it(avatar: Avatar, tmp_path: Path) -> None:
    path, sound = recording(tmp_path)
    seen = list[mien.FilmProgress]()
    film = mien.make(avatar, audio=path, **SMALL)
    report = film.save(tmp_path / "film.mp4", motion=tmp_path / "film.csv", trace=tmp_path / "t.json",
                       observe=seen.append)  # fmt: skip
    assert report.captions == ()
    assert seen[0].total == seen[-1].total == report.frames  # the length is known from the beginning
    heard = decoded(tmp_path / "film.mp4").heard
    assert integrated(heard, channels=2) == pytest.approx(-16.0, abs=1.0)
    size = 1 << (len(heard) - 1).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(sound, size).conj())
    assert int(likeness.argmax()) == pytest.approx(LEAD_IN, abs=2)
    trace = read_trace(tmp_path / "t.json")
    assert trace.words == ()
    assert [p.symbol for p in trace.phones] == ["", ""]  # before and after the recording
    opening = aperture_mm(read_motion(tmp_path / "film.csv").shapes)
    said = [p for p in spoken(ENGLISH)[1] if p.symbol]
    row = [(LEAD_IN + RATE + tick) // 960 for tick in (said[0].start, said[-1].end)]
    assert opening[: row[0] - 15].max() < 0.5
    assert opening[row[1] + 20 :].max() < 0.5
    assert np.percentile(opening[row[0] : row[1]], 75) > 2.0


@pytest.mark.parametrize("sound", [pytest.param(music(5.0), id="music"), pytest.param(noise(5.0, 0.1), id="noise")])
def test_nobody_speaks_nothing_moves(sound: FloatArray, avatar: Avatar, tmp_path: Path) -> None:
    told: list[str] = []
    film = mien.make(avatar, audio=(sound, RATE), tell=told.append, **SMALL)
    film.save(tmp_path / "film.mp4", motion=tmp_path / "film.json")
    assert any("Nobody" in line for line in told)
    assert (aperture_mm(read_motion(tmp_path / "film.json").shapes) < 0.5).mean() >= 0.99


@pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (CHINESE, "zh")])
def test_a_transcript_gives_captions_at_the_words(text: str, language: str, avatar: Avatar, tmp_path: Path) -> None:
    path, _ = recording(tmp_path, text, language)
    (tmp_path / "words.txt").write_text(text, encoding="utf-8")
    film = mien.make(avatar, audio=path, transcript=tmp_path / "words.txt", language=language, **SMALL)
    film.save(tmp_path / "film.mp4", captions="srt", trace=tmp_path / "t.json")
    lines = (tmp_path / "film.srt").read_text(encoding="utf-8").split("\n\n")
    shown = "".join(line for block in lines for line in block.split("\n")[2:])
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", text)
    first = re.match(r"1\n00:00:(\d\d),(\d{3}) -->", lines[0])
    assert first
    started = int(first[1]) + int(first[2]) / 1000
    said = next(p for p in spoken(text, language)[1] if p.symbol)
    assert started == pytest.approx((LEAD_IN + RATE + said.start) / RATE, abs=0.12)
    words = read_trace(tmp_path / "t.json").words
    assert len(words) >= 8
    assert text[words[0].char_start : words[0].char_end] in ("Good", "大", "大家")


def test_a_film_s_captions_are_those_of_its_transcript(avatar: Avatar, tmp_path: Path) -> None:
    path, _ = recording(tmp_path)
    lines = [
        ["Good morning,"],
        ["dear listeners. My best", "map is"],
        ["by the pub. We will talk about the weather today."],
    ]
    cues = [f"00:0{n}.000 --> 00:0{n}.900\n" + "\n".join(cue) for n, cue in enumerate(lines, 1)]
    (tmp_path / "words.vtt").write_text("WEBVTT\n\n" + "\n\n".join(cues), encoding="utf-8")
    film = mien.make(avatar, audio=path, transcript=tmp_path / "words.vtt", **SMALL)
    film.save(tmp_path / "film.mp4", captions="both")
    for name, first in (("film.srt", 0), ("film.vtt", 1)):
        blocks = (tmp_path / name).read_text(encoding="utf-8").strip().split("\n\n")[first:]
        assert [block.split("\n")[2 - first :] for block in blocks] == lines


def test_words_as_text_and_a_language_of_their_own(avatar: Avatar, tmp_path: Path) -> None:
    path, _ = recording(tmp_path, SHORT)
    report = mien.make(avatar, audio=path, transcript=SHORT, **SMALL).save(tmp_path / "film.mp4", captions="vtt")
    assert SHORT in report.captions[0].read_text().replace("\n", " ")


def test_phones_of_a_transcript_can_move_the_lips_alone(avatar: Avatar, tmp_path: Path) -> None:
    path, _ = recording(tmp_path)
    film = mien.make(avatar, audio=path, transcript=ENGLISH, face_driver="phones", **SMALL)
    film.save(tmp_path / "film.mp4", motion=tmp_path / "film.json")
    assert np.percentile(aperture_mm(read_motion(tmp_path / "film.json").shapes), 75) > 1.0


def test_an_array_and_a_file_make_the_same_film_an_iterator_too(avatar: Avatar, tmp_path: Path) -> None:
    sound = spoken("Good morning.")[0]
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        whole = np.round(sound * 32767).astype("<i2")
        file.writeframes(whole.tobytes())
    sources: list[Any] = [tmp_path / "a.wav", (whole, RATE), (iter(cut(whole, [7_000])), RATE)]
    films = [list(mien.make(avatar, audio=source, **SMALL).frames()) for source in sources]
    assert len({len(film) for film in films}) == 1
    for film in films[1:]:
        for (frame, chunk), (same, as_before) in zip(film, films[0], strict=True):
            np.testing.assert_array_equal(frame.pixels, same.pixels)
            np.testing.assert_array_equal(chunk.samples, as_before.samples)


def test_denoised_sound_is_heard_only_where_asked(avatar: Avatar) -> None:
    voice = np.concatenate([np.zeros(RATE, np.float32), spoken("Good morning.")[0]])
    sound = voice + noise(len(voice) / RATE, 0.02)[: len(voice)]

    def rest(denoise: str) -> float:
        """Level between half a second and a second, where nobody speaks, against the whole."""
        heard = np.concatenate([c.samples for _, c in mien.make(avatar, audio=(sound, RATE), denoise=denoise, **SMALL)
                                .frames()])  # fmt: skip
        quiet = heard[LEAD_IN + RATE // 2 : LEAD_IN + RATE - 4_800]
        return float(np.square(quiet).mean() / np.square(heard).mean())

    plain = rest("off")
    assert rest("on") == pytest.approx(plain, rel=1e-3)
    assert rest("film") < 0.2 * plain


def test_the_emotion_holds_throughout(avatar: Avatar, tmp_path: Path) -> None:
    path, _ = recording(tmp_path, SHORT)
    film = mien.make(avatar, audio=path, emotion="happy", **SMALL)
    film.save(tmp_path / "film.mp4", trace=tmp_path / "t.json")
    emotions = read_trace(tmp_path / "t.json").emotions
    assert {name for _, _, name in emotions} == {"happy"}
    assert emotions[0][0] == LEAD_IN


def test_text_and_audio_or_neither_are_refused(avatar: Avatar, tmp_path: Path) -> None:
    path, _ = recording(tmp_path)
    with pytest.raises(UsageError):
        mien.make(avatar, "Hello.", audio=path)
    with pytest.raises(UsageError):
        mien.make(avatar)


def test_the_command_takes_raw_sound_from_standard_input(tmp_path: Path) -> None:
    from mien import models

    sound = spoken("Good morning.")[0][::3]
    words = ["make", "-p", str(models.path("astronaut")), "--size", "64", "--audio", "pcm:s16le:16000:1", "-o", "a.mp4"]
    done = subprocess.run(
        [sys.executable, "-m", "mien", *words], input=(sound * 32767).astype("<i2").tobytes(), cwd=tmp_path,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    film = decoded(tmp_path / "a.mp4")
    assert len(film.heard) == pytest.approx(3 * len(sound) + LEAD_IN + RATE // 2, abs=2 * 1920)


class Natural(EspeakSpeaker):
    """The embedded voice, which does not tell its times."""

    @property
    def info(self) -> Any:
        return dataclasses.replace(super().info, gives_times=False)

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        for part in super().speak(request):
            yield dataclasses.replace(part, phones=None, words=None)


def test_a_voice_without_times_gets_lips_and_captions(
    avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = plugins.load
    monkeypatch.setattr(plugins, "load", lambda role, name: Natural if role == "speak" else load(role, name))
    text = "[happy]Hello there, my dear friends.[/happy] [pause 600ms] My best map is by the pub."
    film = mien.make(avatar, text, **SMALL)
    film.save(tmp_path / "film.mp4", captions="srt", motion=tmp_path / "film.json")
    captions = (tmp_path / "film.srt").read_text()
    assert "Hello there, my dear friends." in captions
    assert "My best map is by the pub." in captions
    assert "[" not in captions
    assert np.percentile(aperture_mm(read_motion(tmp_path / "film.json").shapes), 75) > 1.0
