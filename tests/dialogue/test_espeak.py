"""The espeak-ng back end: its process, its times against its own sound, its languages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.dialogue.speak import espeak_process, espeak_voices
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.espeak import EspeakSpeaker
from mien.dialogue.speak.espeak_process import ChildDied, EspeakProcess, Job
from mien.errors import BackendError, InputError, MienError, MissingError
from mien.types import Emotion, FloatArray, Phone, SpeechPart, Word


@pytest.fixture(scope="module")
def speaker() -> Iterator[EspeakSpeaker]:
    with closing(EspeakSpeaker()) as made:
        yield made


def say(speaker: EspeakSpeaker, text: str, language: str = "auto", **fields: object) -> list[SpeechPart]:
    return list(speaker.speak(SpeakRequest(text, language, **fields)))  # type: ignore[arg-type]


def words(parts: list[SpeechPart]) -> list[Word]:
    return [w for part in parts for w in part.words or ()]


def phones(parts: list[SpeechPart]) -> list[Phone]:
    return [p for part in parts for p in part.phones or ()]


def spellings(text: str, parts: list[SpeechPart]) -> list[str]:
    return [text[w.char_start : w.char_end] for w in words(parts)]


def symbols(parts: list[SpeechPart]) -> str:
    return " ".join(p.symbol for p in phones(parts) if p.symbol)


# The process


CRASHING = Job("par exemple", "fr+rob", rate=137, pitch=49, pitch_range=93)
"""espeak-ng 1.52 dies of this every time."""


def test_a_crash_is_noticed_and_survived() -> None:
    with closing(EspeakProcess()) as process:
        before = process.render(Job("Hello.", "en-us"))
        pid = process.pid
        with pytest.raises(ChildDied):
            process.render(CRASHING)
        after = process.render(Job("Hello.", "en-us"))
        assert process.pid != pid
        assert [e.symbol for e in after.events] == [e.symbol for e in before.events]


def test_a_crashing_sentence_is_said_with_a_plain_voice(
    speaker: EspeakSpeaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "mien.dialogue.speak.espeak_voices.dials", lambda *_: espeak_voices.Dials(CRASHING.rate, 49, 93)
    )
    text = "par exemple"
    parts = say(speaker, text, "fr", voice="rob")
    assert spellings(text, parts) == ["par", "exemple"]


def test_twice_dead_is_a_backend_error(speaker: EspeakSpeaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise ChildDied

    monkeypatch.setattr(EspeakProcess, "render", die)
    with pytest.raises(BackendError, match="twice"):
        say(speaker, "Hello.", "en")


def test_a_killed_child_is_replaced_between_sentences() -> None:
    with closing(EspeakSpeaker()) as speaker:
        stream = speaker.speak(SpeakRequest("One. Two. Three.", "en"))
        first = next(stream)
        pid = speaker._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        rest = list(stream)
        assert rest[0].audio.start == first.audio.end
        assert len(rest) == 2


def test_a_child_killed_in_the_middle_of_a_sentence_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = espeak_process._receive
    with closing(EspeakSpeaker()) as speaker:
        whole = say(speaker, SENTENCES["en"], "en")
        first = speaker._process.pid
        assert first is not None
        left = [first]

        def kill_after_the_first_sound(source: BinaryIO) -> bytes:
            payload = receive(source)
            if payload[:1] == b"A" and left:
                os.kill(left.pop(), signal.SIGKILL)
            return payload

        monkeypatch.setattr(espeak_process, "_receive", kill_after_the_first_sound)
        again = say(speaker, SENTENCES["en"], "en")
        assert not left
        assert spellings(SENTENCES["en"], again) == spellings(SENTENCES["en"], whole)


def test_the_child_starts_late_and_ends_with_close() -> None:
    speaker = EspeakSpeaker()
    assert speaker._process.pid is None
    say(speaker, "Hello.")
    pid = speaker._process.pid
    assert pid is not None
    speaker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="looks for the process by POSIX signals")
def test_the_child_ends_when_its_parent_is_killed() -> None:
    script = (
        "import time\n"
        "from mien.dialogue.speak.espeak_process import EspeakProcess, Job\n"
        "p = EspeakProcess(); p.render(Job('Hello.', 'en-us')); print(p.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return True


def test_an_unknown_voice_does_not_kill_the_child() -> None:
    with closing(EspeakProcess()) as process:
        process.render(Job("Hello.", "en-us"))
        pid = process.pid
        with pytest.raises(BackendError):
            process.render(Job("Hello.", "no-such-language"))
        process.render(Job("Hello.", "en-us"))
        assert process.pid == pid


# Times


SENTENCES = {
    "en": "Please move the big purple boxes, before Bob comes back. Maybe people will help.",
    "zh": "爸爸妈妈在北京帮朋友搬家，买了八本漂亮的书。苹果公司明天发布新品。",
    "es": "Mi papá y mi mamá compran pan bueno para el bebé, pero no beben agua.",
    "de": "Papa und Mama stapeln Pakete, aber Oma packt Äpfel und Butter in die Kappe.",
    "fr": "Papa et maman boivent un bon bol, puis bébé part à la plage.",
    "ja": "ぱぱとままは、たべものをばんごはんにたべます。",
}


def level(sound: FloatArray, start: int, end: int) -> float:
    piece = sound[start:end]
    return float(np.sqrt(np.mean(piece**2))) if len(piece) else 0.0


@pytest.mark.parametrize("language", SENTENCES)
def test_the_sound_is_silent_where_the_phones_say_so(speaker: EspeakSpeaker, language: str) -> None:
    parts = say(speaker, SENTENCES[language], language)
    sound = np.concatenate([p.audio.samples for p in parts])
    spoken = [level(sound, p.start, p.end) for p in phones(parts) if p.symbol]
    silent = [level(sound, p.start + (p.end - p.start) // 4, p.end) for p in phones(parts) if not p.symbol]
    assert phones(parts)[-1].end == len(sound)
    assert silent
    assert max(silent) < 0.15 * float(np.median(spoken))
    assert all(p.end - p.start >= 0.1 * 48_000 for p in phones(parts) if not p.symbol)


@pytest.mark.parametrize("language", ["en", "zh", "es", "de", "fr"])
def test_a_voiceless_bilabial_covers_its_closure(speaker: EspeakSpeaker, language: str) -> None:
    parts = say(speaker, SENTENCES[language], language)
    sound = np.concatenate([p.audio.samples for p in parts])
    closed = []
    for before, phone in pairwise(phones(parts)):
        if phone.symbol[:1] == "p" and before.symbol[:1] in "aeiouɑɐəɪʊɛ" and before.symbol:
            frames = [level(sound, k, k + 96) for k in range(phone.start, phone.end, 96)]
            vowel = level(sound, before.start, before.end)
            closed.append(2 * sum(f < 0.2 * vowel for f in frames))
            assert phone.end - phone.start >= 0.045 * 48_000
    assert len(closed) >= 2
    assert np.median(closed) >= 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop!", ["Don't", "stop"]),
        ("A well-known e-mail: me@example.com.", ["A", "well-known", "e-mail", "me@example.com"]),
        ("Pay $1,234.50 at 10:30, please.", ["Pay", "$1,234.50", "at", "10:30", "please"]),
        ("See https://example.com/a?b=1 now", ["See", "https://example.com/a?b=1", "now"]),
        ("Dr. Smith met the U.S. team", ["Dr", "Smith", "met", "the", "U.S", "team"]),
        ("naïve café 😀 déjà vu", ["naïve", "café", "déjà", "vu"]),
        ("50% of the people", ["50%", "of", "the", "people"]),
        ("“Yes,” she said—then left…", ["Yes", "she", "said", "then", "left"]),
        ("cats & dogs", ["cats", "&", "dogs"]),
    ],
)
def test_english_words_are_the_user_s_own(speaker: EspeakSpeaker, text: str, expected: list[str]) -> None:
    assert spellings(text, say(speaker, text, "en")) == expected


def test_word_starts_fall_on_phones_and_words_leave_pauses_free(speaker: EspeakSpeaker) -> None:
    parts = say(speaker, SENTENCES["en"], "en")
    starts = {p.start for p in phones(parts) if p.symbol}
    assert all(w.start in starts for w in words(parts))
    silent = [p for p in phones(parts) if not p.symbol]
    assert not any(w.start < p.end and p.start < w.end for w in words(parts) for p in silent)


def test_every_hanzi_has_a_plausible_time(speaker: EspeakSpeaker) -> None:
    text = (
        "人工智能正在改变我们的生活方式。从早晨醒来的那一刻起，手机就开始为我们安排一天的日程。非常好！"
        "银行行长觉得音乐很快乐，重庆的长江大桥长得很。妈妈骑马，马慢，妈妈骂马。英雄也穷，兄弟很凶。"
        "这儿有一点儿花儿，女儿在那儿玩儿。說中文的學生讀書，國家機關開會。"
    )
    parts = say(speaker, text, "zh")
    hanzi = [i for i, c in enumerate(text) if "\u4e00" <= c <= "\u9fff"]
    assert [(w.char_start, w.char_end) for w in words(parts)] == [(i, i + 1) for i in hanzi]
    lengths = np.array([w.end - w.start for w in words(parts)]) / 48
    assert lengths.min() > 90
    assert lengths.max() < 600
    assert "tʃ aɪ n iː z" not in symbols(parts)


def test_hanzi_starts_are_syllable_starts(speaker: EspeakSpeaker) -> None:
    text = "大爸妈你好非常好"
    parts = say(speaker, text, "zh")
    onsets = {p.start: p.symbol for p in phones(parts)}
    assert [onsets[w.start] for w in words(parts)] == ["t", "p", "m", "n", "χ", "f", "tʂʰ", "χ"]


def test_digits_and_latin_inside_chinese(speaker: EspeakSpeaker) -> None:
    text = "我有123个iPhone 15手机，2024年花了¥105，温度-5℃。"
    parts = say(speaker, text, "zh")
    assert spellings(text, parts) == [
        "我", "有", "123", "个", "iPhone", "15", "手", "机", "2024", "年", "花", "了", "¥105", "温", "度", "-5℃",
    ]  # fmt: skip


def test_mixed_text_is_joined_without_a_pause_or_a_click(speaker: EspeakSpeaker) -> None:
    text = "I like 北京 and 上海 very much"
    (part,) = say(speaker, text)
    assert spellings(text, [part]) == ["I", "like", "北", "京", "and", "上", "海", "very", "much"]
    silences = [p for p in part.phones or () if not p.symbol]
    assert len(silences) == 1
    steps = np.abs(np.diff(part.audio.samples))
    joins = [w.start for w in (part.words or ()) if text[w.char_start - 2 : w.char_start].strip()]
    assert max(float(steps[j - 24 : j + 24].max()) for j in joins if j) < 0.5 * float(steps.max())


def test_text_with_marks_of_the_synthesiser_is_only_text(speaker: EspeakSpeaker) -> None:
    text = "say [[h@l'oU]] <break time='5s'/> now"
    (part,) = say(speaker, text, "en")
    assert spellings(text, [part])[0] == "say"
    assert part.audio.end < 10 * 48_000
    assert " h ə l oʊ " not in symbols([part])


@pytest.mark.parametrize("text", ["I like “北京” very much", "他说 (hello) 然后走了", "用 iPhone 拍照"])
def test_quotes_between_languages_make_no_pause(speaker: EspeakSpeaker, text: str) -> None:
    (part,) = say(speaker, text)
    assert [p.symbol for p in part.phones or ()].count("") == 1


def test_text_without_punctuation_is_cut_with_short_pauses(speaker: EspeakSpeaker) -> None:
    parts = say(speaker, "we walk and talk and walk again " * 20, "en")
    pauses = [p.end - p.start for part in parts[:-1] for p in part.phones or () if not p.symbol]
    assert len(parts) > 2
    assert max(pauses) < 0.25 * 48_000


_MIXED = st.text(
    st.sampled_from("abe hiklo .,?!0159$%-/'你好世雄儿の는αβжشमé😀\n:;()[]\u0301\u094d\u200d"), min_size=1, max_size=60
)


@settings(deadline=None, max_examples=150)
@given(_MIXED, st.sampled_from(["auto", "en", "zh", "fr", "vi", "an"]), st.sampled_from(["", "male", "f2", "croak"]))
def test_any_mixture_keeps_its_times_in_order(speaker: EspeakSpeaker, text: str, language: str, voice: str) -> None:
    try:
        parts = say(speaker, text, language, voice=voice)
    except MienError:
        return
    at = 0
    for part in parts:
        for phone in part.phones or ():
            assert phone.start == at < phone.end
            at = phone.end
        assert at == part.audio.end
    found = words(parts)
    assert all(w.start < w.end and w.char_start < w.char_end for w in found)
    assert all(a.end <= b.start and a.char_end <= b.char_start for a, b in pairwise(found))


# Languages and voices


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


# Japanese


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


# Lexicon


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
