"""The languages and voices of the espeak-ng back end, Japanese, and the lexicon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec

import numpy as np
import pytest
from tests.dialogue.espeak_kit import say, spellings, symbols, words

from mien.dialogue.speak import espeak_voices
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.errors import InputError, MissingError
from mien.types import Emotion


@pytest.fixture(scope="module")
def speaker() -> Iterator[EspeakSpeaker]:
    with closing(EspeakSpeaker()) as made:
        yield made


def test_every_listed_language_speaks(speaker: EspeakSpeaker) -> None:
    silent = []
    for language in espeak_voices.languages():
        parts = list(speaker.speak(SpeakRequest("1 2 3 mama", language)))
        if parts[-1].audio.end < 12_000 or not words(parts):
            silent.append(language)
    assert not silent


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("zh", "cmn-latn-pinyin"), ("zh-CN", "cmn-latn-pinyin"), ("zh_Hant_TW", "cmn-latn-pinyin"),
        ("cmn", "cmn-latn-pinyin"),
        ("zh-HK", "yue"), ("yue", "yue"), ("en", "en-us"), ("en-GB", "en"), ("en-ZA", "en-us"), ("fr", "fr"),
        ("fr-FR", "fr"), ("pt", "pt"), ("pt-BR", "pt-br"), ("es-MX", "es-419"), ("de-AT", "de"), ("no", "nb"),
    ],
)  # fmt: skip
def test_codes_find_their_voice(code: str, name: str) -> None:
    assert espeak_voices.language_voice(code) == name


@pytest.mark.parametrize("code", ["xx", "", "klingon!", "zz-ZZ", "../../etc", "en\x00"])
def test_unknown_codes_name_the_command(code: str) -> None:
    with pytest.raises(MissingError, match="mien voice list"):
        espeak_voices.language_voice(code)


def test_voices_differ_in_pitch(speaker: EspeakSpeaker) -> None:
    def pitch(voice: str) -> float:
        (part,) = say(speaker, "Ah, many men may mean well.", "en", voice=voice)
        sound = part.audio.samples[: 2 * 48_000].astype(np.float64)
        spectrum = np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18)
        correlation = np.fft.irfft(np.abs(spectrum) ** 2)
        return 48_000 / (120 + int(np.argmax(correlation[120:800])))

    assert pitch("female") > 1.3 * pitch("male")
    assert pitch("F5") == pytest.approx(pitch("female"), rel=0.1)


def test_a_feeling_nudges_the_melody_and_strength_zero_does_not() -> None:
    calm = espeak_voices.dials(1, 0, Emotion())
    assert espeak_voices.dials(1, 0, Emotion(0.8, 0.8, "happy", 0.0)) == calm
    excited = espeak_voices.dials(1, 0, Emotion(0.8, 0.8, "happy"))
    assert calm.rate < excited.rate < 1.15 * calm.rate
    assert calm.pitch < excited.pitch
    assert calm.pitch_range < excited.pitch_range


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Привет, мир!", 2),
        ("مرحبا بالعالم", 2),
        ("שלום עולם", 2),
        ("नमस्ते दुनिया", 2),
        ("안녕하세요 여러분", 2),
        ("Γεια σου", 2),
    ],
)
def test_auto_finds_the_language_of_a_script(speaker: EspeakSpeaker, text: str, spoken: int) -> None:
    parts = say(speaker, text)
    assert len(words(parts)) == spoken
    assert "l ɛ t" not in symbols(parts)


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("ខ្មែរ", "auto", "'km'"),
        ("Hello ລາວ", "en", "'lo'"),
        ("中国𠮷", "zh", "'𠮷'"),
        ("仩", "zh", "'仩'"),
        ("你好", "hak", "Hakka"),
    ],
)
def test_letters_that_no_voice_reads_are_refused(speaker: EspeakSpeaker, text: str, language: str, said: str) -> None:
    with pytest.raises((InputError, MissingError), match=said):
        speaker.speak(SpeakRequest(text, language))


def test_a_lexicon_gives_the_missing_reading(speaker: EspeakSpeaker) -> None:
    text = "中国𠮷，人々"
    parts = say(speaker, text, "zh", lexicon={"𠮷": "ji2"})
    assert spellings(text, parts) == list("中国𠮷人々")
    assert symbols(parts).endswith("ʐ ə n ʐ ə n")


KANJI = "今日は東京で3人と話した。"


def test_kanji_are_read_in_japanese_or_refused(speaker: EspeakSpeaker) -> None:
    if find_spec("fugashi") is None or find_spec("unidic_lite") is None:
        with pytest.raises(MissingError, match=r"pip install 'mien\[japanese\]'"):
            say(speaker, KANJI)
        return
    parts = say(speaker, KANJI)
    assert spellings(KANJI, parts)[:4] == ["今日", "は", "東京", "で"]
    assert symbols(parts).startswith("k ʲ o̞ w ä t o̞ k ʲ o̞")


def test_kanji_without_the_dictionary_are_refused(speaker: EspeakSpeaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.dialogue.kana._tagger", lambda: None)
    with pytest.raises(MissingError, match="kanji"):
        speaker.speak(SpeakRequest(KANJI, "ja"))
    assert words(say(speaker, "きょうは、いいてんき。", "ja"))


def test_the_lexicon_changes_the_sound_and_keeps_the_words(speaker: EspeakSpeaker) -> None:
    lexicon = {"nguyen": "win", "gif": "/dʒɪf/", "Mien": "[[mi:'En]]", "重庆": "chong2 qing4", "行": "hang2"}
    text = "Nguyen sent a GIF to Mien. 我去重庆，行吗？"
    parts = say(speaker, text, lexicon=lexicon)
    assert spellings(text, parts) == [
        "Nguyen", "sent", "a", "GIF", "to", "Mien", "我", "去", "重", "庆", "行", "吗",
    ]  # fmt: skip
    said = symbols(parts)
    assert said.startswith("w ɪ n s")
    assert "dʒ ɪ f" in said
    assert "m i ɛ n" in said
    assert "χ ɑ ŋ m ɑ" in said


def test_ipa_that_is_not_english_is_refused(speaker: EspeakSpeaker) -> None:
    with pytest.raises(InputError, match="ʘ"):
        speaker.speak(SpeakRequest("hello", "en", lexicon={"hello": "/ʘa/"}))
    with pytest.raises(InputError, match="only English"):
        speaker.speak(SpeakRequest("hola", "es", lexicon={"hola": "/ola/"}))
