"""What every natural voice does with a request first: refuse what cannot be said, tell the languages, respell."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from mien.dialogue import languages, lexicon, text
from mien.dialogue.speak.base import SpeakRequest
from mien.errors import InputError, MissingError, UsageError


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that can be said.

    sentences: cleaned and respelled, each character with its source range. language: the code asked for, or what most
    of the text is in. languages: first subtags of everything in it ("zh", "en"), the main one among them.
    """

    sentences: tuple[text.Mapped, ...]
    language: str
    languages: frozenset[str]

    @property
    def primary(self) -> str:
        """First subtag of the main language; Mandarin is "zh"."""
        return primary(self.language)


def prepare(request: SpeakRequest, *, pitch: bool = False) -> Prepared:
    """Check the dials and the text, and read it as sentences. pitch: whether the back end can change the pitch.

    Raises UsageError for dials out of range, InputError for a text that cannot be said.
    """
    _check_dials(request, pitch=pitch)
    text.check_length(request.text)
    cleaned = text.clean(text.identity(request.text, request.char_offset))
    found = [s for s in text.sentences(cleaned) if text.is_speakable(s.text)]
    if not found:
        raise InputError("The text has nothing that can be spoken.", code="input.nothing_to_say")
    weights = _weights(cleaned.text, request.language)
    main = request.language if request.language != "auto" else max(weights, key=weights.__getitem__, default="en")
    spoken = frozenset(weights) | {primary(main)}
    return Prepared(tuple(_respelled(s, request.lexicon) for s in found), main, spoken)


def primary(language: str) -> str:
    """First subtag of a code in lower case; Mandarin by any name is "zh", Cantonese "yue"."""
    code = language.lower().replace("_", "-")
    if code.startswith(("zh-hk", "zh-mo", "zh-yue")):
        return "yue"
    first = languages.primary_subtag(language)
    return {"cmn": "zh", "nb": "no", "iw": "he", "in": "id"}.get(first, first)


def require_language(language: str, known: Container[str], speaker: str) -> None:
    """Raises MissingError unless the primary subtag is known."""
    if primary(language) in known:
        return
    shown = language if language.isprintable() and len(language) < 40 else ascii(language)[:40]
    raise MissingError(
        f"{speaker} does not speak the language '{shown}'.",
        hint="See what speaks it with: mien voice list --language CODE.",
        code="missing.language",
    )


def no_such_voice(voice: str, speaker: str) -> MissingError:
    """The refusal of a voice that a back end does not have."""
    shown = voice if voice.isprintable() and len(voice) < 80 else ascii(voice)[:80]
    return MissingError(
        f"{speaker} has no voice '{shown}'.", hint="List the voices with: mien voice list.", code="missing.voice"
    )


def _check_dials(request: SpeakRequest, *, pitch: bool) -> None:
    if not 0 <= request.volume <= 2:
        raise UsageError(f"The volume {request.volume:g} is outside 0 to 2.", hint="1 is the normal loudness.")
    if not 0.5 <= request.rate <= 2:
        raise UsageError(f"The speaking rate {request.rate:g} is outside 0.5 to 2.", hint="1 is the normal speed.")
    if not -1 <= request.pitch <= 1:
        raise UsageError(f"The pitch {request.pitch:g} is outside -1 to 1.", hint="0 is the voice's own pitch.")
    if request.pitch and not pitch:
        raise UsageError(
            "This voice has no dial for its pitch.",
            hint="Leave the pitch at 0, or use the embedded voice or an edge voice.",
        )


def _weights(cleaned: str, language: str) -> dict[str, float]:
    """Primary subtag → how much of the text is in it; a hanzi counts for three letters."""
    weights: dict[str, float] = {}
    for run in languages.split_runs(cleaned, language):
        piece = cleaned[run.start : run.stop]
        letters = sum(3 if ord(c) > 0x2E80 else 1 for c in piece if c.isalnum())
        if letters:
            code = primary(run.language)
            weights[code] = weights.get(code, 0) + letters
    return weights


def _respelled(sentence: text.Mapped, entries: dict[str, str]) -> text.Mapped:
    """The sentence with the lexicon's respellings put in. Raises InputError for sounds that only espeak-ng can read."""
    matches = lexicon.find(sentence.text, entries)
    if not matches:
        return sentence
    pieces: list[text.Mapped] = []
    at = 0
    for match in matches:
        if re.fullmatch(r"/[^/]+/|\[\[.*\]\]", match.pronunciation):
            raise InputError(
                f"The lexicon has IPA for '{sentence.text[match.start : match.stop]}', which this voice does not read.",
                hint="Give a respelling in plain letters, or use the embedded voice.",
                code="input.lexicon",
            )
        begin, end = sentence.source(match.start, match.stop)
        size = len(match.pronunciation)
        pieces += [
            sentence.cut(at, match.start),
            text.Mapped(match.pronunciation, (begin,) * size, (end,) * size),
        ]
        at = match.stop
    return text.join([*pieces, sentence.cut(at, len(sentence))])
