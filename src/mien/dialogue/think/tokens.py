"""Words of a text as a search knows them: English by their stems, Chinese by characters and pairs of them.

Pairs (bigrams) need no dictionary and find a word wherever it stands. Ideas (``concepts.toml``) join words that ask for
the same thing. Words that only make a sentence a question are left out of questions.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

_WORD: Final = re.compile(
    r"(?P<han>[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3041-\u30ff\uac00-\ud7a3々]+)|[^\W_]+(?:['’][^\W_]+)?"
)
_CJK: Final = re.compile(r"[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7a3]")


_RULES: Final = 1  # of this module; another number where they change
IDEA: Final = 0.85
"""How surely an idea shows what was asked for by another word of it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that a question asks for. ways: tokens that show that a text has it → how surely, 0…1.

    han: a single Chinese character; it is weighed less than a word.
    """

    ways: tuple[tuple[str, float], ...]
    han: bool = False

    @property
    def worth(self) -> float:
        """How much it counts beside others, 0…1: what only asks for a kind ("how long") is seldom said in an answer."""
        return 0.5 if self.han or all(sure < 1 for _, sure in self.ways) else 1.0


def index_tokens(text: str) -> list[str]:
    """All tokens of a document's text, in their order, ideas behind them."""
    plain = normal(text)
    found: list[str] = []
    for match in _WORD.finditer(plain):
        word = match[0]
        if match["han"]:
            found += word
            found += [word[i : i + 2] for i in range(len(word) - 1)]
        else:
            found.append(stem(word))
    return found + [idea for idea, _, _ in _ideas_in(plain)]


def units(question: str) -> list[Unit]:
    """What a question asks for, without what only makes it a question."""
    plain = normal(question)
    ideas = _ideas_in(plain)
    found: list[Unit] = []
    for match in _WORD.finditer(plain):
        here = [(idea, start, stop) for idea, start, stop in ideas if start < match.end() and stop > match.start()]
        if match["han"]:
            found += _han_units(plain, match.start(), match.end(), here)
        elif match[0] not in _stop_words()["en"] or here:
            known = () if match[0] in _stop_words()["en"] else ((stem(match[0]), 1.0),)
            unit = Unit((*known, *((idea, IDEA) for idea, _, _ in here)))
            if here and found and here[0][1] < match.start() and (here[0][0], IDEA) in found[-1].ways:
                unit = Unit(tuple(dict.fromkeys((*known, *found.pop().ways))))  # one phrase asks for one thing
            found.append(unit)
    return list(dict.fromkeys(found))


def tokens_of(asked: list[Unit]) -> list[str]:
    """Every token that could show anything of the question."""
    return list(dict.fromkeys(token for unit in asked for token, _ in unit.ways))


@cache
def version() -> str:
    """Changes when the same text would become other tokens: an index of other ones is of no use."""
    read = files("mien.dialogue.think")
    parts = [str(_RULES), *(read.joinpath(name).read_text("utf-8") for name in ("concepts.toml", "stopwords.toml"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def normal(text: str) -> str:
    """One way of writing: whole width, lower case, without accents on Latin letters."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).lower())
    return unicodedata.normalize("NFC", "".join(c for c in folded if not "\u0300" <= c <= "\u036f"))


def is_cjk(text: str) -> bool:
    """Whether any letter is Chinese, Japanese or Korean."""
    return _CJK.search(text) is not None


@cache
def stem(word: str) -> str:
    """An English word without its endings; others as they are. Rough, and the same for questions and documents."""
    word = word.replace("’", "'").removesuffix("'s").replace("'", "")
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            word = word.removesuffix(ending) + instead
            break
    else:
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
    for ending in ("ation", "ment", "ing", "ed", "ly", "er", "or"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and re.search("[aeiouy]", word[: -len(ending)]):
            word = word.removesuffix(ending)
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word.removesuffix("e") if len(word) > 3 else word


def _han_units(plain: str, start: int, stop: int, ideas: list[tuple[str, int, int]]) -> list[Unit]:
    """Units of a run of Chinese: each of its characters, shown by a pair that it is in, an idea, or itself."""
    kept = [True] * (stop - start)
    for match in _stop_pattern().finditer(plain, start, stop):
        for i in range(match.start(), match.end()):
            kept[i - start] = any(a <= i < b for _, a, b in ideas)
    found = []
    for i in range(start, stop):
        if not kept[i - start]:
            continue
        ways = {idea: IDEA for idea, a, b in ideas if a <= i < b}
        for first in (i - 1, i):
            if first >= start and first + 1 < stop and kept[first - start] and kept[first + 1 - start]:
                ways[plain[first : first + 2]] = 1.0
        alone = len(ways) == 0
        ways[plain[i]] = 1.0 if alone else 0.4
        found.append(Unit(tuple(ways.items()), han=True))
    return found


def _ideas_in(plain: str) -> list[tuple[str, int, int]]:
    """Ideas in a text and where their words stand; longer words win where they overlap."""
    found = []
    for match in _idea_pattern().finditer(plain):
        known = _ideas().get(match[0]) or _ideas().get(_phrase_stem(match[0]), ())
        found += [(idea, match.start(), match.end()) for idea in known]
    return found


@cache
def _ideas() -> dict[str, tuple[str, ...]]:
    """Word or phrase → tokens of its ideas. English ones also by their stems."""
    table = tomllib.loads(files("mien.dialogue.think").joinpath("concepts.toml").read_text("utf-8"))
    found: dict[str, tuple[str, ...]] = {}
    for name, words in table.items():
        for word in (*words["en"], *words["zh"]):
            for form in {normal(word), _phrase_stem(normal(word))}:
                found[form] = tuple(dict.fromkeys((*found.get(form, ()), f"xidea{name}")))
    return found


def _phrase_stem(phrase: str) -> str:
    return " ".join(stem(word) for word in phrase.split(" "))


@cache
def _idea_pattern() -> re.Pattern[str]:
    """Any word of any idea; an English one with the endings that its stem may have."""
    latin, han = [], []
    for word in sorted(_ideas(), key=len, reverse=True):
        if is_cjk(word):
            han.append(re.escape(word))
        else:
            latin.append(re.escape(word))
    endings = r"(?:e|s|es|d|ed|ing|ment|ation|er|ly)?"
    return re.compile(rf"{'|'.join(han)}|\b(?:{'|'.join(latin)}){endings}\b")


@cache
def _stop_pattern() -> re.Pattern[str]:
    return re.compile("|".join(re.escape(w) for w in sorted(_stop_words()["zh"], key=len, reverse=True)))


@cache
def _stop_words() -> dict[str, frozenset[str]]:
    table = tomllib.loads(files("mien.dialogue.think").joinpath("stopwords.toml").read_text("utf-8"))
    return {language: frozenset(words.split()) for language, words in table.items()}
