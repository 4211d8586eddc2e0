"""The embedded voice in the place of one that cannot speak, where the user asked for that. It says so, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from mien.dialogue.speak.base import Speaker, SpeakerInfo, SpeakRequest, Voice
from mien.errors import BackendError, MienError, MissingError, NetworkError
from mien.types import SpeechPart

_MISTAKES = frozenset({"missing.voice"})  # of whoever typed the name: nobody wants another voice for that


class FallbackSpeaker:
    """Speaks with ``first``; from its first failure on with ``second``.

    A failure in the middle of a text is raised: half a sentence in one voice is not mended by another.
    tell: told one sentence when the voice changes.
    """

    def __init__(self, first: Speaker, second: Callable[[], Speaker], tell: Callable[[str], None]) -> None:
        self._first, self._make_second, self._tell = first, second, tell
        self._second: Speaker | None = None

    @property
    def info(self) -> SpeakerInfo:
        """What the first can do. Nothing is lacking: somebody will speak; what the embedded voice says stays here."""
        own = self._first.info
        return replace(own, lacks="", mend="", leaves=own.leaves if self._second is None else "")

    def voices(self) -> tuple[Voice, ...]:
        """The first one's."""
        return self._first.voices()

    def check(self, request: SpeakRequest) -> None:
        """Raise what neither can mend."""
        if self._second is None:
            try:
                self._first.check(request)
                return
            except (NetworkError, BackendError, MissingError) as fault:
                self._fall(fault)
        self._ready().check(_plain(request))

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        """Yield the speech, of whoever can; see :class:`~mien.dialogue.speak.base.Speaker`."""
        self.check(request)
        return self._parts(request)

    def close(self) -> None:
        """End both. Idempotent."""
        self._first.close()
        if self._second is not None:
            self._second.close()

    def _parts(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        if self._second is None:
            begun = False
            try:
                for part in self._first.speak(request):
                    begun = True
                    yield part
                return
            except (NetworkError, BackendError, MissingError) as fault:
                if begun:
                    raise
                self._fall(fault)
        yield from self._ready().speak(_plain(request))

    def _fall(self, fault: MienError) -> None:
        if fault.code in _MISTAKES:
            raise fault
        self._tell(f"{fault.message} The embedded voice speaks instead, as you asked.")
        self._ready()

    def _ready(self) -> Speaker:
        if self._second is None:
            self._second = self._make_second()
        return self._second


def _plain(request: SpeakRequest) -> SpeakRequest:
    """The request without what only the first understands."""
    return replace(request, voice=request.voice if request.voice in ("female", "male") else "")
