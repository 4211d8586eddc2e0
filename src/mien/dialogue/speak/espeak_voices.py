"""The languages and voices that espeak-ng has here, and how Mien's dials map to its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from mien.dialogue.speak.base import Voice
from mien.dialogue.speak.espeak_process import library_and_data
from mien.errors import MissingError, UsageError
from mien.types import Emotion

LICENCE: Final = "GPL-3.0-or-later (espeak-ng runs as a separate process)"

_WORDS_A_MINUTE: Final = 140
_WORDS_A_MINUTE_IN: Final = {"cmn-latn-pinyin": 188, "yue": 188}
"""espeak-ng's rate at rate 1: about 170 English words or 245 Chinese characters a minute, pauses included."""

_ALIASES: Final = {
    "zh": "cmn-latn-pinyin", "cmn": "cmn-latn-pinyin", "zh-cmn": "cmn-latn-pinyin", "zh-hk": "yue", "zh-mo": "yue",
    "zh-yue": "yue", "zh-hak": "hak", "en": "en-us", "en-gb": "en", "en-au": "en", "en-nz": "en", "en-in": "en",
    "no": "nb", "nn": "nb", "iw": "he", "in": "id", "hbs": "hr", "sh": "hr", "fr-ca": "fr", "es-us": "es-419",
    "es-ar": "es-419", "es-co": "es-419", "es-cl": "es-419", "es-pe": "es-419", "chr": "chr-us-qaaa-x-west",
}  # fmt: skip
_UNLISTED: Final = ("cmn-latn-pinyin", "zh-cmn", "zh-yue", "hbs", "xex", "hy-arevela", "hy-arevmda")

NOTES: Final = {
    "zh": "Mandarin, simplified or traditional.",
    "yue": "Cantonese in Chinese characters.",
    "hak": "Only in Latin letters; Chinese characters cannot be read.",
    "ja": "Kanji need: pip install 'mien[japanese]'.",
    "th": "Rough: many letters are not read.",
    "my": "Rough: many letters are not read.",
    "shn": "Rough: many letters are not read.",
    "chr": "Rough: letters are spelled out.",
}
"""What a user should know before choosing a language."""

_GENDERS: Final = {"female": "f5", "male": "klatt4"}
_FEMALE: Final = frozenset(("Alicia", "Andrea", "Annie", "anika", "aunty", "belinda", "grandma", "linda", "steph"))


@dataclass(frozen=True, slots=True)
class Dials:
    """espeak-ng's parameters. rate: words a minute, 80…450. pitch, pitch_range: 0…99."""

    rate: int
    pitch: int
    pitch_range: int


@cache
def languages() -> dict[str, str]:
    """Language code (BCP 47, lower case) → the language's English name, sorted; what a user may ask for."""
    found = {code: name for code, (name, _) in _files().items() if code not in _UNLISTED}
    found.pop("chr-us-qaaa-x-west", None)
    found |= {"zh": "Chinese (Mandarin)", "cmn": "Chinese (Mandarin)", "chr": "Cherokee"}
    return dict(sorted(found.items()))


@cache
def variants() -> tuple[str, ...]:
    """Names of the voice variants in the data ("f5", "klatt4" …), sorted."""
    return tuple(sorted(p.name for p in (library_and_data()[1] / "voices" / "!v").iterdir() if p.is_file()))


def voices() -> tuple[Voice, ...]:
    """Every variant as a voice, the two defaults first."""
    listed = [
        Voice("female", (), "female", LICENCE, "The clearest female voice (variant f5); the default."),
        Voice("male", (), "male", LICENCE, "The clearest male voice (variant klatt4)."),
    ]
    return (*listed, *(Voice(name, (), _gender(name), LICENCE, "A variant of espeak-ng.") for name in variants()))


