"""Any server with OpenAI's ``POST /v1/audio/speech``: OpenAI itself, and the many local ones that speak its protocol.

The address is ``MIEN_OPENAI_BASE_URL``, ``OPENAI_BASE_URL`` or ``[voices] openai_url``; the key only
``OPENAI_API_KEY``. Sound is decoded as it comes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Final

from mien import config
from mien.dialogue.speak import web
from mien.dialogue.speak.base import SpeakerInfo, SpeakRequest, Voice
from mien.dialogue.speak.decode import decoded
from mien.dialogue.speak.request import Prepared, no_such_voice, prepare, require_language
from mien.dialogue.speak.sound import Sound, as_parts, stretched
from mien.dialogue.speak.web_answer import Call
from mien.errors import MissingError
from mien.turn import Turn
from mien.types import SpeechPart

KEY: Final = "OPENAI_API_KEY"
_WHAT: Final = "The OpenAI-compatible server"
_OFFICIAL: Final = "api.openai.com"
_RATE: Final = 24_000  # of raw sound, by OpenAI's documentation
_FEMALE: Final = ("coral", "nova", "sage", "shimmer", "marin")
_VOICES: Final = (
    *_FEMALE, "ash", "ballad", "cedar", "echo", "fable", "onyx", "verse",
)  # fmt: skip
_FEELINGS: Final = {
    "happy": "Speak happily.",
    "sad": "Speak sadly.",
    "angry": "Speak angrily.",
    "surprised": "Speak with surprise.",
    "tender": "Speak tenderly.",
    "serious": "Speak seriously.",
}
"""What a feeling of the script becomes where no instruction is set."""
LANGUAGES: Final = (
    "af", "ar", "az", "be", "bg", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "gl",
    "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "kk", "kn", "ko", "lt", "lv", "mi", "mk", "mr", "ms", "ne",
    "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "sw", "ta", "th", "tl", "tr", "uk", "ur", "vi", "yue",
    "zh",
)  # fmt: skip
"""What OpenAI says its models speak. A local server may speak fewer."""


class OpenaiSpeaker:
    """Speech over HTTP, streamed."""

    def __init__(self, settings: config.VoicesConfig | None = None) -> None:
        self._settings = settings or config.load().voices
        self._web = web.Web(self._settings.timeout)
        self._listed: tuple[str, ...] | None = None

    @property
    def address(self) -> str:
        """The base address, with "/v1" where that belongs, without a slash at its end."""
        named = os.environ.get("MIEN_OPENAI_BASE_URL") or os.environ.get("OPENAI_BASE_URL")
        return (named or self._settings.openai_url).strip().rstrip("/")

    @property
    def info(self) -> SpeakerInfo:
        """What this back end can do."""
        host = web.host_of(self.address)
        lacks = "" if self._key or host != _OFFICIAL else f"The environment has no {KEY}."
        away = "" if web.is_loopback(self.address) else f"The text goes to {host}."
        return SpeakerInfo(
            name="openai", languages=LANGUAGES, sample_rate=_RATE, gives_times=False, streaming=True,
            needs=("server",) if web.is_loopback(self.address) else ("network", f"key:{KEY}"),
            licence="the server's terms", lacks=lacks, mend=f"export {KEY}=…" if lacks else "", leaves=away,
        )  # fmt: skip

    def voices(self) -> tuple[Voice, ...]:
        """OpenAI's, or those that a local server names."""
        return tuple(
            Voice(name, (), "female" if name in _FEMALE else "", "the server's terms", f"model {self._model}")
            for name in self._names()
        )

    def check(self, request: SpeakRequest) -> None:
        """Raise what :meth:`speak` would raise before it asks the server."""
        self._prepared(request)

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        """Yield the sound as it comes; see :class:`~mien.dialogue.speak.base.Speaker`. Closing ends the request."""
        sounds = self._sounds(request, self._prepared(request))
        return as_parts(request, stretched(sounds, request.rate) if self._is_instructed else sounds, _WHAT)

    def close(self) -> None:
        """End a request that is under way. Idempotent."""
        self._web.close()

    @property
    def _key(self) -> str:
        return os.environ.get(KEY, "").strip()

    @property
    def _model(self) -> str:
        return self._settings.openai_model

    @property
    def _is_instructed(self) -> bool:
        """OpenAI's newer models take instructions, and have no dial for speed: the sound is stretched here."""
        return self._model.startswith("gpt-")

    def _prepared(self, request: SpeakRequest) -> Prepared:
        prepared = prepare(request)
        require_language(prepared.language, LANGUAGES, _WHAT)
        web.require_address(self.address, "[voices] openai_url")
        if self.info.lacks:
            raise MissingError(f"{_WHAT} needs a key: {self.info.lacks}", hint=f"export {KEY}=…", code="missing.key")
        self._voice(request)
        return prepared

    def _voice(self, request: SpeakRequest) -> str:
        voice, names = request.voice, self._names(request.fence)
        if voice in ("", "female", "male"):
            preferred = "onyx" if voice == "male" else "nova"
            return preferred if preferred in names or not names else names[0]
        if names and voice not in names:
            raise no_such_voice(voice, _WHAT)
        return voice

    def _names(self, fence: Turn | None = None) -> tuple[str, ...]:
        """What the server calls its voices, asked once; () when it does not say: then it decides itself."""
        if web.host_of(self.address) == _OFFICIAL:
            return _VOICES
        if self._listed is None:
            answer = self._web.get_json(f"{self.address}/audio/voices", _WHAT, self._key, fence)
            self._listed = _named(answer)
        return self._listed

    def _sounds(self, request: SpeakRequest, prepared: Prepared) -> Iterator[Sound]:
        voice = self._voice(request)
        for sentence in prepared.sentences:
            blocks = self._web.stream(self._call(sentence.text, voice, request), request.fence)
            yield from decoded(blocks, self._settings.openai_format, _RATE, _WHAT)

    def _call(self, said: str, voice: str, request: SpeakRequest) -> Call:
        body: dict[str, object] = {
            "model": self._model, "input": said, "voice": voice, "response_format": self._settings.openai_format,
        }  # fmt: skip
        if request.rate != 1 and not self._is_instructed:
            body["speed"] = round(request.rate, 3)
        instruction = self._settings.instruction or (_FEELINGS.get(request.emotion.name) if self._is_instructed else "")
        if instruction:
            body["instructions"] = instruction
        return Call(
            f"{self.address}/audio/speech", json.dumps(body).encode(), "application/json", _WHAT,
            secret=self._key, key_variable=KEY,
        )  # fmt: skip


def _named(answer: object) -> tuple[str, ...]:
    """Names out of ``{"voices": ["a", {"id": "b"}]}`` or a bare list, as the local servers have it."""
    listed = answer.get("voices") or answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(listed, list):
        return ()
    names = [entry.get("id") or entry.get("name") if isinstance(entry, dict) else entry for entry in listed[:1000]]
    return tuple(dict.fromkeys(n for n in names if isinstance(n, str) and n.isprintable() and 0 < len(n) < 100))
