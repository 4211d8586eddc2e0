"""Microsoft's read-aloud service through edge-tts: natural voices of many languages, with the times of the words.

The text leaves this machine, for a service whose owner has not promised it to anybody. It is therefore never chosen
by "auto", only by name.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Final

import numpy as np

from mien import config
from mien.dialogue import text
from mien.dialogue.errands import Errands
from mien.dialogue.speak import edge_voices as table
from mien.dialogue.speak.base import SpeakerInfo, SpeakRequest, Voice
from mien.dialogue.speak.decode import Mp3Decoder
from mien.dialogue.speak.edge_link import UNREACHABLE, WHAT, Link, Said
from mien.dialogue.speak.request import prepare
from mien.dialogue.speak.sound import Upsampler, levelled, no_sound
from mien.errors import BackendError, MissingError, NetworkError
from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk, SpeechPart, Word

_RATE: Final = 24_000
_HUNDRED_NS: Final = 10_000_000  # the service's times are in units of 100 ns
_TRIES: Final = 3
_BACK_OFF: Final = 0.7  # seconds before the second try, twice that before the third
_LONGEST: Final = 600 * _RATE  # samples of one sentence


class EdgeSpeaker:
    """Sentence by sentence over a WebSocket; sound as it comes, words with ticks, no phones."""

    def __init__(self, settings: config.VoicesConfig | None = None) -> None:
        self._settings = settings or config.load().voices
        self._errands = Errands("mien-edge")
        self._lock = threading.Lock()
        self._links: set[Link] = set()

    @property
    def info(self) -> SpeakerInfo:
        """What this back end can do."""
        lacks = "" if find_spec("edge_tts") else "The package edge-tts is not installed."
        return SpeakerInfo(
            name="edge", languages=table.LANGUAGES, sample_rate=_RATE, gives_times=False, streaming=True,
            needs=("network",), licence=table.LICENCE, gives_words=True, lacks=lacks,
            mend="pip install 'mien[voices]'" if lacks else "", leaves="The text goes to Microsoft.",
        )  # fmt: skip

    def voices(self) -> tuple[Voice, ...]:
        """A female and a male one for each language; any other name of the service works too."""
        return table.voices()

    def check(self, request: SpeakRequest) -> None:
        """Raise what :meth:`speak` would raise before it asks the service."""
        prepared = prepare(request, pitch=True)
        table.voice_for(prepared.language, request.voice)
        if request.language != "auto":
            table.voice_for(request.language, "")
        self._require()

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        """Yield the sound as it comes; see :class:`~mien.dialogue.speak.base.Speaker`. Closing ends the connection."""
        self.check(request)
        return self._parts(request)

    def close(self) -> None:
        """End a connection that is under way. Idempotent."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.end()

    def _require(self) -> None:
        if self.info.lacks:
            raise MissingError(self.info.lacks, hint=self.info.mend, code="missing.backend")
        if config.offline():
            raise MissingError(
                f"{WHAT} needs the network, and --offline forbids it.", hint="Use another voice.",
                code="missing.offline",
            )  # fmt: skip

    def _parts(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        prepared = prepare(request, pitch=True)
        voice = table.voice_for(prepared.language, request.voice)
        start = request.start
        for number, sentence in enumerate(prepared.sentences):
            last = number + 1 == len(prepared.sentences)
            timed = _Timed(request, sentence, start)
            for said in self._said(sentence.text, voice, request):
                yield from timed.take(said)
            part = timed.close(last=last)
            start = part.audio.end
            yield part

    def _said(self, sentence: str, voice: str, request: SpeakRequest) -> Generator[Said, None, None]:
        """What the service answers; asked again while nothing has come."""
        for attempt in range(_TRIES):
            came = False
            link = Link(sentence, voice, request, self._settings.timeout)
            off = request.fence.when_cut(link.end)
            with self._lock:
                self._links.add(link)
            try:
                with self._errands.running(link.run, request.fence):
                    for said in link:
                        request.fence.check()
                        came = True
                        yield said
                request.fence.check()
                if link.ended:
                    raise NetworkError(f"The connection to {WHAT} was ended.", hint="Try again.", code="network.cut")
                return
            except NetworkError as fault:
                request.fence.check()
                hopeless = came or fault.code == UNREACHABLE or attempt + 1 == _TRIES
                if hopeless or link.wait(_BACK_OFF * (attempt + 1)):
                    raise
            finally:
                off()
                link.end()
                with self._lock:
                    self._links.discard(link)


class _Timed:
    """A sentence's sound as parts, each with the words that start in it.

    The service tells words about when it sends their sound, in no fixed order: sound is given on up to where the last
    word that was told starts, because later ones start later.
    """

    def __init__(self, request: SpeakRequest, sentence: text.Mapped, start: int) -> None:
        self._request, self._sentence = request, sentence
        self._start = self._at = start
        self._decoder = Mp3Decoder(WHAT)
        self._upsampler = Upsampler(_RATE)
        self._sound = np.zeros(0, np.float32)
        self._words: list[Word] = []
        self._reached = start
        self._cursor = self._samples = 0

    def take(self, said: Said) -> Iterator[SpeechPart]:
        if said.word:
            self._hear(said)
        for sound in self._decoder.feed(said.sound) if said.sound else ():
            self._samples += len(sound.samples)
            self._sound = np.concatenate([self._sound, self._upsampler.push(sound.samples)])
        if self._samples > _LONGEST:
            raise BackendError(f"{WHAT} does not stop.", code="backend.sound")
        size = min(len(self._sound) - 1, self._reached - self._at)
        if size > 0:
            yield self._part(size, last=False)

    def close(self, *, last: bool) -> SpeechPart:
        if not self._samples and not len(self._sound):
            raise no_sound(WHAT)
        rest = [s.samples for s in self._decoder.close()]
        tail = [self._upsampler.push(samples) for samples in rest]
        self._sound = np.concatenate([self._sound, *tail, self._upsampler.close()])
        return self._part(len(self._sound), last=last)

    def _part(self, size: int, *, last: bool) -> SpeechPart:
        audio = AudioChunk(self._at, levelled(self._sound[:size].copy(), self._request.volume))
        self._at, self._sound = audio.end, self._sound[size:]
        mine = tuple(w for w in self._words if w.start < audio.end)
        self._words = [w for w in self._words if w.start >= audio.end]
        if not len(self._sound):
            mine = tuple(replace(w, end=min(w.end, audio.end)) for w in mine)
        return SpeechPart(audio, None, mine, turn=self._request.turn, last=last)

    def _hear(self, said: Said) -> None:
        """Find the word in the sentence, after the one before it; what is not found there has no times."""
        begin = max(self._reached, self._start + said.offset * TICKS_PER_SECOND // _HUNDRED_NS)
        found = self._sentence.text.find(said.word, self._cursor)
        if found >= 0:
            self._cursor = found + len(said.word)
            first, stop = self._sentence.source(found, self._cursor)
            end = begin + max(1, said.duration * TICKS_PER_SECOND // _HUNDRED_NS)
            if self._words and self._words[-1].end > begin:
                before = self._words[-1]
                self._words[-1] = replace(before, end=max(before.start, begin))
            self._words.append(Word(begin, end, first, stop))
        self._reached = begin
