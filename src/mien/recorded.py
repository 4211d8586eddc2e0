"""From a recorded voice, and its words where they are known, to the speech that a film is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mien import config
from mien.audio.hear import heard_parts
from mien.audio.read import probe_audio
from mien.audio.source import AudioSource, path_of
from mien.errors import InputError
from mien.types import Emotion, EmotionSpan, SpeechPart

_MAX_TRANSCRIPT_BYTES = 4_000_000


@dataclass(frozen=True)
class Recording:
    """A recorded voice. transcript: its words, "" where they are not known. file: where they stand, if in one.

    language: of the words; "auto". lexicon: spelling → pronunciation, for the alignment.
    """

    source: AudioSource
    transcript: str = ""
    file: Path | None = None
    language: str = "auto"
    audio: config.AudioConfig = field(default_factory=config.AudioConfig)

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that are read."""
        return tuple(p for p in (path_of(self.source), self.file) if p is not None)

    def seconds(self) -> float | None:
        """How long it is, None where nobody knows. Raises InputError for what cannot be opened."""
        info = probe_audio(self.source)
        return None if info is None else info.duration

    def speech(
        self, emotion: Emotion, tell: Callable[[str], None], lexicon: Mapping[str, str] | None = None
    ) -> Iterator[SpeechPart]:
        """Its parts from tick 0 on: activity always, words and phones with a transcript, ``emotion`` throughout.

        Raises InputError at once for what cannot be opened, later for what is damaged further in, and for a transcript
        of other words.
        """
        parts = heard_parts(self.source, denoise=self.audio.denoise, vad=self.audio.vad, tell=tell)
        if self.transcript:
            parts = _with_words(parts, self.transcript, self.language, lexicon)
        return _with_feeling(parts, emotion)


def read_transcript(file: Path) -> str:
    """The words in a text file (UTF-8, or UTF-16 with its mark). Raises InputError."""
    try:
        if file.is_dir():
            raise InputError(f"The transcript '{file}' is a folder.", hint="Give a text file.")
        with file.open("rb") as stream:
            data = stream.read(_MAX_TRANSCRIPT_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"There is no transcript '{file}'.", hint="Check the name.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the name is not one"
        raise InputError(f"The transcript cannot be read: {reason}.", hint="Check the name.") from None
    if len(data) > _MAX_TRANSCRIPT_BYTES:
        raise InputError(f"The transcript {file.name} is over 4 MB.", hint="Split the recording and its words.")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"The transcript {file.name} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    return check_transcript(text)


def check_transcript(text: str) -> str:
    """The text itself. Raises InputError when there are no words in it."""
    if not text.strip():
        raise InputError(
            "The transcript is empty.", hint="Give the words of the recording, or leave it out.",
            code="input.nothing_to_say",
        )  # fmt: skip
    return text


def _with_words(
    parts: Iterable[SpeechPart], text: str, language: str, lexicon: Mapping[str, str] | None
) -> Iterator[SpeechPart]:
    from mien.dialogue.align.stream import aligned

    return aligned(parts, text, language, lexicon=lexicon)


def _with_feeling(parts: Iterable[SpeechPart], emotion: Emotion) -> Iterator[SpeechPart]:
    for part in parts:
        yield replace(part, emotions=(EmotionSpan(part.audio.start, part.audio.end, emotion),))
