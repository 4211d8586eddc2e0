"""English phones from sound by a small offline recogniser: the yardstick that a network has to beat.

:func:`mien.dialogue.hear.phones.recognise` hears phones without knowing the words. :func:`align_words` places those of
known words.
Both need pocketsphinx (extra ``hear``), which knows English only and takes what it hears for it.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from mien.dialogue.hear.phones import ARPABET, RATE, Timed, as_phones, model_folder, pcm, recognise, sphinx
from mien.types import FloatArray

__all__ = ["ARPABET", "RATE", "Timed", "align_words", "as_phones", "recognise", "words"]

_LETTERS: Final = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z EH D",
}  # fmt: skip
"""How the names of letters are said; in a list of words a lone letter is its name, or the article."""
_MOST_WAYS: Final = 4
_LETTER, _PHONE, _SILENCE = "letter_", "phone_", "sil"
_ARTICLE: Final = "a(2)"
_LONGEST_ONSET: Final = 0.08
"""Seconds that the first phone after a silence lasts at most."""


def words(sound: FloatArray) -> list[str]:
    """English words that the recogniser hears, lower case. sound: float32, (n,), at :data:`RATE`. About real time / 3.

    Raises MissingError without pocketsphinx.
    """
    decoder = _listener()
    decoder.start_utt()
    decoder.process_raw(pcm(sound), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return [word.partition("(")[0] for word in str(found.hypstr).split()] if found else []


def align_words(sound: FloatArray, words: Sequence[str]) -> list[Timed] | None:
    """When each phone of known English words is said, silences included; None where they do not fit the sound.

    sound: float32, (n,), at :data:`RATE`. words: lower case; a lone letter is the name of that letter.
    Raises MissingError without pocketsphinx.
    """
    if not words or any(len(word) > 1 and word not in _dictionary() for word in words):
        return None
    said = _heard(_aligner(tuple(sorted(set(words)))), [_key(word) for word in words], sound)
    ways = [way for *_, way in said if not way.startswith("<")]
    if len(ways) != len(words):
        return None
    wanted: list[str] = []
    for *_, way in said:
        silent = way.startswith("<")
        if not silent or not wanted or wanted[-1]:
            wanted += [""] if silent else _spelt(way).lower().split()
    placed = _heard(_aligner(()), [_PHONE + (phone or _SILENCE) for phone in wanted], sound)
    timed = [(start, end, name.removeprefix(_PHONE)) for start, end, name in placed]
    found = [(start, end, name if name in ARPABET else "") for start, end, name in timed if end > start]
    return list(_short_onsets(found)) if [name for *_, name in found if name] == [p for p in wanted if p] else None


def _heard(decoder: Any, words: Sequence[str], sound: FloatArray) -> list[Timed]:
    """Seconds at which words of the decoder's dictionary, known to be said in this order, are said."""
    decoder.set_align_text(" ".join(words))
    decoder.start_utt()
    decoder.process_raw(pcm(sound), full_utt=True)
    decoder.end_utt()
    return [(s.start_frame / 100, (s.end_frame + 1) / 100, str(s.word)) for s in decoder.seg() or ()]


def _short_onsets(timed: Iterable[Timed]) -> Iterable[Timed]:
    """After silence the first phone takes the rest of the silence with it: give that back."""
    silent = True
    for start, end, name in timed:
        begin = max(start, end - _LONGEST_ONSET) if silent and name else start
        if begin > start:
            yield start, begin, ""
        yield begin, end, name
        silent = not name


def _key(word: str) -> str:
    return _LETTER + word if len(word) == 1 else word


@functools.lru_cache(maxsize=1)
def _listener() -> Any:
    """A decoder for free speech: the recogniser's own dictionary and language model."""
    dictionary, language = (
        str(sorted(model_folder().rglob(name))[0]) for name in ("cmudict-en-us.dict", "en-us.lm.bin")
    )
    library = sphinx()
    return library.Decoder(library.Config(loglevel="FATAL", hmm=str(_acoustic()), dict=dictionary, lm=language))


def _acoustic() -> Path:
    model = model_folder() / "en-us"
    return model / "en-us" if (model / "en-us").is_dir() else model


@functools.lru_cache(maxsize=1)
def _dictionary() -> dict[str, str]:
    """Spelling → phones; further ways to say a word are under ``word(2)`` and so on."""
    files = sorted(model_folder().rglob("cmudict-en-us.dict"))
    lines = files[0].read_text(encoding="utf-8").splitlines() if files else []
    return {word: phones for word, _, phones in (line.partition(" ") for line in lines)}


@functools.lru_cache(maxsize=8)
def _aligner(words: tuple[str, ...]) -> Any:
    """A decoder for these words, or with none for the phones themselves."""
    library = sphinx()
    spare = {} if words else {"silprob": 1e-30, "fillprob": 1e-30}
    with tempfile.NamedTemporaryFile("w", suffix=".dict", encoding="utf-8") as file:
        file.write("\n".join(_entries(words)) + "\n")
        file.flush()
        return library.Decoder(
            library.Config(
                loglevel="FATAL",
                hmm=str(_acoustic()),
                dict=file.name,
                lm=None,
                beam=1e-60,
                pbeam=1e-60,
                wbeam=1e-40,
                **spare,
            )
        )


def _entries(words: Sequence[str]) -> Iterable[str]:
    if not words:
        yield from (f"{_PHONE}{phone} {phone.upper()}" for phone in (*ARPABET, _SILENCE))
    for word in words:
        ways = [_key(word), *(f"{_key(word)}({n})" for n in range(2, _MOST_WAYS + 1))]
        yield from (f"{way} {_spelt(way)}" for way in ways if _spelt(way))


def _spelt(way: str) -> str:
    """Phones of a way to say a word, upper case, "" for an unknown one."""
    letter = way.removeprefix(_LETTER)
    if letter == _ARTICLE:
        return "AH"
    return _LETTERS.get(letter, "") if letter != way else _dictionary().get(way, "")
