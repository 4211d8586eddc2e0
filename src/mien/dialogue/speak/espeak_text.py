"""A sentence as espeak-ng should read it: runs of one language with respellings put in, and the words to be timed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mien.dialogue import kana, languages, lexicon, text
from mien.dialogue.speak import espeak_voices as voices
from mien.dialogue.speak import mandarin
from mien.dialogue.speak.espeak_times import Token, tokens
from mien.errors import InputError

_IPA: Final = {
    "tʃ": "tS", "dʒ": "dZ", "eɪ": "eI", "aɪ": "aI", "ɔɪ": "OI", "aʊ": "aU", "oʊ": "oU", "əʊ": "oU", "ɪə": "i@",
    "eə": "e@", "ʊə": "U@", "iː": "i:", "uː": "u:", "ɑː": "A:", "ɔː": "O:", "ɜː": "3:", "ɝː": "3:", "ɑ": "A:",
    "ɔ": "O:", "ɜ": "3:", "ɝ": "3:", "ɚ": "3", "i": "i", "u": "u:", "ɪ": "I", "e": "E", "ɛ": "E", "æ": "a",
    "a": "a", "ɒ": "0", "ʊ": "U", "ʌ": "V", "ə": "@", "o": "oU", "ɐ": "V", "p": "p", "b": "b", "t": "t",
    "d": "d", "k": "k", "ɡ": "g", "g": "g", "f": "f", "v": "v", "s": "s", "z": "z", "h": "h", "m": "m",
    "n": "n", "l": "l", "ɫ": "l", "w": "w", "j": "j", "θ": "T", "ð": "D", "ʃ": "S", "ʒ": "Z", "ŋ": "N",
    "ɹ": "r", "r": "r", "ɾ": "t#", "ʔ": "?", "x": "x", "ˈ": "'", "'": "'", "ˌ": ",", " ": " ", "ː": "",
    ".": "", "͡": "", "-": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """What one job says. text: for the synthesiser. tokens: its words. phonemes: whether ``[[…]]`` stand in it."""

    text: text.Mapped
    tokens: tuple[Token, ...]
    language: str
    phonemes: bool


@dataclass(frozen=True, slots=True)
class _Edit:
    """Characters start…stop become ``said``, one word; a space goes before it where ``space``."""

    start: int
    stop: int
    said: str
    space: bool = False


def prepare(sentence: text.Mapped, language: str, entries: Mapping[str, str]) -> list[Run]:
    """Split a cleaned sentence into runs, respelled. Raises InputError and MissingError for what cannot be read."""
    matches = lexicon.find(sentence.text, entries)
    kept = [(m.start, m.stop) for m in matches]
    runs: list[Run] = []
    for run in languages.split_runs(sentence.text, language, kept):
        piece = sentence.cut(run.start, run.stop)
        if not text.is_speakable(piece.text):
            continue
        inside = [m for m in matches if run.start <= m.start < run.stop]
        edits = [e for m in inside for e in _spoken(m, run, sentence.text)]
        voices.language_voice(run.language)
        edits += _readings(piece.text, run.language, edits)
        phonemes = any(e.said.startswith("[[") for e in edits)
        said, words = _applied(piece, sorted(edits, key=lambda e: e.start))
        runs.append(Run(said, words, run.language, phonemes))
    return runs


def ipa_to_espeak(ipa: str) -> str:
    """English IPA as espeak-ng's phonemes. Raises InputError naming the first symbol it does not know."""
    out, i = "", 0
    while i < len(ipa):
        size = next((n for n in (2, 1) if ipa[i : i + n] in _IPA), 0)
        if not size:
            raise InputError(
                f"The pronunciation /{ipa}/ has '{ipa[i]}', which is no English sound in IPA.",
                hint="Write it with English sounds, or as a respelling.",
                code="input.lexicon",
            )
        out += _IPA[ipa[i : i + size]]
        i += size
    return out


def _spoken(match: lexicon.Match, run: languages.Run, sentence: str) -> list[_Edit]:
    """A lexicon's answer as edits of the run: hanzi by hanzi where there are as many syllables."""
    start, stop, said = match.start - run.start, match.stop - run.start, match.pronunciation
    if re.fullmatch(r"/[^/]+/", said):
        if languages.primary_subtag(run.language) != "en":
            raise InputError(
                f"The lexicon gives IPA for '{sentence[match.start : match.stop]}', which only English words can have.",
                hint="Give a respelling, or pinyin such as chong2 qing4.",
                code="input.lexicon",
            )
        said = f"[[{ipa_to_espeak(said[1:-1])}]]"
    source = sentence[match.start : match.stop]
    syllables = said.split()
    if all(languages.script_of(c) == "Hani" for c in source) and not said.startswith("[["):
        pieces = syllables if len(syllables) == len(source) else list(said)
        if len(pieces) == len(source):
            return [_Edit(start + i, start + i + 1, piece) for i, piece in enumerate(pieces)]
    return [_Edit(start, stop, said)]


def _readings(piece: str, language: str, given: list[_Edit]) -> list[_Edit]:
    """What the language needs respelled outside what the lexicon gave. Raises InputError for what nothing can read."""
    covered = {i for e in given for i in range(e.start, e.stop)}
    bare = "".join("," if i in covered else c for i, c in enumerate(piece))
    voice = voices.language_voice(language)
    if voice == "ja":
        return [_Edit(r.start, r.stop, r.kana, r.phrase) for r in kana.readings(bare)]
    if voice == "cmn-latn-pinyin":
        for i in mandarin.unread(bare):
            raise _no_reading(piece[i], "Mandarin")
        return [_Edit(r.start, r.stop, r.text) for r in mandarin.respell(bare)]
    if voice == "hak":
        for c in bare:
            if languages.script_of(c) == "Hani":
                raise _no_reading(c, "Hakka")
    return []


def _no_reading(char: str, language: str) -> InputError:
    return InputError(
        f"The {language} voice has no reading for '{char}'.",
        hint=f'Give one in a lexicon, such as "{char}" = "ni3", or write another character.',
        code="input.no_reading",
    )


def _applied(piece: text.Mapped, edits: list[_Edit]) -> tuple[text.Mapped, tuple[Token, ...]]:
    """The piece with its edits, and its words. Brackets become spaces: to espeak-ng they would open phonemes."""
    parts: list[text.Mapped] = []
    words: list[Token] = []
    size, at = 0, 0

    def copy(stop: int) -> None:
        nonlocal size
        part = piece.cut(at, stop)
        words.extend(Token(t.start + size, t.stop + size, t.single) for t in tokens(part.text))
        plain = part.text.replace("[", " ").replace("]", " ").replace("\n", " ")
        parts.append(text.Mapped(plain, part.begin, part.end))
        size += len(part)

    for edit in edits:
        copy(edit.start)
        begin, end = piece.source(edit.start, edit.stop)
        said = (" " if edit.space and size else "") + edit.said
        parts.append(text.Mapped(said, (begin,) * len(said), (end,) * len(said)))
        words.append(Token(size + len(said) - len(edit.said), size + len(said), edit.stop - edit.start == 1))
        size += len(said)
        at = edit.stop
    copy(len(piece))
    return text.join(parts), tuple(words)
