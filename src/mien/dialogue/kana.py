"""Japanese spelling → kana as it is pronounced, with fugashi and UniDic (the extra ``japanese``)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from mien.dialogue.languages import script_of
from mien.errors import InputError, MissingError

_LOCK: Final = threading.Lock()
_CLINGING: Final = ("助詞", "助動詞", "接尾辞", "補助記号")


@dataclass(frozen=True, slots=True)
class Reading:
    """Characters start…stop are pronounced ``kana``. phrase: whether a new phrase starts here."""

    start: int
    stop: int
    kana: str
    phrase: bool


def readings(text: str) -> list[Reading]:
    """Readings of a run of Japanese, morpheme by morpheme; none for what needs none (digits, punctuation).

    Without the extra installed, kana stay as they are. Raises MissingError for kanji then, InputError for a kanji that
    the dictionary does not have.
    """
    kanji = any(script_of(c) == "Hani" for c in text)
    tagger = _tagger()
    if tagger is None:
        if kanji:
            raise MissingError(
                "Japanese with kanji needs a dictionary that is not installed.",
                hint="Run: pip install 'mien[japanese]', or write the text in kana.",
                code="missing.japanese",
            )
        return []
    with _LOCK:
        morphemes = [(m.surface, m.feature.pron, m.feature.pos1) for m in tagger(text)]
    return _placed(text, morphemes)


def _placed(text: str, morphemes: list[tuple[str, str | None, str]]) -> list[Reading]:
    found: list[Reading] = []
    at = 0
    for surface, pronunciation, kind in morphemes:
        start = text.index(surface, at)
        at = start + len(surface)
        if pronunciation and any(script_of(c) in ("Hani", "Kana") for c in surface):
            found.append(Reading(start, at, pronunciation, kind not in _CLINGING))
        elif any(script_of(c) == "Hani" for c in surface):
            raise InputError(
                f"The dictionary has no Japanese reading for '{surface}'.",
                hint="Write it in kana, or give its reading in a lexicon.",
                code="input.no_reading",
            )
    return found


@lru_cache(maxsize=1)
def _tagger() -> Any:
    try:
        import fugashi
        import unidic_lite
    except ImportError:
        return None
    return fugashi.Tagger(f'-d "{unidic_lite.DICDIR}"')
