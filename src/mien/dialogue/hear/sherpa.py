"""sherpa-onnx on this machine: SenseVoice, Paraformer, Whisper, zipformer, whichever models are here."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

from mien import bundles, config
from mien.dialogue.hear import sherpa_model
from mien.dialogue.hear.base import Heard, HearSettings, RecogniserInfo
from mien.dialogue.hear.ear import Ear, require_language
from mien.dialogue.hear.sherpa_model import HearModel
from mien.dialogue.languages import primary_subtag
from mien.errors import MissingError
from mien.types import AudioChunk

LICENCE: Final = "Apache-2.0 (sherpa-onnx); each model has its own"
FIRST: Final = "sense-voice"
"""The model that is recommended to somebody who has none yet."""

_AT_HOME: Final = 6  # what a model's own language is worth in rank
_WHAT: Final = "sherpa-onnx"


class SherpaRecogniser:
    """See :class:`mien.dialogue.hear.base.Recogniser`. The model is loaded in a child when the first sound comes."""

    def __init__(self, settings: HearSettings | None = None, threads: int | None = None) -> None:
        self._settings = settings or HearSettings()
        self._threads = threads
        self._models: tuple[HearModel, ...] | None = None
        self._model: HearModel | None = None
        self._ear: Ear | None = None

    @property
    def info(self) -> RecogniserInfo:
        """What this back end can do with what is here."""
        models = self._installed()
        lacks, mend = _lacks(models)
        anything = any(not model.languages for model in models)
        known = tuple(dict.fromkeys(code for model in models for code in model.languages))
        try:
            streaming = self._chosen().streaming
        except MissingError:
            streaming = False
        return RecogniserInfo(
            name="sherpa", languages=() if anything else known, streaming=streaming, needs=("model",), licence=LICENCE,
            lacks=lacks, mend=mend,
        )  # fmt: skip

    @property
    def model(self) -> str:
        """The model that is taken. Raises MissingError."""
        return self._chosen().name

    def check(self) -> None:
        """Raise what pushing would raise."""
        self._chosen()

    def warm(self) -> None:
        """Start loading. Raises as :meth:`check` does."""
        self._listening().warm()

    def push(self, chunk: AudioChunk) -> Heard | None:
        """The utterance's next sound."""
        return self._listening().push(chunk)

    def end(self) -> Callable[[], Heard]:
        """It is over."""
        return self._ear.end() if self._ear else lambda: Heard("", 0, 0, final=True)

    def finish(self) -> Heard:
        """All of it."""
        return self.end()()

    def drop(self) -> None:
        """Forget it."""
        if self._ear:
            self._ear.drop()

    def close(self) -> None:
        """End the child."""
        if self._ear:
            self._ear.close()

    def _listening(self) -> Ear:
        if self._ear is None:
            model = self._chosen()
            threads = self._threads or config.load().hear.threads
            language = self._settings.language
            only = model.languages[0] if len(model.languages) == 1 else language
            self._ear = Ear(model.settings(language, threads), model.name, only if language == "auto" else language)
        return self._ear

    def _installed(self) -> tuple[HearModel, ...]:
        if self._models is None:
            self._models = sherpa_model.installed()
        return self._models

    def _chosen(self) -> HearModel:
        if self._model is None:
            models, asked = self._installed(), self._settings.model
            lacks, mend = _lacks(models)
            if lacks:
                raise MissingError(lacks, hint=mend, code="missing.backend")
            self._model = _named(models, asked, self._settings.language) if asked else best(models, self._settings)
        return self._model


def best(models: tuple[HearModel, ...], settings: HearSettings) -> HearModel:
    """The best model for the language; for "auto" the one that understands most. Raises MissingError."""
    asked = "" if settings.language == "auto" else primary_subtag(settings.language)
    fitting = [m for m in models if not asked or not m.languages or asked in m.languages]
    if not fitting:
        known = tuple(dict.fromkeys(code for m in models for code in m.languages))
        require_language(settings.language, known, _WHAT, f"mien models pull {advised(asked)}")
    return max(
        fitting, key=lambda m: (asked or len(m.languages) != 1, m.rank + (_AT_HOME if asked in m.languages[:1] else 0))
    )


def advised(language: str) -> str:
    """The bundle to recommend for a primary subtag, "" = any language."""
    known = [b for b in bundles.of("hear").values() if not language or language in b.languages or not b.languages]
    return max(known, key=lambda b: (b.pinned, b.rank)).name if known else FIRST


def _named(models: tuple[HearModel, ...], name: str, language: str) -> HearModel:
    model = next((m for m in models if m.name == name), None)
    if model is None:
        hint = (
            f"mien models pull {name}" if name in bundles.of("hear") else f"Here: {', '.join(m.name for m in models)}."
        )
        raise MissingError(f"The model '{name}' is not here.", hint=hint, code="missing.model")
    require_language(
        language, model.languages, f"The model '{name}'", f"mien models pull {advised(primary_subtag(language))}"
    )
    return model


def _lacks(models: tuple[HearModel, ...]) -> tuple[str, str]:
    if not find_spec("sherpa_onnx"):
        return "The package sherpa-onnx is not installed.", "pip install 'mien[hear]'"
    if not models:
        return "No model for sherpa-onnx that listens is here.", f"mien models pull {FIRST}"
    return "", ""
