"""Any file, raw samples and arrays come out as the same 48 kHz mono sound, in its place and as long as it was."""

from __future__ import annotations

import io
import os
import sys
import threading
import tracemalloc
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audio.kit import RATE, cut, loudness_at, noise, read, tone, write

from mien.audio.decode import decode
from mien.audio.read import probe_audio, read_audio
from mien.errors import InputError, UsageError
from mien.types import FloatArray


@pytest.mark.parametrize(
    ("name", "codec", "how", "tolerance"),
    [
        ("a.wav", "pcm_u8", {}, 0.01),
        ("a.wav", "pcm_s16le", {}, 1e-4),
        ("a.wav", "pcm_s24le", {"sample_format": "s32"}, 1e-5),
        ("a.wav", "pcm_s32le", {}, 1e-5),
        ("a.wav", "pcm_f32le", {}, 1e-5),
        ("a.wav", "pcm_f64le", {}, 1e-5),
        ("a.flac", "flac", {"sample_format": "s16"}, 1e-4),
        ("a.aiff", "pcm_s16be", {}, 1e-4),
        ("a.mp3", "libmp3lame", {}, 0.02),
        ("a.m4a", "aac", {}, 0.02),
        ("a.ogg", "libopus", {}, 0.02),
        ("a.webm", "libopus", {}, 0.02),
        ("a.mka", "flac", {"sample_format": "s16"}, 1e-4),
    ],
)
def test_every_format_gives_the_sound_that_went_in(
    name: str, codec: str, how: dict[str, Any], tolerance: float, tmp_path: Path
) -> None:
    sound = tone(1.0)
    sound[: RATE // 2] *= np.linspace(0, 1, RATE // 2, dtype=np.float32)  # so that a shift shows
    path = write(tmp_path / name, sound, codec=codec, **how)
    back = read(path)
    assert abs(len(back) - RATE) <= (0 if tolerance <= 0.01 else 2048)
    middle = slice(RATE // 20, RATE - RATE // 20)
    assert np.abs(back[middle] - sound[middle]).max() < tolerance
    info = probe_audio(path)
    assert info is not None
    assert info.rate == RATE
    assert info.channels == 1
    assert info.duration == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_every_rate_keeps_length_level_and_place(rate: int, tmp_path: Path) -> None:
    count = rate + 17
    sound = np.zeros(count, np.float32)
    sound[rate // 2] = 0.5  # an impulse
    back = read(write(tmp_path / "impulse.wav", sound, rate, "pcm_f32le"))
    assert len(back) == int(count * RATE / rate + 0.5)
    assert abs(int(np.abs(back).argmax()) - rate // 2 * RATE / rate) <= 1
    level = read(write(tmp_path / "tone.wav", tone(1.0, rate, 1000.0), rate, "pcm_f32le"))
    assert np.abs(level[RATE // 4 : RATE // 2]).max() == pytest.approx(0.3, rel=0.01)


def test_channels_are_mixed_speech_comes_from_the_centre(tmp_path: Path) -> None:
    left = np.stack([tone(0.5), np.zeros(RATE // 2, np.float32)], 1)
    assert np.abs(read(write(tmp_path / "left.wav", left))).max() == pytest.approx(0.15, rel=0.01)
    same = np.stack([tone(0.5)] * 2, 1)
    assert np.abs(read(write(tmp_path / "same.wav", same))).max() == pytest.approx(0.3, rel=0.01)
    surround = np.zeros((RATE // 2, 6), np.float32)
    surround[:, 2] = tone(0.5)  # the centre; 3 is the low-frequency channel
    surround[:, 3] = 0.9
    back = read(write(tmp_path / "surround.wav", surround))
    assert np.abs(back).max() == pytest.approx(0.3 / (1 + 2 * 0.707 + 2 * 0.5), rel=0.02)


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.mp3", "libmp3lame")])
def test_a_pair_that_mirrors_itself_is_not_silence(name: str, codec: str, tmp_path: Path) -> None:
    voice = tone(2.0) * np.linspace(0, 1, 2 * RATE, dtype=np.float32)
    hiss = np.stack([noise(2.0, 0.002, seed) for seed in (1, 2)], 1)
    mirrored = write(tmp_path / name, np.stack([voice, -voice], 1) + hiss, codec=codec)
    assert loudness_at(read(mirrored), 1.5) == pytest.approx(loudness_at(voice, 1.5), rel=0.1)
    wide = np.stack([noise(2.0, 0.1, seed) for seed in (3, 4)], 1)  # what has nothing in common is mixed
    mixed = read(write(tmp_path / f"wide-{name}", wide, codec=codec))
    assert loudness_at(mixed, 1.0, 0.5) == pytest.approx(0.1 / np.sqrt(2), rel=0.2)


def film(path: Path, sounds: list[tuple[FloatArray, int]], *, pictures: bool = True) -> Path:
    """A film of a second of black. sounds: of each sound stream, and the sample at which it starts."""
    with av.open(str(path), "w") as file:
        video: Any = file.add_stream("libx264", rate=25) if pictures else None
        streams: list[Any] = [file.add_stream("flac" if path.suffix == ".mkv" else "aac", rate=RATE) for _ in sounds]
        for stream in streams:
            stream.layout = "mono"
            stream.format = "s16" if path.suffix == ".mkv" else "fltp"
        if video:
            video.width = video.height = 64
            video.pix_fmt = "yuv420p"
            for _ in range(25):
                file.mux(video.encode(av.VideoFrame(64, 64, "yuv420p")))
            file.mux(video.encode(None))
        for stream, (sound, start) in zip(streams, sounds, strict=True):
            for at in range(0, len(sound) - 1023, 1024):
                piece = sound[at : at + 1024]
                kind = "fltp" if stream.format.name == "fltp" else "s16"
                data = piece if kind == "fltp" else (piece * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(data[None, :], format=kind, layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE, start + at, Fraction(1, RATE)
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_sound_that_starts_after_the_pictures_stays_there(ending: str, tmp_path: Path) -> None:
    back = read(film(tmp_path / f"film{ending}", [(tone(0.5), RATE // 2)]))
    assert loudness_at(back, 0.4) < 0.001
    assert loudness_at(back, 0.6) > 0.1
    onset = int(np.argmax(np.abs(back) > 0.1)) / RATE
    assert onset == pytest.approx(0.5, abs=0.03)


def test_the_first_of_several_sound_streams_is_heard(tmp_path: Path) -> None:
    path = film(tmp_path / "two.mkv", [(tone(0.5, hertz=500), 0), (tone(0.5, hertz=3000), 0)])
    spectrum = np.abs(np.fft.rfft(read(path)[: RATE // 2]))
    assert spectrum.argmax() * 2 == pytest.approx(500, abs=10)


def test_a_pause_in_which_nothing_was_sent_is_silence(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "gap.mkv"), "w") as file:
        stream: Any = file.add_stream("pcm_s16le", rate=RATE)
        stream.layout, stream.format = "mono", "s16"
        for k, start in enumerate((0, 1024, 2 * RATE, 2 * RATE + 1024)):
            data = np.full((1, 1024), 8000 + k, np.int16)
            frame = av.AudioFrame.from_ndarray(data, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    back = read(tmp_path / "gap.mkv")
    assert len(back) == pytest.approx(2 * RATE + 2048, abs=96)  # the container's clock ticks in milliseconds
    assert loudness_at(back, 1.0) == 0
    assert loudness_at(back, 2.02) > 0.2


def pcm_bytes(sound: FloatArray, dtype: str, channels: int = 1) -> bytes:
    scale = 1.0 if dtype[-2] == "f" else float(2 ** (8 * int(dtype[-1]) - 1) - 1)
    values = sound * scale + (128 if dtype == "u1" else 0)
    return np.repeat(np.round(values) if scale > 1 else values, channels).astype(dtype).tobytes()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("u8", "u1"), ("s16le", "<i2"), ("s16be", ">i2"), ("s32le", "<i4"), ("f32le", "<f4"), ("f64be", ">f8")],
)
def test_raw_samples_from_a_file(name: str, dtype: str, tmp_path: Path) -> None:
    sound = tone(0.5)
    (tmp_path / "a:b.raw").write_bytes(pcm_bytes(sound, dtype, 2) + b"\x01")  # and half a sample
    source = f"pcm:{name}:{RATE}:2:{tmp_path / 'a:b.raw'}"
    assert np.abs(read(source) - sound).max() < (0.02 if dtype == "u1" else 1e-3)
    info = probe_audio(source)
    assert info is not None
    assert info.duration == 0.5


class _Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_standard_input_raw_and_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = tone(0.5)
    monkeypatch.setattr(sys, "stdin", _Stdin(pcm_bytes(sound, "<i2")))
    assert np.abs(read(f"pcm:s16le:{RATE}:1") - sound).max() < 1e-3
    for name, codec in (("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "libmp3lame")):
        how: dict[str, Any] = {"sample_format": "s16"} if codec == "flac" else {}
        data = write(tmp_path / name, sound, codec=codec, **how).read_bytes()
        monkeypatch.setattr(sys, "stdin", _Stdin(data))
        assert probe_audio("-") is None
        back = read("-")
        assert np.abs(back[2400:21600] - sound[2400:21600]).max() < 0.02


@pytest.mark.parametrize("source", ["pcm:", "pcm:s16le", "pcm:s12le:8000:1", "pcm:s16le:fast:1", "pcm:s16le:16000:0",
                                    "pcm:s16le:16000:65", "pcm:s16le:1:1", "pcm:s16le:9999999:1"])  # fmt: skip
def test_wrong_descriptions_of_raw_samples(source: str) -> None:
    with pytest.raises(UsageError):
        read_audio(source)


def test_arrays_of_every_type_are_the_same_sound() -> None:
    sound = tone(0.5, 16_000)
    want = read((sound, 16_000))
    assert len(want) == RATE // 2
    for kind in (np.int16, np.int32):
        whole = (sound * np.iinfo(kind).max).astype(kind)
        assert np.abs(read((whole, 16_000)) - want).max() < 1e-3
    bytes_ = np.round(sound * 127 + 128).astype(np.uint8)
    assert np.abs(read((bytes_, 16_000)) - want).max() < 0.01
    assert np.abs(read((np.stack([sound, sound], 1), 16_000)) - want).max() < 1e-6
    assert np.abs(read((sound.astype(np.float64), 16_000)) - want).max() < 1e-6


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([8_000, 16_000, 44_100, 48_000]), st.lists(st.integers(1, 9_000), min_size=1, max_size=6))
def test_however_sound_comes_in_the_same_comes_out(rate: int, sizes: list[int]) -> None:
    sound = noise(0.4)[: rate // 3]
    whole = read((sound, rate))
    pieces = read((iter(cut(sound, sizes)), rate))
    np.testing.assert_array_equal(pieces, whole)


def test_a_wrong_ending_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path / "talk.mp3", tone(0.5), codec="libmp3lame").rename(tmp_path / "talk.wav")
    assert len(read(tmp_path / "talk.wav")) == pytest.approx(RATE // 2, abs=2048)


def test_a_wav_that_did_not_know_its_length_is_read_to_its_end(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "a.wav", tone(0.5)).read_bytes())
    at = data.index(b"data") + 4
    for length in (0, 0xFFFFFFFF, 0x7FFFFFFF):
        data[at : at + 4] = length.to_bytes(4, "little")
        (tmp_path / "b.wav").write_bytes(data)
        assert len(read(tmp_path / "b.wav")) == RATE // 2


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "libmp3lame")])
def test_a_file_that_was_cut_says_so(name: str, codec: str, tmp_path: Path) -> None:
    how: dict[str, Any] = {"sample_format": "s16"} if codec == "flac" else {}
    data = write(tmp_path / name, noise(4.0), codec=codec, **how).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * 2 // 5])
    with pytest.raises(InputError, match="breaks off"):
        read(tmp_path / name)


def test_a_damaged_packet_is_silence_and_the_rest_stays_in_place(tmp_path: Path) -> None:
    sound = tone(6.0)
    data = bytearray(write(tmp_path / "a.flac", sound, codec="flac", sample_format="s16").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    (tmp_path / "a.flac").write_bytes(data)
    back = read(tmp_path / "a.flac")
    assert len(back) == pytest.approx(6 * RATE, abs=RATE // 5)
    tail = back[-RATE // 2 :]
    assert np.abs(np.fft.rfft(tail)).argmax() * 2 == pytest.approx(440, abs=4)


def test_not_a_number_and_the_wrong_scale_are_refused() -> None:
    sound = tone(1.0)
    for bad in (np.nan, np.inf, -np.inf):
        sound[30_000] = bad
        with pytest.raises(InputError, match="not numbers"):
            read((sound, RATE))
    with pytest.raises(InputError, match="full scale"):
        read((tone(1.0) * 32768, RATE))
    for wrong in (np.zeros((3, 3, 3), np.float32), np.array(["a"]), np.zeros(9, np.complex64), np.zeros(9, bool)):
        with pytest.raises(InputError):
            read((wrong, RATE))


class _Interrupted:
    """A pipe in whose waiting Ctrl-C falls, after so many reads."""

    def __init__(self, data: bytes, error: BaseException) -> None:
        self._stream, self._error = io.BytesIO(data), error

    def read(self, size: int) -> bytes:
        piece = self._stream.read(min(size, 8_192))
        if not piece:
            raise self._error
        return piece


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5])
def test_what_stops_reading_is_not_lost(share: float, tmp_path: Path) -> None:
    data = write(tmp_path / "a.mp3", noise(5.0), codec="libmp3lame").read_bytes()
    head = data[: int(len(data) * share)]
    for error, seen in ((KeyboardInterrupt(), KeyboardInterrupt), (OSError(5, "Input/output error"), InputError)):
        with pytest.raises(seen):
            list(decode(_Interrupted(head, error), "'a.mp3'"))  # type: ignore[arg-type]


def test_a_pipe_is_not_used_up_by_asking_what_it_is(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    data = write(tmp_path / "a.mp3", tone(1.0), codec="libmp3lame").read_bytes()
    os.mkfifo(tmp_path / "pipe")
    assert probe_audio(tmp_path / "pipe") is None
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,), daemon=True)
    writer.start()
    assert len(read(tmp_path / "pipe")) == pytest.approx(RATE, abs=4_000)
    writer.join(10)


def test_a_playlist_cannot_open_other_files(tmp_path: Path) -> None:
    write(tmp_path / "secret.wav", tone(1.0))
    for text in (
        "ffconcat version 1.0\nfile secret.wav\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n",
    ):
        (tmp_path / "list.mp3").write_text(text)
        with pytest.raises(InputError):
            read(tmp_path / "list.mp3")


def test_reading_stops_when_the_reader_does(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(5.0))
    chunks = read_audio(path)
    next(chunks)
    assert sys.platform != "linux" or is_open(path)
    chunks.close()  # type: ignore[attr-defined]
    assert sys.platform != "linux" or not is_open(path)
    path.unlink()  # on Windows this fails while the file is open


def is_open(path: Path) -> bool:
    """Whether this process has it open, as Linux tells."""
    return any(os.path.realpath(link) == str(path) for link in Path("/proc/self/fd").iterdir())


def test_a_long_recording_takes_the_memory_of_a_short_one(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        for _ in range(600):
            file.writeframes(bytes(32_000))
    tracemalloc.start()
    ticks = sum(len(chunk.samples) for chunk in read_audio(tmp_path / "long.wav"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ticks == 600 * RATE
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("name", "codec"), [("a.m4a", "aac"), ("a.mp3", "libmp3lame"), ("a.ogg", "libopus"), ("a.mka", "pcm_f32le")]
)
def test_damaged_files_are_read_or_refused(name: str, codec: str, tmp_path: Path) -> None:
    data = write(tmp_path / name, noise(0.3), codec=codec).read_bytes()
    chance = np.random.default_rng(len(data))
    for _ in range(40):
        damaged = bytearray(data)
        for at in chance.integers(0, min(len(data), int(chance.choice([300, len(data)]))), 6):
            damaged[at] = chance.integers(256)
        (tmp_path / name).write_bytes(damaged)
        try:
            probe_audio(tmp_path / name)
            assert len(read(tmp_path / name)) < 3600 * RATE
        except InputError as error:
            assert error.message.endswith(".")
