"""Which language a stretch of text is in, told by its writing, and text split into runs of one language."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

_RANGES: Final = (
    (0x0041, "Latn"), (0x02B0, ""), (0x0370, "Grek"), (0x0400, "Cyrl"), (0x0530, "Armn"), (0x0590, "Hebr"),
    (0x0600, "Arab"), (0x0700, ""), (0x0900, "Deva"), (0x0980, "Beng"), (0x0A00, "Guru"), (0x0A80, "Gujr"),
    (0x0B00, "Orya"), (0x0B80, "Taml"), (0x0C00, "Telu"), (0x0C80, "Knda"), (0x0D00, "Mlym"), (0x0D80, "Sinh"),
    (0x0E00, "Thai"), (0x0E80, "Laoo"), (0x0F00, "Tibt"), (0x1000, "Mymr"), (0x10A0, "Geor"), (0x1100, "Hang"),
    (0x1200, "Ethi"), (0x13A0, "Cher"), (0x1400, ""), (0x1780, "Khmr"), (0x1800, "Mong"), (0x18B0, ""),
    (0x1E00, "Latn"), (0x1F00, "Grek"), (0x2000, ""), (0x2C60, "Latn"), (0x2C80, ""), (0x2E80, "Hani"),
    (0x3000, ""), (0x3005, "Hani"), (0x3008, ""), (0x3040, "Kana"), (0x3130, "Hang"), (0x3190, ""),
    (0x31F0, "Kana"), (0x3200, ""), (0x3400, "Hani"), (0x4DC0, ""), (0x4E00, "Hani"), (0xA000, ""),
    (0xAC00, "Hang"), (0xD7B0, ""), (0xF900, "Hani"), (0xFB00, "Latn"), (0xFB1D, "Hebr"), (0xFB50, "Arab"),
    (0xFE00, ""), (0xFE70, "Arab"), (0xFF00, ""), (0x20000, "Hani"), (0x32000, ""),
)  # fmt: skip
_STARTS: Final = tuple(start for start, _ in _RANGES)

_BY_SCRIPT: Final = {
    "Latn": "en", "Hani": "zh", "Kana": "ja", "Hang": "ko", "Cyrl": "ru", "Arab": "ar", "Hebr": "he", "Deva": "hi",
    "Thai": "th", "Grek": "el", "Armn": "hy", "Beng": "bn", "Guru": "pa", "Gujr": "gu", "Orya": "or", "Taml": "ta",
    "Telu": "te", "Knda": "kn", "Mlym": "ml", "Sinh": "si", "Mymr": "my", "Geor": "ka", "Ethi": "am", "Cher": "chr",
    "Laoo": "lo", "Tibt": "bo", "Khmr": "km", "Mong": "mn",
}  # fmt: skip
_SCRIPTS_OF: Final = {
    "zh": ("Hani",), "cmn": ("Hani",), "yue": ("Hani",), "hak": ("Hani",), "ja": ("Hani", "Kana"), "ko": ("Hang",),
    "ar": ("Arab",), "fa": ("Arab",), "ur": ("Arab",), "sd": ("Arab",), "ug": ("Arab",), "ku": ("Latn", "Arab"),
    "he": ("Hebr",), "hi": ("Deva",), "mr": ("Deva",), "ne": ("Deva",), "kok": ("Deva",), "th": ("Thai",),
    "shn": ("Mymr",), "my": ("Mymr",), "el": ("Grek",), "grc": ("Grek",), "hy": ("Armn",), "hyw": ("Armn",),
    "bn": ("Beng",), "as": ("Beng",), "bpy": ("Beng",), "pa": ("Guru",), "gu": ("Gujr",), "or": ("Orya",),
    "ta": ("Taml",), "te": ("Telu",), "kn": ("Knda",), "ml": ("Mlym",), "si": ("Sinh",), "ka": ("Geor",),
    "am": ("Ethi",), "ti": ("Ethi",), "chr": ("Cher",), "ru": ("Cyrl",), "uk": ("Cyrl",), "be": ("Cyrl",),
    "bg": ("Cyrl",), "mk": ("Cyrl",), "sr": ("Cyrl", "Latn"), "kk": ("Cyrl",), "ky": ("Cyrl",), "tt": ("Cyrl",),
    "ba": ("Cyrl",), "cv": ("Cyrl",), "nog": ("Cyrl",), "uz": ("Latn", "Cyrl"), "az": ("Latn", "Cyrl"),
    "bs": ("Latn", "Cyrl"),
}  # fmt: skip
_TELLTALES: Final = (
    ("Cyrl", "ґєїҐЄЇ", "uk"), ("Cyrl", "ўЎ", "be"), ("Cyrl", "ђћџљњЂЋЏЉЊ", "sr"), ("Cyrl", "әғқұһӘҒҚҰҺ", "kk"),
    ("Arab", "ٹڈڑےں", "ur"), ("Arab", "پچژگ", "fa"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """Characters start…stop of a text, spoken in one language (BCP 47)."""

    start: int
    stop: int
    language: str


def script_of(char: str) -> str:
    """ISO 15924 code of a letter's script ("Hani", "Latn" …; both kana are "Kana"); "" for what all scripts share.

    Combining marks have none: they belong to the letter before them.
    """
    if unicodedata.category(char)[0] != "L" and char != "々":
        return ""
    return _RANGES[max(bisect_right(_STARTS, ord(char)) - 1, 0)][1]


def primary_subtag(language: str) -> str:
    """The first part of a language code: "zh" of "zh-Hans-CN"."""
    return language.lower().replace("_", "-").split("-")[0]


def split_runs(text: str, language: str = "auto", kept: Sequence[tuple[int, int]] = ()) -> list[Run]:
    """Runs of one language that cover the text.

    language: a code that takes every script it is written in, or "auto". Other scripts get the language they stand for.
    Spaces and punctuation stay with what comes before; digits with the letter they touch, else with the main language.
    kept: ranges that must not be divided; they go with their first hanzi, else with their first letter.
    """
    if not text:
        return []
    scripts = [script_of(c) for c in text]
    for i in range(1, len(text)):
        if text[i - 1] == "°" and text[i] in "CF":
            scripts[i] = ""
    for start, stop in kept:
        inside = [s for s in scripts[start:stop] if s]
        scripts[start:stop] = ["Hani" if "Hani" in inside else inside[0] if inside else ""] * (stop - start)
    table = _languages_for(text, scripts, language)
    main = _main_language(scripts, table, language)
    tags = [table.get(s, main) if s else "" for s in scripts]
    _settle_digits(text, tags, main)
    _settle_rest(tags, main)
    runs: list[Run] = []
    for tag, group in groupby(range(len(text)), key=tags.__getitem__):
        indices = list(group)
        runs.append(Run(indices[0], indices[-1] + 1, tag))
    return runs


def of_document(text: str) -> str:
    """What "auto" means for every sentence of this text: "auto", or the language that the whole text's letters betray.

    A sentence of Chinese characters only is Japanese in a Japanese text; a Ukrainian text has sentences without "ї".
    """
    if _is_japanese(text):
        return "ja"
    return next((code for _, letters, code in _TELLTALES if any(c in text for c in letters)), "auto")


def main_language(text: str, asked: str = "auto") -> str:
    """The language that a text is in: the one asked for unless none of its letters are, else what most letters tell."""
    scripts = [script_of(c) for c in text]
    if asked != "auto" and _fits(scripts, asked):
        return asked
    return _main_language(scripts, _languages_for(text, scripts, "auto"), "auto")


def mismatch(text: str, asked: str) -> str:
    """A sentence for whoever asked for a language that not one letter of the text is written in; "" for all others."""
    told = main_language(text, asked)
    if asked in ("auto", told):
        return ""
    return f"None of the words are written in '{asked}', the language that was asked for; they are read as '{told}'."


def _fits(scripts: list[str], language: str) -> bool:
    """Whether any letter is of the language, or there is none that could be."""
    return not any(scripts) or not set(scripts).isdisjoint(_scripts_of(language))


def _scripts_of(language: str) -> tuple[str, ...]:
    return _SCRIPTS_OF.get(primary_subtag(language), ("Latn",))


def _is_japanese(text: str) -> bool:
    """Japanese has far more kana than a Chinese text that quotes some: at least one in seven letters."""
    kana = sum(1 for c in text if "\u3041" <= c <= "\u30ff")
    return kana > 0 and 7 * kana >= kana + sum(1 for c in text if "\u4e00" <= c <= "\u9fff")


def _languages_for(text: str, scripts: list[str], language: str) -> dict[str, str]:
    table = dict(_BY_SCRIPT)
    present = set(scripts)
    for script, letters, code in _TELLTALES:
        if script in present and any(c in text for c in letters):
            table[script] = code
    if _is_japanese(text):
        table["Hani"] = "ja"
    if language != "auto":
        for script in _scripts_of(language):
            table[script] = language
    return table


def _main_language(scripts: list[str], table: dict[str, str], language: str) -> str:
    if language != "auto":
        return language
    weights: dict[str, float] = {}
    for script in scripts:
        if script:
            code = table.get(script, "en")
            weights[code] = weights.get(code, 0) + (3 if script in ("Hani", "Hang", "Kana") else 1)
    return max(weights, key=weights.__getitem__) if weights else "en"


def _settle_digits(text: str, tags: list[str], main: str) -> None:
    """Give each number the language of the letter before it, else after it ("5G", "15手机"), else the main one."""
    i = 0
    while i < len(text):
        if not text[i].isdigit():
            i += 1
            continue
        stop = i
        while stop < len(text) and (
            text[stop].isdigit() or (text[stop] in ".,:/-" and text[stop + 1 : stop + 2].isdigit())
        ):
            stop += 1
        before = tags[i - 1] if i else ""
        after = tags[stop] if stop < len(text) else ""
        tags[i:stop] = [before or after or main] * (stop - i)
        i = stop


def _settle_rest(tags: list[str], main: str) -> None:
    current = next((t for t in tags if t), main)
    for i, tag in enumerate(tags):
        current = tag or current
        tags[i] = current
