"""Speech that comes part by part gets the times of its words and sounds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mien.dialogue.align.confidence import OTHER_WORDS
from mien.dialogue.align.forced import Judge
from mien.dialogue.align.match import Stretch
from mien.dialogue.align.reference import check, sentences
from mien.dialogue.align.track import Tracker
from mien.errors import InputError, MissingError
from mien.types import Phone, SpeechPart, Word


def aligned(
    parts: Iterable[SpeechPart],
    text: str,
    language: str,
    *,
    lexicon: Mapping[str, str] | None = None,
    hints: Sequence[Word] = (),
) -> Iterator[SpeechPart]:
    """The same parts with the phones and words of the text ``text`` in them, each some 10 to 25 seconds later.

    Phones have their confidence; they cover the sound, "" is a pause. Word ranges are of ``text``. Half a minute of
    sound is held, whatever the length. Raises InputError as :func:`mien.dialogue.align.forced.align` does, once five
    seconds of speech were heard.
    """
    check(text)
    return _Filler(text, language, lexicon, hints=hints).fill(parts)


def timed(
    parts: Iterable[SpeechPart], text: str, language: str, *, lexicon: Mapping[str, str] | None = None,
    char_offset: int = 0,
) -> Iterator[SpeechPart]:  # fmt: skip
    """Times for a synthetic voice that gives none and was asked to say ``text``. char_offset: where that starts.

    Parts stay without times where the sound does not fit the words, and where the text cannot be read here.
    """
    return _Filler(text, language, lexicon, char_offset, strict=False).fill(parts)


class _Filler:
    def __init__(
        self,
        text: str,
        language: str,
        lexicon: Mapping[str, str] | None,
        offset: int = 0,
        *,
        hints: Sequence[Word] = (),
        strict: bool = True,
    ) -> None:
        self._sentences = sentences(text, language, lexicon)
        self._offset, self._strict, self._hints = offset, strict, hints
        self._tracker: Tracker | None = None
        self._waiting: deque[SpeechPart] = deque()
        self._phones: deque[Phone] = deque()
        self._words: deque[Word] = deque()
        self._gaps: list[tuple[int, int]] = []  # where the sound does not fit
        self._judge = Judge() if strict else None

    def fill(self, parts: Iterable[SpeechPart]) -> Iterator[SpeechPart]:
        parts = iter(parts)
        for part in parts:
            self._tracker = self._tracker or Tracker(self._sentences, part.audio.start, hints=self._hints)
            self._waiting.append(part)
            try:
                self._tracker.push(part.audio.samples if part.heard is None else part.heard)
            except (InputError, MissingError):
                if self._strict:
                    raise
                yield from self._waiting
                yield from parts
                return
            yield from self._ready(self._tracker)
        if self._tracker is not None:
            yield from self._rest(self._tracker)

    def _rest(self, tracker: Tracker) -> Iterator[SpeechPart]:
        try:
            tracker.close()
        except (InputError, MissingError):
            if self._strict:
                raise
            yield from self._waiting
            return
        yield from self._ready(tracker, final=True)

    def _ready(self, tracker: Tracker, *, final: bool = False) -> Iterator[SpeechPart]:
        for stretch in tracker.read():
            self._take(stretch)
        if final and self._judge is not None:
            self._judge.close()
        while self._waiting and (final or self._waiting[0].audio.end <= tracker.settled):
            yield self._filled(self._waiting.popleft(), last=final and not self._waiting)

    def _take(self, stretch: Stretch) -> None:
        self._phones += stretch.phones
        self._words += (
            replace(w, char_start=w.char_start + self._offset, char_end=w.char_end + self._offset)
            for w in stretch.words
        )
        if self._judge is not None:
            self._judge.hear(stretch)
        if stretch.fit < OTHER_WORDS:
            self._gaps.append((stretch.start, stretch.end))

    def _filled(self, part: SpeechPart, *, last: bool) -> SpeechPart:
        phones, words = [], []
        while self._phones and (last or self._phones[0].start < part.audio.end):
            phones.append(self._phones.popleft())
        while self._words and (last or self._words[0].start < part.audio.end):
            words.append(self._words.popleft())
        lost = any(a < part.audio.end and part.audio.start < b for a, b in self._gaps)
        if not self._strict and lost:
            return part
        return replace(part, phones=tuple(phones), words=tuple(words))
