"""Any server with OpenAI's ``POST /v1/audio/transcriptions``: OpenAI itself, and the many local ones that speak its
protocol.

The address is ``[hear] openai_url``, else ``MIEN_OPENAI_BASE_URL``, else ``OPENAI_BASE_URL``; the key only
``OPENAI_API_KEY``. An utterance is sent when it is over, as WAV.
"""

from __future__ import annotations

import io
import os
import threading
import wave
from collections.abc import Callable
from typing import Final

import numpy as np

from mien import config
from mien.dialogue.hear.base import Heard, HearSettings, RecogniserInfo
from mien.dialogue.hear.child import RATE
from mien.dialogue.hear.ear import Utterance, untagged
from mien.dialogue.hear.upload import Field, Upload
from mien.dialogue.languages import primary_subtag
from mien.dialogue.speak import web
from mien.errors import BackendError, MissingError
from mien.turn import Cut
from mien.types import AudioChunk, FloatArray

KEY: Final = "OPENAI_API_KEY"
_WHAT: Final = "The transcription server"
_OFFICIAL: Final = "api.openai.com"


class OpenaiRecogniser:
    """See :class:`mien.dialogue.hear.base.Recogniser`. Whole utterances: no text before the end."""

    def __init__(self, settings: HearSettings | None = None, options: config.HearConfig | None = None) -> None:
        self._settings = settings or HearSettings()
        self._options = options or config.load().hear
        self._lock = threading.Lock()
        self._now: Utterance | None = None
        self._sound: list[FloatArray] = []
        self._uploads: set[Upload] = set()

    @property
    def address(self) -> str:
        """The base address, with "/v1" where that belongs, without a slash at its end."""
        named = os.environ.get("MIEN_OPENAI_BASE_URL") or os.environ.get("OPENAI_BASE_URL")
        return (self._options.openai_url or named or f"https://{_OFFICIAL}/v1").strip().rstrip("/")

    @property
    def info(self) -> RecogniserInfo:
        """What this back end can do."""
        host, local = web.host_of(self.address), web.is_loopback(self.address)
        lacks = "" if _key() or host != _OFFICIAL else f"The environment has no {KEY}."
        return RecogniserInfo(
            name="openai", languages=(), streaming=False, needs=("server",) if local else ("network", f"key:{KEY}"),
            licence="the server's terms", lacks=lacks, mend=f"export {KEY}=…" if lacks else "",
            leaves="" if local else f"The sound of your voice goes to {host}.",
        )  # fmt: skip

    def check(self) -> None:
        """Raise what pushing would raise."""
        web.require_address(self.address, "[hear] openai_url")
        if self.info.lacks:
            raise MissingError(f"{_WHAT} needs a key: {self.info.lacks}", hint=f"export {KEY}=…", code="missing.key")

    def push(self, chunk: AudioChunk) -> Heard | None:
        """The utterance's next sound."""
        with self._lock:
            if self._now is None:
                self.check()
                self._now, self._sound = Utterance(0, chunk.start), []
            self._sound.append(self._now.take(chunk))
        return None

    def end(self) -> Callable[[], Heard]:
        """It is over; the server is asked by whoever waits."""
        with self._lock:
            now, self._now = self._now, None
            if now is None:
                return lambda: Heard("", 0, 0, final=True)
            sound, self._sound = np.concatenate([*self._sound, now.rest()]), []
            upload = Upload(
                f"{self.address}/audio/transcriptions", self._fields(sound), _WHAT, _key(), self._options.timeout
            )
            self._uploads.add(upload)
        return lambda: self._answered(upload, now)

    def finish(self) -> Heard:
        """All of it, when the server has answered."""
        return self.end()()

    def _answered(self, upload: Upload, now: Utterance) -> Heard:
        try:
            answer = upload.answer()
        finally:
            with self._lock:
                self._uploads.discard(upload)
        if upload.ended:
            raise Cut
        if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
            raise BackendError(
                f"{_WHAT} at {web.host_of(self.address)} answered without a text.", code="backend.answer"
            )
        text, found, emotion = untagged(answer["text"])
        return Heard(text, now.start, now.end, found or self._language, final=True, emotion=emotion)

    def drop(self) -> None:
        """Forget it; a request that is under way ends at once."""
        with self._lock:
            self._now, self._sound = None, []
            for upload in self._uploads:
                upload.end()

    def close(self) -> None:
        """End requests that are under way."""
        self.drop()

    @property
    def _language(self) -> str:
        return "" if self._settings.language == "auto" else primary_subtag(self._settings.language)

    def _fields(self, sound: FloatArray) -> list[Field]:
        fields = [
            Field("model", (self._settings.model or self._options.openai_model).encode()),
            Field("response_format", b"json"),
        ]
        if self._language:
            fields.append(Field("language", self._language.encode()))
        return [*fields, Field("file", _wav(sound), "speech.wav", "audio/wav")]


def _key() -> str:
    return os.environ.get(KEY, "").strip()


def _wav(sound: FloatArray) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound.clip(-1, 1) * 32767).round().astype("<i2").tobytes())
    return out.getvalue()
