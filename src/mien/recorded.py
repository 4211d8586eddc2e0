"""From a recorded voice, and its words where they are known, to the speech that a film is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien import config
from mien.audio.hear import heard_parts
from mien.audio.read import probe_audio
from mien.audio.source import AudioSource, path_of
from mien.captions import Caption, make_captions
from mien.errors import InputError
from mien.timeline import to_ticks
from mien.types import AudioChunk, Emotion, EmotionSpan, SpeechPart, Word

if TYPE_CHECKING:
    from mien.dialogue.script import Script
    from mien.dialogue.text import Mapped


_PHONES_SECONDS: Final = 600.0  # the recogniser takes a fifth of what a recording lasts


@dataclass(frozen=True)
class Recording:
    """A recorded voice. transcript: its words, "" where they are not known. file: where they stand, if in one.

    hints: roughly when characters of the transcript are spoken, as subtitles say it. language: of the words; "auto".
    cut: how subtitles cut the transcript into captions.
    """

    source: AudioSource
    transcript: str = ""
    hints: tuple[Word, ...] = ()
    file: Path | None = None
    language: str = "auto"
    audio: config.AudioConfig = field(default_factory=config.AudioConfig)
    cut: tuple[tuple[int, ...], ...] = ()

    @staticmethod
    def of(source: AudioSource, transcript: str | Path | None, language: str, audio: config.AudioConfig) -> Recording:
        """transcript: words (str), or a file of them, plain or subtitles (Path). Raises InputError for either."""
        if transcript is None:
            recording = Recording(source, language=language, audio=audio)
        else:
            from mien.dialogue.align.transcript import Transcript, read_transcript

            file = transcript if isinstance(transcript, Path) else None
            words = read_transcript(file) if file else Transcript(str(transcript))
            recording = Recording(source, _with_content(words.text), words.hints, file, language, audio, words.cut)
        recording.seconds()  # what is missing or no sound file is refused here
        return recording

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that are read."""
        return tuple(p for p in (path_of(self.source), self.file) if p is not None)

    def seconds(self) -> float | None:
        """How long it is, None where nobody knows. Raises InputError for what cannot be opened."""
        info = probe_audio(self.source)
        return None if info is None else info.duration

    def captions(self, words: Sequence[Word]) -> list[Caption]:
        """Captions of its transcript. words: those that were found in it, in film time."""
        from mien.dialogue.align.transcript import said

        text = self.transcript if self.cut else said(self.transcript, words)
        return make_captions(words, text, cut=self.cut)

    def speech(
        self, emotion: Emotion, tell: Callable[[str], None], lexicon: Mapping[str, str] | None = None
    ) -> Iterator[SpeechPart]:
        """Its parts from tick 0 on: activity always, words and phones with a transcript, ``emotion`` throughout.

        Raises InputError at once for what cannot be opened, later for what is damaged further in, and for a transcript
        of other words.
        """
        parts = heard_parts(self.source, denoise=self.audio.denoise, vad=self.audio.vad, tell=tell)
        if self.transcript:
            from mien.dialogue.align.stream import aligned

            parts = aligned(parts, self.transcript, self.language, lexicon=lexicon, hints=self.hints)
        elif self._wants_phones():
            from mien.dialogue.hear.phones import with_phones

            parts = with_phones(parts, to_ticks(_PHONES_SECONDS) if self.audio.phones == "auto" else None)
        if self.audio.denoise == "film":
            parts = map(_as_heard, parts)
        return _with_feeling(parts, emotion)

    def _wants_phones(self) -> bool:
        """Whether a recogniser is to listen, too."""
        if self.audio.phones != "auto":
            return self.audio.phones == "on"
        from mien.dialogue.hear.phones import is_here

        return is_here() and (self.seconds() or 0.0) <= _PHONES_SECONDS


def with_times(
    parts: Iterable[SpeechPart], script: Script, speak: config.SpeakConfig, lexicon: Mapping[str, str]
) -> Iterator[SpeechPart]:
    """Speech of a voice that does not tell when it says what, with phones and words found in its sound.

    What the voice told itself is kept. Parts in which nothing fits stay as they are. Memory is bounded.
    """
    from mien.dialogue.align.stream import timed

    told: deque[SpeechPart] = deque()

    def noted() -> Iterator[SpeechPart]:
        for part in parts:
            told.append(part)
            yield part

    plain = script.plain
    for part in timed(noted(), plain.text, speak.language, lexicon=lexicon):
        own = told.popleft()
        words = own.words
        if words is None and part.words is not None:
            words = tuple(_in_source(plain, word) for word in part.words)
        yield replace(part, words=words, phones=part.phones if own.phones is None else own.phones)


def _in_source(plain: Mapped, word: Word) -> Word:
    return replace(word, char_start=plain.begin[word.char_start], char_end=plain.end[word.char_end - 1])


def _with_content(text: str) -> str:
    if not text.strip():
        raise InputError(
            "The transcript is empty.", hint="Give the words of the recording, or leave it out.",
            code="input.nothing_to_say",
        )  # fmt: skip
    return text


def _as_heard(part: SpeechPart) -> SpeechPart:
    """The film sounds as the face heard it."""
    if part.heard is None:
        return part
    return replace(part, audio=AudioChunk(part.audio.start, part.heard), heard=None)


def _with_feeling(parts: Iterable[SpeechPart], emotion: Emotion) -> Iterator[SpeechPart]:
    for part in parts:
        yield replace(part, emotions=(EmotionSpan(part.audio.start, part.audio.end, emotion),))
