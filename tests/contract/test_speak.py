"""What every speaking back end must keep, whatever it is.

Those that need a model get a small one that hums; those that need a server get one on this machine that speaks the real
one's protocol.
"""

from __future__ import annotations

import threading
import wave
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.contract.speech_servers import EdgeServer, hum, speech_server
from tests.dialogue import networks

from mien import plugins
from mien.dialogue.speak.base import Speaker, SpeakRequest
from mien.errors import InputError, MissingError, UsageError
from mien.turn import Cut, Turn
from mien.types import SpeechPart

TEXTS = {
    "en": "Hello there, my friend. Please buy the five boxes before you leave, will you?",
    "zh": "大家好，欢迎来到我们的节目。今天天气非常好！",
    "auto": "I like 北京 very much. 我用iPhone拍照。",
}


@pytest.fixture(params=plugins.available("speak"))
def speaker(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Speaker]:
    with ExitStack() as stack:
        monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        if request.param == "sherpa":
            networks.make_vits(tmp_path / "data/voices/hum")
        elif request.param == "edge":
            server = stack.enter_context(EdgeServer().running())
            monkeypatch.setattr("edge_tts.communicate.WSS_URL", f"ws://127.0.0.1:{server.port}/edge/v1?T=1")
        elif request.param != "espeak":
            address = stack.enter_context(speech_server()).address
            monkeypatch.setenv("MIEN_OPENAI_BASE_URL", f"{address}/v1")
            monkeypatch.setenv("MIEN_VOICES_GPTSOVITS_URL", address)
            monkeypatch.setenv("MIEN_VOICES_COSYVOICE_URL", address)
            monkeypatch.setenv("MIEN_VOICES_REFERENCE", str(_recording(tmp_path / "me.wav")))
            monkeypatch.setenv("MIEN_VOICES_REFERENCE_TEXT", "Hello.")
        yield stack.enter_context(closing(plugins.load("speak", request.param)()))


def _recording(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(hum("a recording of somebody", 24_000).tobytes())
    return path


def _say(speaker: Speaker, text: str, language: str = "auto", start: int = 0, char_offset: int = 0) -> list[SpeechPart]:
    return list(speaker.speak(SpeakRequest(text, language, start=start, char_offset=char_offset)))


@pytest.mark.parametrize("language", TEXTS)
def test_parts_follow_without_a_gap(speaker: Speaker, language: str) -> None:
    parts = _say(speaker, TEXTS[language], language, start=12_345)
    at = 12_345
    for part in parts:
        assert part.audio.start == at
        at = part.audio.end
    assert [p.last for p in parts] == [False] * (len(parts) - 1) + [True]
    assert at - 12_345 > 48_000


@pytest.mark.parametrize("language", TEXTS)
def test_sound_is_sane(speaker: Speaker, language: str) -> None:
    sound = np.concatenate([p.audio.samples for p in _say(speaker, TEXTS[language], language)])
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert 0.05 < float(np.abs(sound).max()) <= 1.0
    assert abs(float(sound.mean())) < 0.01


@pytest.mark.parametrize("language", TEXTS)
def test_times_are_ordered_and_inside_the_sound(speaker: Speaker, language: str) -> None:
    text = TEXTS[language]
    parts = _say(speaker, text, language, start=480, char_offset=100)
    info = speaker.info
    phones = [p for part in parts for p in part.phones or ()]
    words = [w for part in parts for w in part.words or ()]
    assert all((part.phones is not None) == info.gives_times for part in parts)
    assert all((part.words is not None) == (info.gives_times or info.gives_words) for part in parts)
    if info.gives_times:
        assert phones[0].start == 480
        assert phones[-1].end == parts[-1].audio.end
    assert bool(words) == (info.gives_times or info.gives_words)
    assert all(a.end == b.start for a, b in pairwise(phones))
    assert all(p.end > p.start for p in phones)
    assert all(a.end <= b.start for a, b in pairwise(words))
    assert all(480 <= w.start < w.end <= parts[-1].audio.end for w in words)
    assert all(a.char_end <= b.char_start for a, b in pairwise(words))
    assert all(text[w.char_start - 100 : w.char_end - 100].strip() for w in words)
    for part in parts:
        assert all(part.audio.start <= w.start < part.audio.end for w in part.words or ())
        assert all(part.audio.start <= p.start < part.audio.end for p in part.phones or ())


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "...", "😀", "\u200b", "[]"])
def test_nothing_to_say_is_refused(speaker: Speaker, text: str) -> None:
    with pytest.raises(InputError):
        _say(speaker, text)


