"""GPT-SoVITS' own server (``api_v2.py``, ``POST /tts``): a voice cloned from a recording, streamed as WAV at 32 kHz."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from mien import config
from mien.dialogue.speak import reference, web
from mien.dialogue.speak.base import SpeakerInfo, SpeakRequest, Voice
from mien.dialogue.speak.decode import decoded
from mien.dialogue.speak.request import Prepared, no_such_voice, prepare, primary, require_language
from mien.dialogue.speak.sound import Sound, as_parts
from mien.dialogue.speak.web_answer import Call
from mien.errors import MissingError
from mien.types import SpeechPart

LANGUAGES: Final = ("zh", "en", "ja", "ko", "yue")
LICENCE: Final = "MIT (code); the voice is whose recording you give"
_WHAT: Final = "The GPT-SoVITS server"
_RATE: Final = 32_000
_VOICES: Final = ("", "reference")


class GptSovitsSpeaker:
    """The voice of ``[voices] reference``, spoken by a GPT-SoVITS server.

    The server opens the recording itself, so its path must be one that the server can read.
    """

    def __init__(self, settings: config.VoicesConfig | None = None) -> None:
        self._settings = settings or config.load().voices
        self._web = web.Web(self._settings.timeout)

    @property
    def address(self) -> str:
        """Where the server is to answer, without a slash at its end."""
        return self._settings.gptsovits_url.rstrip("/")

    @property
    def info(self) -> SpeakerInfo:
        """What this back end can do."""
        url = self._settings.gptsovits_url
        lacks = "" if self._settings.reference else "No recording to clone is named in [voices] reference."
        return SpeakerInfo(
            name="gptsovits", languages=LANGUAGES, sample_rate=_RATE, gives_times=False, streaming=True,
            needs=("server", "reference"), licence=LICENCE, lacks=lacks,
            mend="Set [voices] reference, reference_text and reference_language." if lacks else "",
            leaves="" if web.is_loopback(url) else f"The text goes to {web.host_of(url)}.",
        )  # fmt: skip

    def voices(self) -> tuple[Voice, ...]:
        """One: the recording's."""
        return (Voice("reference", LANGUAGES, "", LICENCE, "The voice in [voices] reference."),)

    def check(self, request: SpeakRequest) -> None:
        """Raise what :meth:`speak` would raise before it asks the server."""
        self._prepared(request)

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        """Yield the sound as it comes; see :class:`~mien.dialogue.speak.base.Speaker`. Closing ends the request."""
        return as_parts(request, self._sounds(request, self._prepared(request)), _WHAT)

    def close(self) -> None:
        """End a request that is under way. Idempotent."""
        self._web.close()

    def _prepared(self, request: SpeakRequest) -> Prepared:
        prepared = prepare(request)
        require_language(prepared.language, LANGUAGES, _WHAT)
        if request.voice not in _VOICES:
            raise no_such_voice(request.voice, _WHAT)
        web.require_address(self._settings.gptsovits_url, "[voices] gptsovits_url")
        self._recording()
        return prepared

    def _recording(self) -> str:
        """The recording's path as the server is to open it: absolute where it is a file of this machine."""
        if web.is_loopback(self._settings.gptsovits_url):
            return str(reference.require(self._settings, _WHAT).absolute())
        if not self._settings.reference:
            raise MissingError(
                f"{_WHAT} needs a recording of the voice to clone.",
                hint="Name it in [voices] reference, as the server's machine knows it.",
                code="missing.reference",
            )
        return self._settings.reference

    def _sounds(self, request: SpeakRequest, prepared: Prepared) -> Iterator[Sound]:
        for sentence in prepared.sentences:
            blocks = self._web.stream(self._call(sentence.text, prepared, request.rate), request.fence)
            yield from decoded(blocks, "wav", _RATE, _WHAT)

    def _call(self, said: str, prepared: Prepared, rate: float) -> Call:
        code = self._settings.reference_language
        body = {
            "text": said,
            "text_lang": prepared.primary,  # "zh" and "ja" there mean: mixed with English
            "ref_audio_path": self._recording(),
            "prompt_text": self._settings.reference_text,
            "prompt_lang": prepared.primary if code == "auto" else primary(code),
            "speed_factor": round(rate, 3),
            "text_split_method": "cut5",
            "media_type": "wav",
            "streaming_mode": True,
            "batch_size": 1,
            "seed": 0,
        }
        address = f"{self.address}/tts"
        return Call(address, json.dumps(body).encode(), "application/json", _WHAT)
