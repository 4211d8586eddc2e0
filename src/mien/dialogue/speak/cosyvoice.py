"""CosyVoice's own FastAPI server: its speakers, or a voice cloned from a recording; raw sound, streamed.

The server has no dial for speed: the sound is stretched here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Final

from mien import config
from mien.dialogue.speak import reference, web
from mien.dialogue.speak.base import SpeakerInfo, SpeakRequest, Voice
from mien.dialogue.speak.decode import decoded
from mien.dialogue.speak.request import Prepared, no_such_voice, prepare, require_language
from mien.dialogue.speak.sound import Sound, as_parts, stretched
from mien.dialogue.speak.web_answer import Call
from mien.types import SpeechPart

LANGUAGES: Final = ("zh", "en", "ja", "ko", "yue", "de", "es", "fr", "it", "ru")
"""Those of CosyVoice 3; earlier ones speak the first five."""
LICENCE: Final = "Apache-2.0 (code and weights); a cloned voice is whose recording you give"
_WHAT: Final = "The CosyVoice server"
_SPEAKERS: Final = {
    "中文女": ("zh", "female"), "中文男": ("zh", "male"), "英文女": ("en", "female"), "英文男": ("en", "male"),
    "日语男": ("ja", "male"), "粤语女": ("yue", "female"), "韩语女": ("ko", "female"),
}  # fmt: skip
"""The speakers of CosyVoice-300M-SFT. Other models have none of their own."""


class CosyVoiceSpeaker:
    """Speech over HTTP: ``/inference_sft`` for speakers, ``zero_shot``, ``cross_lingual``, ``instruct2`` to clone."""

    def __init__(self, settings: config.VoicesConfig | None = None) -> None:
        self._settings = settings or config.load().voices
        self._web = web.Web(self._settings.timeout)
        self._reference: reference.Reference | None = None

    @property
    def address(self) -> str:
        """Where the server is to answer, without a slash at its end."""
        return self._settings.cosyvoice_url.rstrip("/")

    @property
    def info(self) -> SpeakerInfo:
        """What this back end can do."""
        url = self._settings.cosyvoice_url
        sent = "The text and the recording go" if self._settings.reference else "The text goes"
        return SpeakerInfo(
            name="cosyvoice", languages=LANGUAGES, sample_rate=self._settings.cosyvoice_rate, gives_times=False,
            streaming=True, needs=("server",), licence=LICENCE,
            leaves="" if web.is_loopback(url) else f"{sent} to {web.host_of(url)}.",
        )  # fmt: skip

    def voices(self) -> tuple[Voice, ...]:
        """The recording's, then the speakers of the model that has some."""
        own = [Voice("reference", LANGUAGES, "", LICENCE, "The voice in [voices] reference.")]
        known = [Voice(n, (c,), g, LICENCE, "Of CosyVoice-300M-SFT.") for n, (c, g) in _SPEAKERS.items()]
        return (*own, *known)

    def check(self, request: SpeakRequest) -> None:
        """Raise what :meth:`speak` would raise before it asks the server."""
        self._prepared(request)

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        """Yield the sound as it comes; see :class:`~mien.dialogue.speak.base.Speaker`. Closing ends the request."""
        sounds = self._sounds(request, self._prepared(request))
        return as_parts(request, stretched(sounds, request.rate), _WHAT)

    def close(self) -> None:
        """End a request that is under way. Idempotent."""
        self._web.close()

    def _prepared(self, request: SpeakRequest) -> Prepared:
        prepared = prepare(request)
        require_language(prepared.language, LANGUAGES, _WHAT)
        web.require_address(self._settings.cosyvoice_url, "[voices] cosyvoice_url")
        if self._speaker(request.voice, prepared) == "reference":
            reference.require(self._settings, _WHAT)
        return prepared

    def _speaker(self, voice: str, prepared: Prepared) -> str:
        """A speaker's name, or "reference"."""
        own = self._settings.cosyvoice_speaker
        if voice in _SPEAKERS or voice == "reference" or (voice and voice == own):
            return voice
        if voice not in ("", "female", "male"):
            raise no_such_voice(voice, _WHAT)
        if not voice and (self._settings.reference or own):
            return "reference" if self._settings.reference else own
        fitting = [n for n, (code, gender) in _SPEAKERS.items() if code == prepared.primary and voice in ("", gender)]
        return fitting[0] if fitting else "中文男" if voice == "male" else "中文女"

    def _sounds(self, request: SpeakRequest, prepared: Prepared) -> Iterator[Sound]:
        speaker = self._speaker(request.voice, prepared)
        for sentence in prepared.sentences:
            call = self._clone(sentence.text) if speaker == "reference" else self._own(sentence.text, speaker)
            yield from decoded(self._web.stream(call, request.fence), "pcm", self._settings.cosyvoice_rate, _WHAT)

    def _own(self, said: str, speaker: str) -> Call:
        return self._call("inference_sft", {"tts_text": said, "spk_id": speaker})

    def _clone(self, said: str) -> Call:
        """By what is known: an instruction, the recording's words, or only its sound."""
        if self._reference is None:
            self._reference = reference.load(self._settings, _WHAT)
        sound = self._reference.as_wav()
        if self._settings.instruction:
            fields = {"tts_text": said, "instruct_text": self._settings.instruction}
            return self._call("inference_instruct2", fields, sound)
        if self._reference.text:
            return self._call("inference_zero_shot", {"tts_text": said, "prompt_text": self._reference.text}, sound)
        return self._call("inference_cross_lingual", {"tts_text": said}, sound)

    def _call(self, way: str, fields: Mapping[str, str], sound: bytes | None = None) -> Call:
        body, content_type = _form(fields, sound)
        return Call(f"{self.address}/{way}", body, content_type, _WHAT)


def _form(fields: Mapping[str, str], sound: bytes | None) -> tuple[bytes, str]:
    """multipart/form-data (RFC 7578) and its content type."""
    boundary = secrets.token_hex(16)
    out: list[bytes] = []
    for name, value in fields.items():
        out.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    if sound is not None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="prompt_wav"; filename="prompt.wav"\r\n'
        out += [head.encode(), b"Content-Type: audio/wav\r\n\r\n", sound, b"\r\n"]
    out.append(f"--{boundary}--\r\n".encode())
    return b"".join(out), f"multipart/form-data; boundary={boundary}"
