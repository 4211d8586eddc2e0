"""How much of a movement the landmark nets show: regressors pull towards the mean face, the small one more.

Measured by ``python -m mien.lab.evaluate.mimic_response`` in two ways: on the speech of nine people (GRID corpus, CC BY
4.0), where the embedded net's points are regressed on the movements that the 478-point net sees in the same pictures,
and on faces drawn by our own renderer, as the ratio of what both nets show of each shape. The values lie between the
two; what nobody does while speaking (brows, jaw to the side, frown) is the second alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.types import ARKIT_SHAPES


@dataclass(frozen=True)
class Response:
    """Of a real movement of 1, what the net's points make.

    pitch: of a nod (a drawn head's nod of 6° shows 0.82, the canonical face of ``face_landmarker`` says 0.85 to 0.88).
    gap: of the lips' opening. shapes: by the beginning of a shape's name, first match; 1 for the others.
    """

    pitch: float = 1.0
    gap: float = 1.0
    shapes: dict[str, float] = field(default_factory=dict)

    def of_shapes(self) -> NDArray[np.float64]:
        """(52,), in ARKIT_SHAPES order."""
        return np.array([next((v for k, v in self.shapes.items() if name.startswith(k)), 1.0) for name in ARKIT_SHAPES])


EMBEDDED: Final = Response(
    pitch=0.85,
    gap=0.92,
    shapes={
        "jawOpen": 0.87, "jaw": 0.75, "mouthClose": 0.5, "mouthSmile": 0.79, "mouthPucker": 0.57, "mouthFunnel": 0.47,
        "mouthUpperUp": 0.42, "mouthLowerDown": 0.85, "mouthLeft": 0.5, "mouthRight": 0.5, "mouthFrown": 0.57,
        "mouthStretch": 0.65, "mouthDimple": 0.65, "mouthRoll": 0.5, "mouthShrug": 0.8, "mouthPress": 0.6, "brow": 0.65,
        "cheekSquint": 0.8,
    },
)  # fmt: skip
"""The net that comes with Mien."""
LANDMARKER: Final = Response(pitch=0.88)
"""The net of ``face_landmarker``."""
