"""pocketsphinx, embedded: its English model comes with the package. It mishears more than larger networks do."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

from mien.dialogue.hear.base import Heard, HearSettings, RecogniserInfo
from mien.dialogue.hear.ear import Ear, require_language
from mien.errors import MissingError
from mien.types import AudioChunk

_LANGUAGES: Final = ("en",)
MEND_LANGUAGE: Final = "pip install 'mien[hear]' && mien models pull sense-voice"
"""What makes other languages understood."""


class PocketsphinxRecogniser:
    """See :class:`mien.dialogue.hear.base.Recogniser`. English only; "auto" takes everything for English."""

    def __init__(self, settings: HearSettings | None = None) -> None:
        self._settings = settings or HearSettings()
        self._ear = Ear({"engine": "sphinx"}, "pocketsphinx", "en")

    @property
    def info(self) -> RecogniserInfo:
        """What this back end can do."""
        lacks = "" if find_spec("pocketsphinx") else "The package pocketsphinx is not installed."
        return RecogniserInfo(
            name="pocketsphinx", languages=_LANGUAGES, streaming=True, licence="BSD-2-Clause", lacks=lacks,
            mend="pip install 'mien[hear]'" if lacks else "",
        )  # fmt: skip

    def check(self) -> None:
        """Raise what pushing would raise."""
        info = self.info
        if info.lacks:
            raise MissingError(info.lacks, hint=info.mend, code="missing.backend")
        require_language(self._settings.language, _LANGUAGES, "pocketsphinx", MEND_LANGUAGE)

    def warm(self) -> None:
        """Start loading. Raises as :meth:`check` does."""
        self.check()
        self._ear.warm()

    def push(self, chunk: AudioChunk) -> Heard | None:
        """The utterance's next sound."""
        self.check()
        return self._ear.push(chunk)

    def end(self) -> Callable[[], Heard]:
        """It is over."""
        return self._ear.end()

    def finish(self) -> Heard:
        """All of it."""
        return self.end()()

    def drop(self) -> None:
        """Forget it."""
        self._ear.drop()

    def close(self) -> None:
        """End the child."""
        self._ear.close()
