"""What a stream learns about a voice in its first seconds: how loud it is and how far it moves a mouth."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, OutputError
from mien.face.listen.features import LEVEL_FLOOR, START_LEVEL

USUAL_RANGE: Final = 9.0
"""Millimetres that the network opens the lips for most voices: nine rows in ten of speech stay below."""
FULL_RANGE: Final = 10.5
"""What they are brought to. Real lips open wider than the mean that a network learns to say."""
_QUANTILE: Final = 0.9
_FAST, _SLOW = 0.3, 0.02
"""Millimetres that one row of speech moves the estimate, in the first rows and once it has settled."""
_SETTLED: Final = 100
_LEAST, _MOST = 0.95, 1.4
_MAX_BYTES: Final = 4096

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of a voice; worth keeping with it, so that the next film starts right.

    level: natural logarithm of its mean band power. range_mm: what nine of ten rows of speech open the lips, before
    correction. heard: rows of speech that this rests on.
    """

    level: float = START_LEVEL
    range_mm: float = USUAL_RANGE
    heard: int = 0

    def save(self, file: Path) -> None:
        """Write it as JSON. Raises OutputError where that cannot be."""
        try:
            file.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"The calibration '{file}' cannot be written: {error.strerror or error}.", hint="Name another file."
            ) from error

    @staticmethod
    def load(file: Path) -> Calibration:
        """Read what :meth:`save` wrote. Raises InputError for anything else."""
        try:
            with file.open("rb") as stream:
                data = json.loads(stream.read(_MAX_BYTES))
            found = Calibration(float(data["level"]), float(data["range_mm"]), int(data["heard"]))
            if not (LEVEL_FLOOR <= found.level <= 10 and 0.5 <= found.range_mm <= 30 and found.heard >= 0):
                raise ValueError("out of range")
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise InputError(
                f"'{file}' is not a calibration of a voice.", hint="Leave it out; a few seconds of speech make one."
            ) from error
        return found


class Range:
    """Follows how far this voice opens the mouth, row by row, and says by how much to correct it.

    A running quantile: up by q, down by 1 - q, in steps that shrink while the first two seconds of speech are heard.
    """

    def __init__(self, start: Calibration) -> None:
        self.millimetres = start.range_mm
        self.heard = start.heard

    def gains(self, aperture: Rows, speaking: Rows) -> Rows:
        """Factors for each row's opening, 0.95…1.4. aperture: mm, (n,), as the network says. speaking: 0…1."""
        out = np.empty(len(aperture))
        for i, (gap, spoken) in enumerate(zip(aperture.tolist(), speaking.tolist(), strict=True)):
            if spoken > 0.5:
                self._hear(gap)
            out[i] = min(max(FULL_RANGE / self.millimetres, _LEAST), _MOST)
        return out

    def _hear(self, gap: float) -> None:
        self.heard += 1
        step = max(_SLOW, _FAST * (1 - self.heard / _SETTLED))
        self.millimetres += step * (_QUANTILE if gap > self.millimetres else _QUANTILE - 1)
        self.millimetres = max(self.millimetres, 0.5)
