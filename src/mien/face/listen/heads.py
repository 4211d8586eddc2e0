"""What the network that listens says about every row: the columns of its output."""

from __future__ import annotations

from typing import Final

from mien.face.visemes import CHANNELS

MOUTH: Final = slice(0, len(CHANNELS))
"""The mouth's shapes in the order of :data:`mien.face.visemes.CHANNELS`, 0…1, before contacts."""
APERTURE: Final = len(CHANNELS)
"""Gap between the lips, centimetres on a face with 63 mm between the eyes, contacts included."""
WIDTH: Final = APERTURE + 1
"""Width of the mouth relative to rest, in units of 5 mm."""
CLOSED: Final = WIDTH + 1
"""Closed lips, 0…1, as :meth:`mien.face.lips.Articulation.take` has it."""
TEETH: Final = CLOSED + 1
"""Lower lip at the upper teeth, 0…1."""
SPEAKING: Final = TEETH + 1
"""Somebody speaks, 0…1."""
HEADS: Final = SPEAKING + 1

ROW: Final = 960
"""Ticks from row to row."""
LISTENING_RATE: Final = 16_000
"""Hz of the sound that the network hears."""
