"""OpenAI's speech API: ``POST /v1/audio/speech``, and the list of models that its clients ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from mien import config
from mien.apps.server.common import TheDesk
from mien.apps.server.desk import Desk
from mien.apps.server.faults import responses
from mien.apps.server.speech_file import TYPES, encoded
from mien.errors import MissingError
from mien.types import FloatArray

router = APIRouter(prefix="/v1", tags=["OpenAI"])

MODELS: Final = ("mien-speech", "mien-realtime")
THEIR_VOICES: Final = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse", "marin", "cedar"}
)
"""Names that clients send by default: the server's own voice stands in for them."""


class SpeechWish(BaseModel):
    """As OpenAI's; model and instructions are passed over. voice: as /api/voices lists it."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"input": "Hello.", "voice": "female", "response_format": "wav"}]},
    )

    input: str = Field(min_length=1, max_length=4096)
    model: str = Field(default=MODELS[0], max_length=120)
    voice: str = Field(default="", max_length=200, pattern=r"^([\w :+()-]+([./][\w :+()-]+)*)?$")
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float = Field(default=1.0, ge=0.25, le=4.0, description="0.5 to 2 is spoken; beyond it is limited.")


class Model(BaseModel):
    """A model as OpenAI's clients list it."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "mien"


class Models(BaseModel):
    """What there is."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/models", responses=responses())
async def models() -> Models:
    """The names that the other routes take."""
    return Models(data=[Model(id=name) for name in MODELS])


@router.get("/models/{model}", responses=responses(404))
async def model(model: Annotated[str, PathParameter(max_length=120)]) -> Model:
    """One of them."""
    if model not in MODELS:
        raise MissingError(f"There is no model '{model[:60]}'.", code="missing.voice")
    return Model(id=model)


@router.post(
    "/audio/speech",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in TYPES.values()}}, **responses(404, 501, 502, 503)},
)
async def speech(wish: SpeechWish, desk: TheDesk) -> StreamingResponse:
    """A text as a sound file, which comes while it is spoken."""
    desk.speaking.take()
    try:
        sound = Sound(desk, wish)
        await desk.run(sound.begin)
    except BaseException:
        desk.speaking.give()
        raise

    def over() -> None:
        sound.close()
        desk.speaking.give()

    stream = encoded(sound, wish.response_format)
    return StreamingResponse(stream, media_type=TYPES[wish.response_format], background=BackgroundTask(over))


class Sound:
    """The sound of a text, 48 kHz, as it is spoken."""

    def __init__(self, desk: Desk, wish: SpeechWish) -> None:
        self._desk, self._wish = desk, wish
        self._speaker: Any = None
        self._parts: Iterator[Any] = iter(())
        self._first: Any = None

    def begin(self) -> None:
        """Speak the first part; so what cannot be spoken is refused before the answer begins. Raises MienError."""
        from mien.dialogue.perform import perform
        from mien.dialogue.speak.choose import open_voice

        settings = self._desk.settings
        voice = "" if self._wish.voice.lower() in THEIR_VOICES else self._wish.voice
        speak = config.override(settings.speak, voice=voice or None)
        rate = min(2.0, max(0.5, self._wish.speed * speak.rate))
        chosen = open_voice(speak, self._wish.input, self._desk.tell, settings.voices)
        self._speaker = chosen.speaker
        try:
            self._parts = perform(
                self._wish.input, chosen.speaker, language=speak.language, voice=chosen.voice, rate=rate
            )
            self._first = next(self._parts, None)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[FloatArray]:
        try:
            if self._first is not None:
                yield self._first.audio.samples
            for part in self._parts:
                yield part.audio.samples
        finally:
            self.close()

    def close(self) -> None:
        """End the voice. Idempotent."""
        if self._speaker is not None:
            self._speaker.close()