def voice_for(language: str, voice: str) -> str:
    """espeak-ng's voice name, such as "en-us+f5". Raises MissingError for an unknown language or voice."""
    variant = _GENDERS.get(voice.lower() or "female", voice)
    if variant not in variants():
        same = [v for v in variants() if v.lower() == variant.lower()]
        if not same:
            raise MissingError(
                f"There is no voice '{voice}' here.",
                hint="List the voices with: mien voice list.",
                code="missing.voice",
            )
        variant = same[0]
    return f"{language_voice(language)}+{variant}"


def language_voice(language: str) -> str:
    """espeak-ng's own code for a BCP 47 code, its region ignored when unknown. Raises MissingError."""
    known = _files()
    parts = language.strip().lower().replace("_", "-").split("-")
    for n in range(len(parts), 0, -1):
        code = "-".join(parts[:n])
        code = _ALIASES.get(code, code)
        if code in known:
            return known[code][1]
    shown = language if language.isprintable() and len(language) < 40 else ascii(language)[:40]
    raise MissingError(
        f"No voice here speaks the language '{shown}'.",
        hint="List the languages with: mien voice list.",
        code="missing.language",
    )


def describe(language: str) -> tuple[str, str, str]:
    """A language as it was asked for, its English name, and what to know about it. Raises MissingError."""
    file = language_voice(language)
    listed = {language_voice(code): code for code in languages()}
    code = "zh" if file == "cmn-latn-pinyin" else listed.get(file, file)
    return language, languages().get(language.lower(), languages().get(code, code)), NOTES.get(code, "")


def dials(rate: float, pitch: float, emotion: Emotion, language: str = "en") -> Dials:
    """Map Mien's dials: words a minute = the language's usual · rate; pitch = 50 + 45 · pitch (1 is about 7 semitones).

    A feeling nudges each a little: ±8 % of speed, ±9 steps of pitch, ±24 of range.

    Raises UsageError outside rate 0.5…2 and pitch -1…1.
    """
    if not 0.5 <= rate <= 2:
        raise UsageError(f"The speaking rate {rate:g} is outside 0.5 to 2.", hint="1 is the normal speed.")
    if not -1 <= pitch <= 1:
        raise UsageError(f"The pitch {pitch:g} is outside -1 to 1.", hint="0 is the voice's own pitch.")
    usual = _WORDS_A_MINUTE_IN.get(language_voice(language), _WORDS_A_MINUTE)
    strength = min(max(emotion.strength, 0.0), 1.0)
    arousal, valence = strength * emotion.arousal, strength * emotion.valence
    return Dials(
        rate=round(min(max(usual * rate * (1 + 0.08 * arousal), 80), 450)),
        pitch=round(min(max(50 + 45 * pitch + 6 * arousal + 3 * valence, 0), 99)),
        pitch_range=round(min(max(50 + 18 * arousal + 6 * valence, 10), 90)),
    )


@cache
def _files() -> dict[str, tuple[str, str]]:
    """Language code → name and file of the voice, those whose dictionary is there. The file's name finds the voice."""
    found: dict[str, tuple[str, str]] = {}
    data = library_and_data()[1]
    for path in sorted((data / "lang").rglob("*")):
        if not path.is_file():
            continue
        fields = _header(path)
        codes = [value.split()[0].lower() for value in fields["language"]]
        dictionary = [*fields["dictionary"], *(code.split("-")[0] for code in codes)][0]
        if (data / f"{dictionary}_dict").is_file():
            for code in (path.name.lower(), *codes):
                found.setdefault(code, ([*fields["name"], path.name][0], path.name.lower()))
    return found


def _header(path: Path) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {"name": [], "language": [], "dictionary": []}
    for line in path.read_text("utf-8", "replace").splitlines():
        key, _, value = line.split("//")[0].strip().partition(" ")
        if key in fields and value.strip():
            fields[key].append(value.strip())
    return fields


def _gender(name: str) -> str:
    if name in _FEMALE or (name[0] == "f" and name[1:].isdigit()):
        return "female"
    return "male" if name[0] == "m" and name[1:].isdigit() else ""
