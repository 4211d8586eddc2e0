"""Lips from sound by every way that is compared: Mien's own, another model, and the simple ones that it has to beat.

Every way gives aperture and width in rows of 20 ms, row k at tick 960 k. Mien's own hears a recording exactly as
``mien make --audio`` does: voice activity, levelling, the driver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien import plugins
from mien.face.base import FaceDriver, FaceSettings
from mien.face.measure import aperture_mm, width_mm
from mien.timeline import TICKS_PER_SECOND
from mien.types import AudioChunk, FaceClip, FloatArray, Phone, SpeechPart

Rows = NDArray[np.float64]

ROW: Final = TICKS_PER_SECOND // 50
_SMOOTH: Final = 7
"""Rows over which the flap is smoothed."""


@dataclass(frozen=True)
class Lips:
    """Aperture and width, mm (flaps: in no unit), (rows,); width None where a way does not know it."""

    aperture: Rows
    width: Rows | None


Way = Callable[[FloatArray], Lips]
"""From the sound of a film, float32 (n,) at 48 kHz, to lips."""


def listening(driver: str = "listen", model: Path | None = None) -> Way:
    """Mien's way of moving lips by any voice. model: a network instead of the shipped one."""
    return lambda sound: lips_of(motion(sound, open_driver(driver, model)))


def live(look_ahead: int) -> Way:
    """The same as in a live session, which waits for its network only. look_ahead: rows, 3 or 0."""
    from mien.face.listen.driver import ListenDriver

    return lambda sound: lips_of(
        motion(sound, ListenDriver(FaceSettings(), prompt=True, look_ahead=look_ahead), phones="off")
    )


def open_driver(name: str = "listen", model: Path | None = None) -> FaceDriver:
    """A face driver with the usual settings, neutral. model: for the listening one. Raises MissingError, InputError."""
    driver: FaceDriver = plugins.load("face", name)(FaceSettings(lip_model=str(model or "")))
    return driver


def motion(sound: FloatArray, driver: FaceDriver, *, phones: str = "auto") -> FaceClip:
    """The motion that ``mien make --audio`` gives this sound (48 kHz). Raises InputError for silence.

    phones: whether a recogniser listens, too, as ``[audio]`` has it.
    """
    from mien import config
    from mien.audio.loudness import TARGET_LUFS, level
    from mien.recorded import Recording
    from mien.types import Emotion

    clips = []
    heard = Recording((sound, TICKS_PER_SECOND), audio=config.AudioConfig(phones=phones)).speech(
        Emotion(), lambda _: None
    )
    for part in level(heard, TARGET_LUFS):
        driver.push(part)
        clips.append(driver.read())
    driver.close()
    clips.append(driver.read())
    return FaceClip(clips[0].start, np.concatenate([c.shapes for c in clips]), np.concatenate([c.head for c in clips]))


def lips_of(clip: FaceClip) -> Lips:
    """What a clip shows, from tick 0 on."""
    return Lips(aperture_mm(clip.shapes), width_mm(clip.shapes))


def flap(sound: FloatArray) -> Lips:
    """Baseline: the mouth opens with the loudness of the moment, and that is all."""
    rows = len(sound) // ROW
    padded = np.pad(sound.astype(np.float64), (ROW // 2, ROW))
    power = (padded[: (rows + 1) * ROW].reshape(rows + 1, ROW) ** 2).mean(1)
    window = np.hanning(_SMOOTH + 2)[1:-1]
    loud = np.sqrt(np.convolve(np.sqrt(power), window / window.sum(), "same"))
    return Lips(loud, None)


def recognised(sound: FloatArray) -> Lips:
    """Baseline: a phone recogniser hears English phones, and the phone driver's table moves the lips by them.

    It is not live: it hears the whole recording first. Raises MissingError without pocketsphinx.
    """
    from scipy.signal import resample_poly

    from mien.lab.evaluate.baseline_phones import RATE, recognise

    phones = recognise(np.asarray(resample_poly(sound, RATE, TICKS_PER_SECOND), np.float32))
    return lips_of(spoken(sound, phones))


def spoken(sound: FloatArray, phones: tuple[Phone, ...]) -> FaceClip:
    """The phone driver's motion for phones at their ticks."""
    driver = open_driver("phones")
    driver.push(SpeechPart(AudioChunk(0, sound), phones, (), last=True))
    driver.close()
    return driver.read()
