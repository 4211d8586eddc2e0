"""Recordings that cannot be used: one clear sentence each, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.audio.kit import RATE, noise, spoken, tone, write

from mien.types import FloatArray

MEDIA = Path(__file__).parents[3] / "shared" / "media"

Refused = Callable[[list[str], int, str], str]


def make(portrait: Path, out: Path, audio: object, *more: str) -> list[str]:
    film = str(out / "film.mp4")
    return ["make", "-p", str(portrait), "-o", film, "--size", "64", "--audio", str(audio), *more]


def voice() -> FloatArray:
    return spoken("Good morning, dear listeners, and welcome to the show.")[0]


def silent_film(path: Path) -> Path:
    with av.open(str(path), "w") as file:
        video: Any = file.add_stream("libx264", rate=25)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        file.mux(video.encode(av.VideoFrame(64, 64, "yuv420p")))
        file.mux(video.encode(None))
    return path


def encrypted(path: Path) -> Path:
    """An mp4 whose sound is under Common Encryption."""
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
               "encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}  # fmt: skip
    plain = write(path.with_name("plain.mp4"), tone(1.0), codec="aac")
    with av.open(str(plain)) as source, av.open(str(path), "w", options=options) as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def with_nan(path: Path) -> Path:
    sound = voice().copy()
    sound[len(sound) // 2] = np.nan
    return raw_wav(path, sound)


def raw_wav(path: Path, sound: FloatArray) -> Path:
    """A float WAV as it is, without a converter that would mend it."""
    data = sound.astype("<f4").tobytes()
    head = b"fmt " + (16).to_bytes(4, "little") + b"\x03\0\x01\0" + RATE.to_bytes(4, "little")
    head += (4 * RATE).to_bytes(4, "little") + b"\x04\0\x20\0"
    body = b"WAVE" + head + b"data" + len(data).to_bytes(4, "little") + data
    path.write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)
    return path


def text(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


CASES: list[Any] = [
    pytest.param(lambda p: cut(write(p / "a.wav", noise(3.0)), 0.4), "breaks off", id="WAV cut short"),
    pytest.param(lambda p: cut(write(p / "a.flac", noise(3.0), codec="flac", sample_format="s16"), 0.4), "breaks off",
                 id="FLAC cut short"),
    pytest.param(lambda p: cut(write(p / "a.mp3", noise(3.0), codec="libmp3lame"), 0.4), "breaks off",
                 id="MP3 cut short"),
    pytest.param(lambda p: cut(write(p / "a.m4a", noise(3.0), codec="aac"), 0.4), "part of it is missing",
                 id="M4A cut short"),
    pytest.param(lambda p: text(p / "a.wav", b""), "0 bytes", id="empty file"),
    pytest.param(lambda p: raw_wav(p / "a.wav", np.zeros(0, np.float32)), "0 samples", id="no samples"),
    pytest.param(lambda p: with_nan(p / "a.wav"), "NaN", id="NaN"),
    pytest.param(lambda p: raw_wav(p / "a.wav", voice() * 32768), "full scale", id="wrong scale"),
    pytest.param(lambda p: raw_wav(p / "a.wav", np.full(RATE, 0.4, np.float32)), "silent", id="DC alone"),
    pytest.param(lambda p: raw_wav(p / "a.wav", np.zeros(RATE, np.float32)), "silent", id="silence"),
    pytest.param(lambda p: write(p / "a.wav", tone(0.005)), "5 ms", id="5 ms"),
    pytest.param(lambda p: text(p / "a.mp3", b"These are words. " * 500), "not a sound file", id="text named .mp3"),
    pytest.param(lambda p: text(p / "a.wav", b"\x89PNG\r\n\x1a\n" + bytes(500)), "picture", id="picture"),
    pytest.param(lambda p: text(p / "a.ogg", np.random.default_rng(0).bytes(50_000)), "", id="random bytes"),
    pytest.param(lambda p: encrypted(p / "a.mp4"), "encrypted", id="encrypted"),
    pytest.param(lambda p: silent_film(p / "a.mp4"), "video without sound", id="video without sound"),
    pytest.param(lambda p: p / "none.mp3", "no recording", id="missing"),
    pytest.param(lambda p: p, "folder", id="folder"),
    pytest.param(lambda p: "a\x00b.mp3", "", id="no name"),
    pytest.param(lambda p: "x" * 5_000, "", id="far too long a name"),
    pytest.param(lambda p: "https://127.0.0.1:9/talk.mp3", "no recording", id="address"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "words"), CASES)
def test_recordings(
    build: Callable[[Path], Path | str], words: str, portrait: Path, out: Path, tmp_path: Path, refused: Refused
) -> None:
    source = build(tmp_path)
    before = source.read_bytes() if isinstance(source, Path) and source.is_file() else b""
    refused(make(portrait, out, source), 3, words)
    if before:
        assert Path(source).read_bytes() == before, "the recording was touched"


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        pytest.param(("--text", "Hi."), 2, "--transcript", id="text too"),
        pytest.param(("--voice", "f5"), 2, "own voice", id="voice"),
        pytest.param(("--rate", "1.5"), 2, "own voice", id="rate"),
        pytest.param(("--language", "en"), 2, "--transcript", id="language of no words"),
        pytest.param(("--captions", "srt"), 2, "--transcript", id="captions of no words"),
        pytest.param(("--denoise", "much"), 2, "denoise", id="unknown way to denoise"),
        pytest.param(("--vad", "nobody"), 4, "nobody", id="unknown detector"),
        pytest.param(("--face-driver", "nobody"), 4, "nobody", id="unknown driver"),
        pytest.param(("--face-driver", "phones"), 4, "--transcript", id="driver that needs phones"),
        pytest.param(("--transcript", "none.txt"), 3, "none.txt", id="transcript that is not there"),
        pytest.param(("--transcript", "."), 3, "directory", id="transcript is a folder"),
    ],
)
def test_choices(
    more: tuple[str, ...], status: int, words: str, portrait: Path, out: Path, tmp_path: Path, refused: Refused
) -> None:
    refused(make(portrait, out, write(tmp_path / "a.wav", voice()), *more), status, words)


def test_words_of_another_recording(portrait: Path, out: Path, tmp_path: Path, refused: Refused) -> None:
    audio = MEDIA / "voices" / "en-f-3080-utt1.flac"
    if not audio.exists():
        pytest.skip("the media folder is not here, and a synthetic voice is too like the one that it is compared with")
    words = "Photosynthesis turns water and light into sugar, and oxygen is left over. Many farmers in the valley grow "
    (tmp_path / "other.txt").write_text(words + "maize, beans and pumpkins. Why would anybody go there in the rain?")
    refused(make(portrait, out, audio, "--transcript", str(tmp_path / "other.txt"), "-l", "en"), 3, "not what is said")


@pytest.mark.parametrize("content", [b"", b" \n", b"caf\xe9", b"a" * 4_000_001])
def test_transcripts(content: bytes, portrait: Path, out: Path, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "words.txt").write_bytes(content)
    audio = write(tmp_path / "a.wav", voice())
    refused(make(portrait, out, audio, "--transcript", str(tmp_path / "words.txt")), 3, "transcript")


def test_options_of_recordings_without_one(portrait: Path, out: Path, refused: Refused) -> None:
    film = ["make", "-p", str(portrait), "-o", str(out / "film.mp4"), "--text", "Hi."]
    for more in (["--vad", "energy"], ["--denoise", "on"], ["--transcript", "words.txt"]):
        refused([*film, *more], 2, "--audio")


def test_a_recording_is_never_overwritten(portrait: Path, out: Path, tmp_path: Path, refused: Refused) -> None:
    audio = write(tmp_path / "talk.mp4", voice(), codec="aac")
    before = audio.read_bytes()
    words = ["make", "-p", str(portrait), "--size", "64", "--audio", str(audio), "-o", str(audio)]
    refused(words, 2, "overwrite")
    assert audio.read_bytes() == before


def test_nothing_on_standard_input(portrait: Path, out: Path) -> None:
    for source in ("-", "pcm:s16le:16000:1"):
        words = [sys.executable, "-m", "mien", *make(portrait, out, source)]
        done = subprocess.run(words, input=b"", capture_output=True, timeout=120, check=False)
        assert done.returncode == 3
        assert done.stderr.decode().count("mien: ") == 1
        assert not list(out.iterdir())
