"""From the network's answers to what the mouth does: lips that are as open and as wide as it says, shut when nobody
speaks, and nearer to the phones the surer those are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.lips import ease
from mien.face.listen.contacts import over
from mien.face.listen.heads import APERTURE, MOUTH, SPEAKING, TEETH, WIDTH
from mien.face.measure import WIDENS
from mien.face.visemes import CHANNEL, CHANNELS, TRAVEL

Rows = NDArray[np.float64]

_OPENS: Final = np.array([TRAVEL.get(name, 0.0) for name in CHANNELS])
_SPREADS: Final = np.array([WIDENS.get(name, 0.0) for name in CHANNELS])
_OPENERS: Final = [CHANNEL[n] for n in ("jawOpen", "mouthLowerDown", "mouthUpperUp")]
_WIDE: Final = [CHANNEL[n] for n in ("mouthStretch", "mouthSmile")]
_ROUND: Final = [CHANNEL[n] for n in ("mouthPucker", "mouthFunnel")]
_STRETCH, _PUCKER = CHANNEL["mouthStretch"], CHANNEL["mouthPucker"]
_JAW_SHARE: Final = 0.5
_SURE_TEETH: Final = (0.30, 0.65)
_SURE_SPEECH: Final = (0.30, 0.60)


@dataclass(frozen=True, slots=True)
class Posture:
    """Rows of articulation, as :meth:`mien.face.lips.Articulation.take` gives them: (n, channels), then (n,) each."""

    target: Rows
    closed: Rows
    teeth: Rows
    speaking: Rows


def posture(told: Rows, closed: Rows, gains: Rows) -> Posture:
    """What the network says, (n, HEADS), as rows of articulation.

    closed: (n,), see :mod:`mien.face.listen.contacts`. gains: (n,), the voice's correction of openness.
    """
    target = np.clip(told[:, MOUTH], 0, 1)
    opened = np.maximum(told[:, APERTURE] * 10, 0) * gains
    target = _as_wide(_as_open(target, opened), told[:, WIDTH] * 5)
    return Posture(target, closed, over(told[:, TEETH], *_SURE_TEETH), over(told[:, SPEAKING], *_SURE_SPEECH))


def blend(heard: Posture, known: Posture, confidence: Rows) -> Posture:
    """Between what is heard and what the phones say, by how sure those are, (n,) 0…1. A contact that is known holds."""
    sure = ease(np.clip((confidence - 0.1) / 0.6, 0, 1))
    share = sure[:, None]
    doubted = ease(np.clip((confidence - 0.4) / 0.4, 0, 1))  # contacts that are heard hold, too, until phones are sure
    firm = np.where(confidence > 0.25, 1.0, 0.0)
    return Posture(
        heard.target * (1 - share) + known.target * share,
        np.maximum(heard.closed * (1 - doubted), known.closed * firm),
        np.maximum(heard.teeth * (1 - doubted), known.teeth * firm),
        heard.speaking * (1 - sure) + known.speaking * sure,
    )


def _as_open(target: Rows, aperture: Rows) -> Rows:
    """Scale what parts the lips so that they are this far apart, mm (n,); where nothing parts them, jaw and lips do."""
    out = target.copy()
    fixed = target @ np.where(np.isin(np.arange(len(CHANNELS)), _OPENERS), 0, _OPENS)
    wanted = np.maximum(aperture - fixed, 0)
    have = target[:, _OPENERS] @ _OPENS[_OPENERS]
    factor = np.clip(wanted / np.maximum(have, 0.5), 0, 2.5)
    out[:, _OPENERS] *= factor[:, None]
    rest = np.maximum(wanted - have * factor, 0)
    out[:, _OPENERS[0]] += rest * _JAW_SHARE / _OPENS[_OPENERS[0]]
    for lip in _OPENERS[1:]:
        out[:, lip] += rest * (1 - _JAW_SHARE) / 2 / _OPENS[lip]
    return out


def _as_wide(target: Rows, width: Rows) -> Rows:
    """Spread or round the lips until the mouth is this wide, mm relative to rest (n,): first less of the opposite."""
    out = target.copy()
    error = width - out @ _SPREADS
    for channels, sign in ((_ROUND, 1.0), (_WIDE, -1.0)):
        have = np.abs(out[:, channels] @ _SPREADS[channels])
        undo = np.clip(sign * error, 0, have)
        out[:, channels] *= (1 - undo / np.maximum(have, 1e-6))[:, None]
        error -= sign * undo
    out[:, _STRETCH] += np.clip(error, 0, 6) / _SPREADS[_STRETCH]
    out[:, _PUCKER] += np.clip(error, -8, 0) / _SPREADS[_PUCKER]
    return np.asarray(np.clip(out, 0, 1))
