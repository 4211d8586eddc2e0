"""A script becomes one gapless stream of speech with feelings, pauses and cues in it.

Sentence by sentence: memory does not grow with the text, and the first part comes when the first sentence is spoken.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mien.dialogue import languages, text
from mien.dialogue.script import CuePoint, Pause, Say, Script, Segment, parse
from mien.dialogue.speak.base import Speaker, SpeakRequest
from mien.errors import InputError
from mien.timeline import TICKS_PER_SECOND
from mien.turn import Turn
from mien.types import AudioChunk, Cue, Emotion, EmotionSpan, Phone, SpeechPart, Word

_SILENCE_PART: Final = TICKS_PER_SECOND
"""Longest silent part, ticks."""


def perform(
    script: str | Script,
    speaker: Speaker,
    *,
    language: str = "auto",
    voice: str = "",
    rate: float = 1.0,
    pitch: float = 0.0,
    volume: float = 1.0,
    lexicon: Mapping[str, str] | None = None,
    emotion: Emotion | None = None,
    start: int = 0,
    turn: int = 0,
    fence: Turn | None = None,
) -> Iterator[SpeechPart]:
    """Speak a script (text with marks, or parsed) from tick ``start``.

    Parts follow each other without a gap; the last one has ``last=True``. Words carry character ranges of the source.
    Each part's emotions cover its sound: ``emotion`` outside all marks. A pause adds silence to what punctuation makes.
    A cue falls on the start of the word or pause after it, the last ones on the end. Raises at once what is wrong: a
    script that has errors or says nothing (InputError), a language, voice or reading that is not here (MissingError).
    fence: whoever cuts it ends the speech, which then raises Cut.
    """
    parsed = parse(script) if isinstance(script, str) else script
    whole = text.clean(parsed.plain)
    if not text.is_speakable(whole.text):
        raise InputError(
            "The text has nothing that can be spoken.", hint="Give at least one word.", code="input.nothing_to_say"
        )
    request = SpeakRequest(
        text="", language=languages.of_document(whole.text) if language == "auto" else language, voice=voice, rate=rate,
        pitch=pitch, volume=volume, turn=turn, lexicon=dict(lexicon or {}), fence=fence or Turn(),
    )  # fmt: skip
    base = emotion or Emotion()
    for unit in _units(parsed.segments, base, whole_sentences=_knows_words(speaker)):
        if isinstance(unit, _Sentence):
            speaker.check(replace(request, text=unit.text.text))
    return _stream(parsed, speaker, request, base, start)


@dataclass(frozen=True, slots=True)
class _Sentence:
    """text: cleaned. feelings: of each of its characters. cues: of its source range, in order."""

    text: text.Mapped
    feelings: tuple[Emotion, ...]
    cues: tuple[CuePoint, ...]


@dataclass(frozen=True, slots=True)
class _Silence:
    """ticks: its length. cues: those that stand before it. after: those behind it when nothing else follows."""

    ticks: int
    feeling: Emotion
    cues: tuple[CuePoint, ...]
    after: tuple[CuePoint, ...] = ()


_Unit = _Sentence | _Silence


def _stream(parsed: Script, speaker: Speaker, request: SpeakRequest, base: Emotion, start: int) -> Iterator[SpeechPart]:
    units = _units(parsed.segments, base, whole_sentences=_knows_words(speaker))
    phones = speaker.info.gives_times
    unit = next(units, None)
    while unit is not None:
        following = next(units, None)
        if isinstance(unit, _Sentence):
            parts = _spoken(unit, speaker, replace(request, start=start))
        else:
            parts = _silent(unit, start, request.turn, phones=phones, words=_knows_words(speaker))
        for part in parts:
            start = part.audio.end
            yield replace(part, last=part.last and following is None)
        unit = following


def _units(segments: tuple[Segment, ...], base: Emotion, *, whole_sentences: bool) -> Iterator[_Unit]:
    """Sentences and silences in order. Back ends that know no words get what stands between two marks by itself."""
    held: _Unit | None = None
    cues: list[CuePoint] = []
    for stretch in _stretches(segments, whole_sentences=whole_sentences):
        for unit in _units_of(stretch, base, cues):
            if held is not None:
                yield held
            held = unit
    if isinstance(held, _Silence):
        yield replace(held, after=tuple(cues))
    elif held is not None:
        yield replace(held, cues=(*held.cues, *cues))


def _stretches(segments: tuple[Segment, ...], *, whole_sentences: bool) -> Iterator[list[Segment]]:
    stretch: list[Segment] = []
    for segment in segments:
        if isinstance(segment, Pause) or not whole_sentences:
            yield stretch
            yield [segment]
            stretch = []
        else:
            stretch.append(segment)
    yield stretch


def _units_of(stretch: list[Segment], base: Emotion, cues: list[CuePoint]) -> Iterator[_Unit]:
    """Units of segments without a pause between them, or of one pause. cues: those not placed yet, kept up to date."""
    if stretch and isinstance(stretch[0], Pause):
        yield _Silence(stretch[0].ticks, stretch[0].emotion or base, tuple(cues))
        cues.clear()
        return
    cues += [s for s in stretch if isinstance(s, CuePoint)]
    says = [s for s in stretch if isinstance(s, Say)]
    starts = [s.text.begin[0] for s in says]
    for sentence in text.sentences(text.clean(text.join([s.text for s in says]))):
        if text.is_speakable(sentence.text):
            mine = tuple(c for c in cues if c.at < sentence.end[-1])
            del cues[: len(mine)]
            feelings = tuple(says[bisect_right(starts, i) - 1].emotion or base for i in sentence.begin)
            yield _Sentence(sentence, feelings, mine)


def _spoken(unit: _Sentence, speaker: Speaker, request: SpeakRequest) -> Iterator[SpeechPart]:
    cues, feeling = list(unit.cues), unit.feelings[0]
    for part in speaker.speak(replace(request, text=unit.text.text, emotion=_main_feeling(unit.feelings))):
        words = part.words
        if words is None:
            placed = [Cue(part.audio.start, c.name) for c in cues]
            spans = _spans(unit, part, (), feeling)
        else:
            placed = _placed_cues(unit, cues, words, last=part.last, fallback=part.audio.end)
            spans = _spans(unit, part, words, feeling)
            feeling = spans[-1].emotion if spans else feeling
            words = tuple(_in_source(unit.text, w) for w in words)
        del cues[: len(placed)]
        yield replace(part, words=words, emotions=spans, cues=tuple(placed))


def _main_feeling(feelings: tuple[Emotion, ...]) -> Emotion:
    """The one that most characters have: a sentence has one melody."""
    return Counter(feelings).most_common(1)[0][0]


def _placed_cues(
    unit: _Sentence, cues: list[CuePoint], words: tuple[Word, ...], *, last: bool, fallback: int
) -> list[Cue]:
    """The cues of this part: each on the next word's start; when none is left, on the last word's end."""
    placed: list[Cue] = []
    for cue in cues:
        tick = next((w.start for w in words if unit.text.begin[_inside(unit.text, w.char_start)] >= cue.at), None)
        if tick is None and not last:
            break
        placed.append(Cue(tick if tick is not None else (words[-1].end if words else fallback), cue.name))
    return placed


def _spans(unit: _Sentence, part: SpeechPart, words: tuple[Word, ...], feeling: Emotion) -> tuple[EmotionSpan, ...]:
    """What is felt from the part's first to its last tick; it changes where a word of another feeling starts."""
    spans: list[EmotionSpan] = []
    since = part.audio.start
    for word in words:
        felt = unit.feelings[_inside(unit.text, word.char_start)]
        if felt != feeling:
            if word.start > since:
                spans.append(EmotionSpan(since, word.start, feeling))
            since, feeling = max(since, word.start), felt
    if part.audio.end > since:
        spans.append(EmotionSpan(since, part.audio.end, feeling))
    return tuple(spans)


def _in_source(sentence: text.Mapped, word: Word) -> Word:
    first = _inside(sentence, word.char_start)
    start, end = sentence.source(first, max(first + 1, min(word.char_end, len(sentence))))
    return replace(word, char_start=start, char_end=end)


def _inside(sentence: text.Mapped, index: int) -> int:
    return min(max(index, 0), len(sentence) - 1)


def _knows_words(speaker: Speaker) -> bool:
    return speaker.info.gives_times or speaker.info.gives_words


def _silent(unit: _Silence, start: int, turn: int, *, phones: bool, words: bool) -> Iterator[SpeechPart]:
    end = start + unit.ticks
    cues = tuple(Cue(start, c.name) for c in unit.cues)
    while start < end:
        stop = min(start + _SILENCE_PART, end)
        cues += tuple(Cue(end, c.name) for c in unit.after) if stop == end else ()
        yield SpeechPart(
            AudioChunk(start, np.zeros(stop - start, np.float32)),
            (Phone(start, stop, ""),) if phones else None,
            () if words else None,
            (EmotionSpan(start, stop, unit.feeling),),
            cues,
            turn,
            last=stop == end,
        )
        start, cues = stop, ()
