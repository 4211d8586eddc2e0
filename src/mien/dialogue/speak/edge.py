"""Microsoft's read-aloud service through edge-tts: natural voices of many languages, with the times of the words.

The text leaves this machine, for a service whose owner has not promised it to anybody. It is therefore never chosen
by "auto", only by name.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from mien import config
from mien.channel import Abandoned, Channel
from mien.dialogue import text
from mien.dialogue.speak import edge_voices as table
from mien.dialogue.speak.base import SpeakerInfo, SpeakRequest, Voice
from mien.dialogue.speak.decode import Mp3Decoder
from mien.dialogue.speak.request import prepare
from mien.dialogue.speak.sound import Upsampler, levelled, no_sound
from mien.errors import BackendError, MienError, MissingError, NetworkError
from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk, SpeechPart, Word

_WHAT: Final = "Microsoft's speech service"
_HOST: Final = "speech.platform.bing.com"
_RATE: Final = 24_000
_HUNDRED_NS: Final = 10_000_000  # the service's times are in units of 100 ns
_TRIES: Final = 3
_UNREACHABLE: Final = "network.unreachable"
_BACK_OFF: Final = 0.7  # seconds before the second try, twice that before the third
_PITCH_HERTZ: Final = 50  # what pitch 1 adds
_WAITING: Final = 4_096  # messages that may wait to be read: a sentence never waits for a slow reader
_LONGEST: Final = 600 * _RATE  # samples of one sentence


@dataclass(frozen=True, slots=True)
class _Said:
    """What came: bytes of MP3, or a word with its times in 100 ns."""

    sound: bytes = b""
    word: str = ""
    offset: int = 0
    duration: int = 0


class EdgeSpeaker:
    """Sentence by sentence over a WebSocket; sound as it comes, words with ticks, no phones."""

    def __init__(self, settings: config.VoicesConfig | None = None) -> None:
        self._settings = settings or config.load().voices
        self._link: _Link | None = None

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
        link, self._link = self._link, None
        if link is not None:
            link.end()

    def _require(self) -> None:
        if self.info.lacks:
            raise MissingError(self.info.lacks, hint=self.info.mend, code="missing.backend")
        if config.offline():
            raise MissingError(
                f"{_WHAT} needs the network, and --offline forbids it.", hint="Use another voice.",
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

    def _said(self, sentence: str, voice: str, request: SpeakRequest) -> Generator[_Said, None, None]:
        """What the service answers; asked again while nothing has come."""
        for attempt in range(_TRIES):
            came = False
            link = self._link = _Link(sentence, voice, request, self._settings.timeout)
            try:
                for said in link:
                    came = True
                    yield said
                return
            except NetworkError as fault:
                hopeless = came or fault.code == _UNREACHABLE or attempt + 1 == _TRIES
                if hopeless or link.wait(_BACK_OFF * (attempt + 1)):
                    raise
            finally:
                link.end()


class _Timed:
    """A sentence's sound as parts, each with the words that start in it.

    The service tells words about when it sends their sound, in no fixed order: sound is given on up to where the last
    word that was told starts, because later ones start later.
    """

    def __init__(self, request: SpeakRequest, sentence: text.Mapped, start: int) -> None:
        self._request, self._sentence = request, sentence
        self._start = self._at = start
        self._decoder = Mp3Decoder(_WHAT)
        self._upsampler = Upsampler(_RATE)
        self._sound = np.zeros(0, np.float32)
        self._words: list[Word] = []
        self._reached = start
        self._cursor = self._samples = 0

    def take(self, said: _Said) -> Iterator[SpeechPart]:
        if said.word:
            self._hear(said)
        for sound in self._decoder.feed(said.sound) if said.sound else ():
            self._samples += len(sound.samples)
            self._sound = np.concatenate([self._sound, self._upsampler.push(sound.samples)])
        if self._samples > _LONGEST:
            raise BackendError(f"{_WHAT} does not stop.", code="backend.sound")
        size = min(len(self._sound) - 1, self._reached - self._at)
        if size > 0:
            yield self._part(size, last=False)

    def close(self, *, last: bool) -> SpeechPart:
        if not self._samples and not len(self._sound):
            raise no_sound(_WHAT)
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

    def _hear(self, said: _Said) -> None:
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


class _Link:
    """One sentence asked of the service, in a thread with an event loop of its own."""

    def __init__(self, sentence: str, voice: str, request: SpeakRequest, timeout: float) -> None:
        self._channel: Channel[_Said] = Channel(_WAITING)
        self._ended = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._asked = (sentence, voice, request, timeout)
        self._thread = threading.Thread(target=self._run, name="mien-edge", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[_Said]:
        return iter(self._channel)

    def wait(self, seconds: float) -> bool:
        """Wait before the next try; True when it was ended meanwhile."""
        return self._ended.wait(seconds)

    def end(self) -> None:
        """Close the connection at once. Idempotent."""
        if self._ended.is_set() and not self._thread.is_alive():
            return
        self._channel.abandon()
        self._ended.set()
        try:
            self._loop.call_soon_threadsafe(self._cancel)
        except RuntimeError:  # the loop has closed by itself
            return
        self._thread.join(2.0)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        try:
            self._task = self._loop.create_task(self._talk())
            self._loop.run_until_complete(self._task)
            self._channel.finish()
        except (Abandoned, asyncio.CancelledError):
            pass
        except BaseException as error:  # whatever it is, the reader must hear of it
            self._channel.fail(_told(error))
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _talk(self) -> None:
        from edge_tts import Communicate

        sentence, voice, request, timeout = self._asked
        call: Any = Communicate(
            sentence, voice, rate=f"{round((request.rate - 1) * 100):+d}%",
            pitch=f"{round(request.pitch * _PITCH_HERTZ):+d}Hz", boundary="WordBoundary", proxy=_proxy(),
            connect_timeout=10, receive_timeout=max(1, round(timeout)),
        )  # fmt: skip
        messages = call.stream()
        while True:
            try:  # the library's own timeout does not reach into a WebSocket
                message = await asyncio.wait_for(anext(messages), timeout)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise TimeoutError(f"nothing came for {timeout:g} seconds") from None
            if message["type"] == "audio":
                self._channel.put(_Said(sound=message["data"]))
            elif message["type"] == "WordBoundary":
                self._channel.put(
                    _Said(word=message["text"], offset=int(message["offset"]), duration=int(message["duration"]))
                )


def _proxy() -> str | None:
    """The environment's proxy for https, which the library does not apply to WebSockets by itself."""
    from urllib.request import getproxies, proxy_bypass

    return None if proxy_bypass(_HOST) else getproxies().get("https")


def _told(error: BaseException) -> MienError:
    """What a person understands of what went wrong."""
    import aiohttp
    from edge_tts import exceptions

    if isinstance(error, exceptions.NoAudioReceived):
        return no_sound(_WHAT)
    if isinstance(error, aiohttp.WSServerHandshakeError):
        said = f"{_WHAT} refuses the connection (status {error.status})."
        return NetworkError(said, hint="Check this machine's clock, or try again later.", code="network.server")
    if isinstance(error, aiohttp.ClientConnectorError):
        why = error.os_error.strerror or str(error.os_error)
        said = f"{_WHAT} cannot be reached: {why}."
        return NetworkError(said, hint="Check the network, or add --fallback.", code=_UNREACHABLE)
    if isinstance(error, aiohttp.ClientError | OSError | TimeoutError):
        said = f"The connection to {_WHAT} broke: {str(error) or 'it timed out'}."
        return NetworkError(said, hint="Check the network, or add --fallback.", code="network.cut")
    if isinstance(error, exceptions.EdgeTTSException):
        return NetworkError(f"{_WHAT} answered something unexpected: {error}.", hint="Try again.")
    return BackendError(f"{_WHAT} failed ({type(error).__name__}: {error}).", code="backend.edge")
