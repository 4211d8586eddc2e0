"""Do lips close where they must, and stay shut where nobody speaks, for any voice and in noise?

Speech is made with exact phones by voices that no network of ours learned from, alone and with babble, and driven as
``mien make --audio`` drives a recording: without being told the phones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.base import FaceDriver
from mien.face.measure import aperture_mm
from mien.face.visemes import gestures
from mien.lab.evaluate.lips import CLOSED_MM, closures, rows_at, silent_frames
from mien.lab.evaluate.lips_drive import motion
from mien.lab.evaluate.lips_sounds import Spoken, babble, mixed, speechless, utterances
from mien.lab.evaluate.measure import Measure, at_least
from mien.timeline import frame_tick, frames_in
from mien.types import FloatArray, Phone

CONDITIONS: Final[dict[str, tuple[float | None, float | None]]] = {
    "clean": (None, None), "20 dB": (20.0, 0.90), "10 dB": (10.0, 0.75),
}  # fmt: skip
"""Babble: (ratio in dB, share of bilabials that must close)."""
SHUT: Final = 0.99
"""Share of frames in which the mouth must be shut where nobody speaks."""
OPEN_MM: Final = 7.0
"""Phones that ask for so much are open ones."""
_RATES: Final = (Fraction(24), Fraction(25))

Driver = Callable[[], FaceDriver]
Tell = Callable[[str], None]


def run(
    driver: Driver,
    *,
    crowd: Path | None = None,
    ambience: Mapping[str, FloatArray] | None = None,
    tell: Tell = lambda _: None,
) -> list[Measure]:
    """Judge a driver. driver: makes a new one. crowd: recordings to make the babble of. ambience: further sounds
    (48 kHz) in which nobody speaks, by name."""
    said = list(utterances())
    measures: list[Measure] = []
    noise = babble(20.0, crowd)
    for name, (ratio, bound) in CONDITIONS.items():
        measures += _spoken(driver, said, noise, ratio, bound, name)
        tell(f"Closures, {name}: {100 * measures[-4].value:.1f} %")
    for name, sound in {**speechless(), "babble": noise, **(ambience or {})}.items():
        shut = aperture_mm(motion(sound, driver()).shapes) <= CLOSED_MM
        key = f"shut.{name.replace(' ', '_')}"
        if name == "babble":  # people do speak in it: whose mouth moves is a matter of taste
            measures.append(Measure(key, float(shut.mean()), "", note="share of rows with closed lips"))
        else:
            measures.append(at_least(key, float(shut.mean()), SHUT, "", "share of rows with closed lips"))
        tell(f"{name}: shut {100 * shut.mean():.1f} %")
    return measures


def _spoken(
    driver: Driver, said: list[Spoken], noise: FloatArray, ratio: float | None, bound: float | None, name: str
) -> list[Measure]:
    shut, found, openings, lost = [], [], [], []
    for spoken in said:
        sound = spoken.sound if ratio is None else mixed(spoken, noise, ratio)
        clip = motion(sound, driver())
        for fps in _RATES:
            ticks = [frame_tick(k, fps) for k in range(frames_in(len(sound), fps))]
            gaps = aperture_mm(rows_at(clip, ticks)[0])
            shut.append(closures(spoken.phones, gaps, fps).gaps <= CLOSED_MM)
            openings.append(gaps[silent_frames(spoken.phones, len(gaps), fps)] > CLOSED_MM)
            found.append(gaps[_inside_open(spoken.phones, ticks)] <= CLOSED_MM)
            lost.append(_contrast(spoken.phones, ticks, gaps))
    key, share = f"lips.{name.replace(' ', '')}", float(np.concatenate(shut).mean())
    note = f"share of {sum(map(len, shut)) // len(_RATES)} m, b and p whose smallest gap on screen is at most 1 mm"
    closed = Measure(f"{key}.closed", share, "", note=note)
    if bound is not None:
        closed = at_least(closed.name, share, bound, "", note)
    return [
        closed,
        Measure(f"{key}.false_closures", float(np.concatenate(found).mean()), "", note="of frames inside open vowels"),
        Measure(
            f"{key}.false_openings", float(np.concatenate(openings).mean()), "", note="of frames 150 ms off speech"
        ),
        Measure(f"{key}.open_gap", float(np.nanmean(lost)), "mm", note="mean gap in the middle of open vowels"),
    ]


def _inside_open(phones: tuple[Phone, ...], ticks: list[int]) -> NDArray[np.bool_]:
    """Frames within the middle half of an open vowel."""
    at = np.array(ticks)
    inside = np.zeros(len(at), bool)
    for phone in phones:
        if _is_open(phone):
            quarter = (phone.end - phone.start) / 4
            inside |= (at >= phone.start + quarter) & (at < phone.end - quarter)
    return inside


def _is_open(phone: Phone) -> bool:
    parts = gestures(phone.symbol)
    return bool(parts) and min(g.aperture for g in parts) >= OPEN_MM


def _contrast(phones: tuple[Phone, ...], ticks: list[int], gaps: NDArray[np.float64]) -> float:
    middles = [(p.start + p.end) / 2 for p in phones if _is_open(p)]
    return float(np.interp(middles, ticks, gaps).mean()) if middles else float("nan")