def test_unknown_language_and_voice_are_refused(speaker: Speaker) -> None:
    with pytest.raises(MissingError, match="qx"):
        list(speaker.speak(SpeakRequest("hello", "qx-QX")))
    with pytest.raises(MissingError, match="no-such-voice"):
        list(speaker.speak(SpeakRequest("hello", "en", voice="no-such-voice")))


@pytest.mark.parametrize(
    "dial", [{"rate": 0.1}, {"rate": 3.0}, {"pitch": 2.0}, {"volume": 3.0}, {"rate": float("nan")}]
)
def test_dials_out_of_range_are_refused(speaker: Speaker, dial: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        list(speaker.speak(SpeakRequest("hello", "en", **dial)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "language"), [("", "en"), ("hello", "qx-QX")])
def test_check_raises_what_speak_raises(speaker: Speaker, text: str, language: str) -> None:
    with pytest.raises((InputError, MissingError)):
        speaker.check(SpeakRequest(text, language))
    speaker.check(SpeakRequest("hello", "en"))


def test_rate_changes_the_length(speaker: Speaker) -> None:
    slow, fast = (list(speaker.speak(SpeakRequest(TEXTS["en"], "en", rate=rate)))[-1].audio.end for rate in (0.7, 1.5))
    assert slow > 1.4 * fast


def test_volume_scales_and_never_clips(speaker: Speaker) -> None:
    def loudness(volume: float) -> tuple[float, float]:
        parts = speaker.speak(SpeakRequest(TEXTS["en"], "en", volume=volume))
        sound = np.concatenate([p.audio.samples for p in parts])
        return float(np.sqrt(np.mean(sound**2))), float(np.abs(sound).max())

    (quiet, _), (normal, _), (loud, peak) = loudness(0.5), loudness(1.0), loudness(2.0)
    assert 1.6 < normal / quiet < 2.4
    assert loud > 1.2 * normal
    assert peak < 1.0
    assert loudness(0.0)[1] == 0.0


def test_works_again_after_a_sentence_and_after_close(speaker: Speaker) -> None:
    first = _say(speaker, "One.", "en")
    second = _say(speaker, "One.", "en")
    speaker.close()
    speaker.close()
    assert abs(first[-1].audio.end - second[-1].audio.end) < 2_400


def test_leaving_early_does_no_harm(speaker: Speaker) -> None:
    stream = speaker.speak(SpeakRequest(TEXTS["en"], "en"))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert _say(speaker, "Still here.", "en")


def test_after_a_cut_nothing_more_comes_and_the_next_may_be_asked_from_another_thread(speaker: Speaker) -> None:
    fence = Turn()
    stream = speaker.speak(SpeakRequest(TEXTS["en"] * 4, "en", fence=fence))
    next(stream)
    fence.cut()
    heard: list[SpeechPart] = []
    other = threading.Thread(target=lambda: heard.extend(_say(speaker, "I come next.", "en")))
    other.start()
    with pytest.raises(Cut):
        for _ in range(100):
            next(stream)
    other.join(20)
    assert heard and heard[-1].last
    with pytest.raises(Cut):
        list(speaker.speak(SpeakRequest("Too late.", "en", fence=fence)))


def test_two_instances_do_not_disturb_each_other(speaker: Speaker) -> None:
    alone = _spoken(_say(speaker, TEXTS["en"], "en"))
    with closing(type(speaker)()) as other:
        mixed: list[SpeechPart] = []
        streams = speaker.speak(SpeakRequest(TEXTS["en"], "en")), other.speak(SpeakRequest(TEXTS["zh"], "zh"))
        theirs: list[SpeechPart] = []
        for mine, their in zip(*streams, strict=False):
            mixed.append(mine)
            theirs.append(their)
        mixed += list(streams[0])
    assert _spoken(mixed) == alone
    assert theirs


def _spoken(parts: list[SpeechPart]) -> list[str]:
    return [p.symbol for part in parts for p in part.phones or ()]


def test_says_what_it_is(speaker: Speaker) -> None:
    info = speaker.info
    assert info.name in plugins.available("speak")
    assert info.sample_rate >= 8_000
    assert info.licence
    assert len({v.name for v in speaker.voices()}) == len(speaker.voices())
