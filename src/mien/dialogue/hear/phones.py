"""Phones of speech that nobody wrote down: a recogniser without words listens to whole utterances.

It knows English phones and takes what it hears for them, in any language. What it is good for: lips. It needs
pocketsphinx (extra ``hear``) and a fifth of the time that the speech lasts.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import MissingError
from mien.timeline import TICKS_PER_SECOND, to_ticks
from mien.types import FloatArray, Phone, SpeechPart

RATE: Final = 16_000
"""Samples a second of the sound that the functions take."""

ARPABET: Final = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "aʊ", "ay": "aɪ", "b": "b", "ch": "tʃ", "d": "d", "dh": "ð",
    "eh": "ɛ", "er": "ɜ", "ey": "eɪ", "f": "f", "g": "ɡ", "hh": "h", "ih": "ɪ", "iy": "i", "jh": "dʒ", "k": "k",
    "l": "l", "m": "m", "n": "n", "ng": "ŋ", "ow": "oʊ", "oy": "ɔɪ", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ", "t": "t",
    "th": "θ", "uh": "ʊ", "uw": "u", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ",
}  # fmt: skip
"""IPA of each phone in the recogniser's alphabet, lower case; what is not in it is silence or noise."""

Timed = tuple[float, float, str]
"""Start and end in seconds, and a phone of :data:`ARPABET` or "" for silence."""


TRUST: Final = 0.40
"""Confidence of phones that were heard so; chosen on held-out recordings of the GRID corpus."""
_LEAST, _MOST = to_ticks(4), to_ticks(20)
_PAUSE_ROWS: Final = 12
"""Rows of 20 ms without a voice at which speech may be cut."""


def is_here() -> bool:
    """Whether the recogniser is installed."""
    return find_spec("pocketsphinx") is not None


def with_phones(parts: Iterable[SpeechPart], longest: int | None = None) -> Iterator[SpeechPart]:
    """The same speech with the phones that are heard in it, :data:`TRUST` each. Holds back 20 seconds at most.

    Utterances are cut in pauses where there are some. longest: ticks after which nobody listens any more.
    Raises MissingError without pocketsphinx.
    """
    decoder, length = phone_decoder(), 0
    held: list[SpeechPart] = []
    for part in parts:
        if longest is not None and part.audio.start >= longest:
            yield from _heard(held, decoder)
            held, length = [], 0
            yield part
            continue
        held.append(part)
        length += len(part.audio.samples)
        if part.last or length >= _MOST or (length >= _LEAST and _pauses(part)):
            yield from _heard(held, decoder)
            held, length = [], 0
    yield from _heard(held, decoder)


def _pauses(part: SpeechPart) -> bool:
    """Whether nobody speaks at the end of what is known of a part."""
    rows = part.activity.probability[-_PAUSE_ROWS:] if part.activity else np.ones(1, np.float32)
    return len(rows) == _PAUSE_ROWS and float(rows.max()) < 0.5


def _heard(parts: list[SpeechPart], decoder: Any) -> Iterator[SpeechPart]:
    import soxr

    if not parts:
        return
    sound = np.concatenate([p.audio.samples if p.heard is None else p.heard for p in parts])
    start = parts[0].audio.start
    thin = np.asarray(soxr.resample(sound, TICKS_PER_SECOND, RATE), np.float32)
    phones = [replace(p, start=p.start + start, end=p.end + start, confidence=TRUST) for p in recognise(thin, decoder)]
    for part in parts:
        mine = tuple(p for p in phones if part.audio.start <= p.start < part.audio.end)
        yield replace(part, phones=mine)


def recognise(sound: FloatArray, decoder: Any = None) -> tuple[Phone, ...]:
    """Phones that the recogniser hears, in IPA, silences left out. sound: float32, (n,), at :data:`RATE`.
    decoder: of :func:`phone_decoder`, to be used by one thread; None = a new one.

    Raises MissingError without pocketsphinx.
    """
    decoder = decoder or phone_decoder()
    decoder.start_utt()
    decoder.process_raw(pcm(sound), full_utt=True)
    decoder.end_utt()
    heard = ((s.start_frame / 100, (s.end_frame + 1) / 100, str(s.word).lower()) for s in decoder.seg() or ())
    return as_phones(heard)


def as_phones(timed: Iterable[Timed]) -> tuple[Phone, ...]:
    """Phones in ticks and IPA from seconds and ARPAbet; silences are left out."""
    return tuple(
        Phone(round(start * TICKS_PER_SECOND), round(end * TICKS_PER_SECOND), ARPABET[name])
        for start, end, name in timed
        if name in ARPABET and end > start
    )


def pcm(sound: FloatArray) -> bytes:
    """The sound as the recogniser takes it: 16 bits, at one level."""
    peak = float(np.abs(sound).max()) if len(sound) else 0.0
    return bytes((sound / max(peak, 1e-6) * 0.6 * 32767).astype(np.int16).tobytes())


def sphinx() -> Any:
    """The library. Raises MissingError without it."""
    try:
        import pocketsphinx
    except ImportError:
        raise MissingError(
            "The phone recogniser is not installed.", hint="pip install 'mien[hear]'", code="missing.pocketsphinx"
        ) from None
    return pocketsphinx


@functools.cache
def model_folder() -> Path:
    """Where its models lie. Raises MissingError without it."""
    return Path(sphinx().get_model_path())


def phone_decoder() -> Any:
    """A decoder of phones; for one thread. Raises MissingError without pocketsphinx."""
    library = sphinx()
    phones = str(model_folder() / "en-us-phone.lm.bin")
    if not Path(phones).exists():
        phones = str(model_folder() / "en-us" / "en-us-phone.lm.bin")
    return library.Decoder(library.Config(loglevel="FATAL", allphone=phones, lw=2.0, beam=1e-20, pbeam=1e-20))
