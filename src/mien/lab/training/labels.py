"""What the network should say: rows of lip posture from phones, as the phone driver's own articulation has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from mien.face.lips import Articulation
from mien.face.listen.heads import APERTURE, CLOSED, HEADS, MOUTH, SPEAKING, TEETH, WIDTH
from mien.face.measure import WIDENS
from mien.face.visemes import CHANNELS, TRAVEL
from mien.types import FloatArray, Phone

_SMOOTHING: Final = 0.35
_OPENS = np.array([TRAVEL.get(name, 0.0) for name in CHANNELS])
_SPREADS = np.array([WIDENS.get(name, 0.0) for name in CHANNELS])


def label_rows(phones: Sequence[Phone], start: int, rows: int) -> FloatArray:
    """Targets of every head, (rows, HEADS); row k is at tick start + 960 k. Phones may lie outside."""
    articulation = Articulation(start, _SMOOTHING)
    for phone in phones:
        articulation.add(phone)
    target, closed, teeth, speaking = articulation.take(rows)
    mouth = target * speaking[:, None]
    out = np.zeros((rows, HEADS), np.float32)
    out[:, MOUTH] = mouth
    out[:, CLOSED], out[:, TEETH], out[:, SPEAKING] = closed, teeth, speaking
    out[:, APERTURE] = (mouth @ _OPENS) * (1 - closed) / 10
    out[:, WIDTH] = (mouth @ _SPREADS) / 5
    return out
