"""Which back end speaks, with which voice.

A voice may name its back end, "edge:zh-CN-XiaoxiaoNeural", or be one, "sherpa". "auto" takes the best that is here for
the language: a cloned voice whose server runs on this machine, then sherpa-onnx, then a local OpenAI-compatible server,
then the embedded voice. It never sends the text away from this machine.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from mien import bundles, config, plugins
from mien.dialogue.speak import web
from mien.dialogue.speak.base import Speaker, SpeakRequest
from mien.dialogue.speak.fallback import FallbackSpeaker
from mien.errors import MienError

AUTO: Final = "auto"
EMBEDDED: Final = "espeak"
_PROBE_SECONDS: Final = 0.3
_GENDERS: Final = ("female", "male")
_PULL: Final = {"zh": "kokoro-zh-en", "en": "kokoro-zh-en", "de": "piper-de"}
"""Primary subtag → the bundle that is recommended where there is none; others: "kokoro-multi" where it speaks them."""


@dataclass(frozen=True)
class Chosen:
    """A speaker that is ready, and the voice to ask it for. backend: its name."""

    speaker: Speaker
    voice: str
    backend: str

    def tell_what_leaves(self, tell: Callable[[str], None]) -> None:
        """Say in a line what leaves this machine: after what cannot be spoken was refused, before anything is."""
        if leaves := self.speaker.info.leaves:
            tell(leaves)


def open_voice(
    speak: config.SpeakConfig,
    text: str,
    tell: Callable[[str], None],
    settings: config.VoicesConfig | None = None,
) -> Chosen:
    """The speaker for a text (marks taken out), as ``[speak]`` asks. The caller closes it, and tells what leaves.

    tell: told in a line which voice "auto" took, and that the embedded voice steps in.
    Raises MissingError for a back end that is not installed.
    """
    settings = settings or config.load().voices
    backend, voice = split(speak.voice, speak.backend)
    if backend == AUTO:
        chosen = _best(SpeakRequest(text, speak.language, voice=voice), settings, tell)
    else:
        chosen = Chosen(_made(backend, settings), voice, backend)
    if speak.fallback and chosen.backend != EMBEDDED:
        stand_in = FallbackSpeaker(chosen.speaker, lambda: _made(EMBEDDED, settings), tell)
        return Chosen(stand_in, chosen.voice, chosen.backend)
    return chosen


def split(voice: str, backend: str) -> tuple[str, str]:
    """Back end and voice of what a user wrote: "edge:NAME", "edge", "auto", "auto:female", or one of ``backend``.

    With the embedded back end, names that can only be another's choose that: "kokoro-zh-en", "zh-CN-YunxiNeural".
    """
    known = (AUTO, *plugins.available("speak"))
    first, colon, rest = voice.partition(":")
    if first in known and (colon or voice == first):
        return first, rest
    if backend == EMBEDDED and voice:
        name = voice.partition("/")[0]
        if name in bundles.of("speak") or name in bundles.installed():
            return "sherpa", voice
        if voice.endswith("Neural") and "-" in voice:
            return "edge", voice
    return backend, voice


def speakers() -> Iterator[tuple[str, Speaker]]:
    """Every installed back end by name, the embedded one first. Each is to be closed."""
    settings = config.load().voices
    names = sorted(plugins.available("speak"), key=lambda name: (name != EMBEDDED, name))
    for name in names:
        yield name, _made(name, settings)


def _made(backend: str, settings: config.VoicesConfig) -> Speaker:
    kind: Any = plugins.load("speak", backend)
    speaker: Speaker = kind() if backend == EMBEDDED else _with(kind, settings)
    return speaker


def _with(kind: Any, settings: config.VoicesConfig) -> Any:
    """Back ends of others may take no settings."""
    try:
        return kind(settings)
    except TypeError:
        return kind()


def _best(request: SpeakRequest, settings: config.VoicesConfig, tell: Callable[[str], None]) -> Chosen:
    for backend in _candidates(settings):
        speaker = _made(backend, settings)
        try:
            speaker.check(request)
        except MienError:
            speaker.close()
            continue
        name_of = getattr(speaker, "name_of", None)
        voice = name_of(request) if name_of else request.voice
        tell(f"Voice: {backend}{':' if voice else ''}{voice}.")
        return Chosen(speaker, voice, backend)
    tell(f"Voice: the embedded one.{_advice(request)}")
    return Chosen(_made(EMBEDDED, settings), request.voice if request.voice in _GENDERS else "", EMBEDDED)


def _candidates(settings: config.VoicesConfig) -> Iterator[str]:
    """Back ends on this machine that could speak, the best first."""
    standard = config.VoicesConfig()
    if settings.reference and answers(settings.gptsovits_url):
        yield "gptsovits"
    named = settings.reference or settings.cosyvoice_speaker or settings.cosyvoice_url != standard.cosyvoice_url
    if named and answers(settings.cosyvoice_url):
        yield "cosyvoice"
    yield "sherpa"
    from mien.dialogue.speak.openai import OpenaiSpeaker

    if answers(OpenaiSpeaker(settings).address):
        yield "openai"


def answers(url: str) -> bool:
    """Whether something listens there, on this machine; nothing else is asked. Takes at most a third of a second."""
    if not web.is_loopback(url):
        return False
    parts = urlsplit(url)
    with contextlib.suppress(OSError, ValueError):
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), _PROBE_SECONDS):
            return True
    return False


def _advice(request: SpeakRequest) -> str:
    """How to get a natural voice for the text."""
    from mien.dialogue.speak.request import prepare

    with contextlib.suppress(MienError):
        language = prepare(request).primary
        spoken = [
            name for name, bundle in bundles.of("speak").items() if language in bundle.languages and bundle.pinned
        ]
        if spoken:
            return f" A natural one: mien models pull {_PULL.get(language, spoken[0])}"
        return " A natural one sends the text to Microsoft: --voice edge"
    return ""
