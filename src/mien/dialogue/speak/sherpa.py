"""sherpa-onnx on this machine: Kokoro, VITS and Piper, Matcha, ZipVoice, whichever bundles are here.

Runs in a process of its own: the library ends its process when something does not suit it, and carries espeak-ng.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

from mien import bundles, config
from mien.dialogue.speak import reference, sherpa_model
from mien.dialogue.speak.base import SpeakerInfo, SpeakRequest, Voice
from mien.dialogue.speak.request import Prepared, no_such_voice, prepare, require_language
from mien.dialogue.speak.sherpa_model import SherpaModel
from mien.dialogue.speak.sherpa_process import Job, SherpaProcess
from mien.dialogue.speak.sound import Sound, as_parts
from mien.errors import MissingError
from mien.types import SpeechPart

LICENCE: Final = "Apache-2.0 (sherpa-onnx); each voice has its own"
_WHAT: Final = "sherpa-onnx"
_AT_HOME: Final = 6  # what a model's own language is worth in rank
_FIRST: Final = "kokoro-zh-en"  # what is recommended to somebody who has no voice yet


class SherpaSpeaker:
    """Sentence by sentence; the model is loaded once, in a child that lives as long as the speaker."""

    def __init__(self, settings: config.VoicesConfig | None = None) -> None:
        self._settings = settings or config.load().voices
        self._models: tuple[SherpaModel, ...] | None = None
        self._process: SherpaProcess | None = None
        self._loaded: tuple[str, bool] = ("", False)
        self._lock = threading.Lock()

    @property
    def info(self) -> SpeakerInfo:
        """What this back end can do with what is installed."""
        models = self._installed()
        lacks, mend = _lacks(models)
        spoken = dict.fromkeys(code for model in models for code in model.languages)
        return SpeakerInfo(
            name="sherpa", languages=tuple(spoken), sample_rate=models[0].rate if models else 24_000, gives_times=False,
            streaming=True, needs=("model",), licence=LICENCE, lacks=lacks, mend=mend,
        )  # fmt: skip

    def voices(self) -> tuple[Voice, ...]:
        """Every speaker of every model that is here: ``model`` or ``model/speaker``."""
        return tuple(voice for model in self._installed() for voice in model.voices())

    def check(self, request: SpeakRequest) -> None:
        """Raise what :meth:`speak` would raise before a model is loaded."""
        self._chosen(request)

    def speak(self, request: SpeakRequest) -> Iterator[SpeechPart]:
        """Yield the sound sentence by sentence; see :class:`~mien.dialogue.speak.base.Speaker`."""
        prepared, model, speaker = self._chosen(request)
        return as_parts(request, self._sounds(request, prepared, model, speaker), _WHAT)

    def name_of(self, request: SpeakRequest) -> str:
        """The voice that a request would be spoken with. Raises as :meth:`check` does."""
        _, model, speaker = self._chosen(request)
        return model.voices()[speaker].name

    def close(self) -> None:
        """End the child. Idempotent; the next text would start it again."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _installed(self) -> tuple[SherpaModel, ...]:
        """What was here when it was first asked for: a text has many sentences, and each is checked."""
        if self._models is None:
            self._models = sherpa_model.installed()
        return self._models

    def _chosen(self, request: SpeakRequest) -> tuple[Prepared, SherpaModel, int]:
        """What to say, with which model, by which speaker."""
        prepared = prepare(request)
        models = self._installed()
        lacks, mend = _lacks(models)
        if lacks:
            raise MissingError(lacks, hint=mend, code="missing.backend")
        name, _, speaker = request.voice.partition("/")
        if name in ("", "female", "male"):
            model, speaker = best(models, prepared, cloning=bool(self._settings.reference)), name
        elif any(m.name == name for m in models):
            model = next(m for m in models if m.name == name)
            require_language(prepared.language, model.languages, f"The voice '{name}'")
        else:
            model, speaker = _by_speaker(models, request.voice, prepared)
        if model.clones:
            reference.require(self._settings, f"The voice '{model.name}'", with_text=True)
        try:
            return prepared, model, model.speaker_id(speaker, prepared.primary)
        except KeyError:
            raise no_such_voice(request.voice, _WHAT) from None

    def _sounds(self, request: SpeakRequest, prepared: Prepared, model: SherpaModel, speaker: int) -> Iterator[Sound]:
        request.fence.check()
        with self._lock:
            process = self._ready(model, chinese=prepared.primary == "zh")
        for sentence in prepared.sentences:
            request.fence.check()  # one that was cut must not take the child from who asked next
            options = model.options(prepared.primary)
            for sound in process.speak(Job(sentence.text, speaker, request.rate, options)):
                request.fence.check()
                yield sound

    def _ready(self, model: SherpaModel, *, chinese: bool) -> SherpaProcess:
        """The child with this model. Text rules are Chinese, so it is loaded anew when a text of another kind comes."""
        wanted = (model.name, chinese and bool(model.rules))
        if self._process is not None and self._process.alive and self._loaded == wanted:
            return self._process
        self.close()
        recording = None
        if model.clones:
            recording = reference.load(self._settings, f"The voice '{model.name}'", with_text=True)
        settings = model.settings(self._settings.threads, chinese=chinese)
        self._process, self._loaded = SherpaProcess(settings, model.name, recording), wanted
        return self._process


def best(models: tuple[SherpaModel, ...], prepared: Prepared, *, cloning: bool) -> SherpaModel:
    """The best-sounding model that speaks all of the text's languages, else its main one. Raises MissingError.

    cloning: whether there is a recording, without which a model that clones is out of the question.
    """
    usable = [m for m in models if cloning or not m.clones]
    whole = [m for m in usable if prepared.languages <= set(m.languages)]
    fitting = whole or [m for m in usable if prepared.primary in m.languages]
    if fitting:
        return max(fitting, key=lambda m: m.rank + (_AT_HOME if m.languages[0] == prepared.primary else 0))
    require_language(prepared.language, {code for m in usable for code in m.languages}, _WHAT)
    raise MissingError(f"{_WHAT} has no voice for this text.", hint=f"mien models pull {_FIRST}", code="missing.voice")


def _by_speaker(models: tuple[SherpaModel, ...], voice: str, prepared: Prepared) -> tuple[SherpaModel, str]:
    """A speaker's name alone is enough where it is known."""
    for model in models:
        if len(model.speakers) > 1 and voice in model.speakers and not voice.isdigit():
            require_language(prepared.language, model.languages, f"The voice '{voice}'")
            return model, voice
    if voice in bundles.of("speak"):
        raise MissingError(f"The voice '{voice}' is not here.", hint=f"mien models pull {voice}", code="missing.voice")
    raise no_such_voice(voice, _WHAT)


def _lacks(models: tuple[SherpaModel, ...]) -> tuple[str, str]:
    if not find_spec("sherpa_onnx"):
        return "The package sherpa-onnx is not installed.", "pip install 'mien[voices]'"
    if not models:
        return "No voice for sherpa-onnx is here.", f"mien models pull {_FIRST}"
    return "", ""
