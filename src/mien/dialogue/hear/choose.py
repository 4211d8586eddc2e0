"""Which back end hears.

"auto" takes the best that is here for the language: sherpa-onnx with a model, then an OpenAI-compatible server on this
machine that was named, then pocketsphinx, which knows English. It never sends sound away from this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from mien import config, plugins
from mien.dialogue.hear.base import HearSettings, Recogniser
from mien.dialogue.hear.pocketsphinx import MEND_LANGUAGE
from mien.dialogue.languages import primary_subtag
from mien.errors import MienError, MissingError

AUTO: Final = "auto"
EMBEDDED: Final = "pocketsphinx"
_ORDER: Final = ("sherpa", "openai", EMBEDDED)


@dataclass(frozen=True)
class Chosen:
    """An ear that is ready to be pushed to. backend, model: what it is; model "" where the back end has but one."""

    recogniser: Recogniser
    backend: str
    model: str = ""


def open_ear(hear: config.HearConfig, tell: Callable[[str], None]) -> Chosen:
    """The ear that ``[hear]`` asks for; the caller closes it. What loads slowly begins to load.

    tell: told in a line which one "auto" took, and what leaves this machine. Raises MissingError with the command that
    mends it where nothing here understands the language.
    """
    settings = HearSettings(hear.language, hear.model)
    backend, _, model = hear.backend.partition(":")
    if model:
        settings = HearSettings(hear.language, model)
    chosen = _best(settings, hear, tell) if backend == AUTO else _checked(backend, settings, hear)
    leaves = chosen.recogniser.info.leaves
    if leaves:
        tell(leaves)
    warm = getattr(chosen.recogniser, "warm", None)  # back ends of others may have nothing to load
    if warm is not None:
        warm()
    return chosen


def recognisers(hear: config.HearConfig | None = None) -> Iterator[tuple[str, Recogniser]]:
    """Every installed back end by name, the best first. Each is to be closed."""
    hear = hear or config.load().hear
    settings = HearSettings(hear.language, hear.model)
    names = plugins.available("hear")
    for name in sorted(names, key=lambda n: (_ORDER.index(n) if n in _ORDER else 0, n)):
        yield name, _made(name, settings, hear)


def _best(settings: HearSettings, hear: config.HearConfig, tell: Callable[[str], None]) -> Chosen:
    for backend in _candidates(hear):
        try:
            chosen = _checked(backend, settings, hear)
        except MienError:
            continue
        only = " It understands English only; for more: " + MEND_LANGUAGE if backend == EMBEDDED else ""
        tell(f"Hearing: {backend}{':' if chosen.model else ''}{chosen.model}.{only}")
        return chosen
    asked = "" if settings.language == AUTO else f" '{primary_subtag(settings.language)}'"
    raise MissingError(f"Nothing here understands{asked or ' speech'}.", hint=_mend(settings), code="missing.hearing")


def _candidates(hear: config.HearConfig) -> Iterator[str]:
    from mien.dialogue.hear.openai import OpenaiRecogniser
    from mien.dialogue.speak.choose import answers

    here = plugins.available("hear")
    yield from (name for name in here if name not in _ORDER)  # what somebody installed beside ours is meant
    yield "sherpa"
    if answers(OpenaiRecogniser(options=hear).address):
        yield "openai"
    yield EMBEDDED


def _mend(settings: HearSettings) -> str:
    from mien.dialogue.hear.sherpa import advised

    code = "" if settings.language == AUTO else primary_subtag(settings.language)
    return (
        "pip install 'mien[hear]'"
        if code in ("", "en")
        else f"pip install 'mien[hear]' && mien models pull {advised(code)}"
    )


def _checked(backend: str, settings: HearSettings, hear: config.HearConfig) -> Chosen:
    recogniser = _made(backend, settings, hear)
    try:
        recogniser.check()
    except BaseException:
        recogniser.close()
        raise
    return Chosen(recogniser, backend, str(getattr(recogniser, "model", "")))


def _made(backend: str, settings: HearSettings, hear: config.HearConfig) -> Recogniser:
    kind: Any = plugins.load("hear", backend)
    if backend == "openai":
        made: Recogniser = kind(settings, hear)
    elif backend == "sherpa":
        made = kind(settings, hear.threads)
    else:
        made = kind(settings)
    return made
