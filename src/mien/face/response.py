"""How the voice shows on the face beside the lips: brows, head, gaze and a touch of expression.

Brows and head rise with the pitch and the head moves more the livelier the voice, as they do in people (Munhall et al.,
"Visual prosody and speech intelligibility", 2004; Cavé et al., "About the relationship between eyebrow movements and F0
variations", 1996). Where a phrase ends, its melody decides: after a fall, as at a full stop, the eyes come back to the
viewer and the head nods; after a rise, as in a question, brows and chin go up; else it was a pause to think, and the
eyes may go elsewhere (Kendon, "Some functions of gaze-direction in social interaction", 1967).

All of it is scaled by ``FaceSettings.voice_expression`` and bounded (:data:`MOST_BROW` and so on); it comes and goes
with speech, and where nobody speaks it is exactly nothing.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.face.affect import CALM
from mien.face.emotion import circumplex
from mien.face.noise import uniform
from mien.face.prosody import PhraseEnd, Tone
from mien.face.pulses import Pulses, Rows, held
from mien.face.styles import Style

MOST_BROW: Final = 0.20
"""Largest rise of the brows with the pitch, at style factor 1."""
MOST_LIFT: Final = 1.3
"""Degrees that the chin goes up with the pitch at most."""
MOST_FEELING: Final = 0.55
"""Share of an expression that the voice's own feeling reaches at most, at full valence or arousal."""

_FALL, _RISE = -0.3, 0.4
_UNSURE: Final = 0.08  # valence and arousal below this are no news
_HERE, _GONE = 1 / 20, 1 / 60  # how fast presence follows speech, per row
_STAY, _LEAVE = 55, 20  # rows after speech in which its last nod, glance or blink still belongs to it
_GLANCE: Final = (7.5, 5.0)  # degrees aside and up of a look away


@dataclass(frozen=True, slots=True)
class Response:
    """What the voice adds, row by row. look: (n, 52 + 3) as an expression. brow: rise of the brows. lift: degrees that
    the chin goes up. energy: of the head's motion, added to 1. attend: 0…1, how far the gaze is drawn to the viewer.
    aside, up: degrees that it goes elsewhere. near: 0…1, whether somebody speaks or just did: music has stresses too.
    """

    look: Rows
    brow: Rows
    lift: Rows
    energy: Rows
    attend: Rows
    aside: Rows
    up: Rows
    near: Rows


class Responder:
    """Streams. amount: 0…1, how much shows."""

    def __init__(self, seed: int, amount: float, style: Style) -> None:
        self._seed, self._amount, self._style = seed, amount, style
        self._tones: deque[Tone] = deque()
        self._mood = CALM
        self._row, self._ends = 0, 0
        self._present = self._brow = self._lift = 0.0
        self._since = _STAY + _LEAVE
        self._attend, self._aside, self._up = Pulses(), Pulses(), Pulses()
        self._brows, self._chin = Pulses(), Pulses()

    def tone(self, event: Tone) -> None:
        """Hear how the voice sounds."""
        if self._amount:
            self._tones.append(event)

    def phrase_end(self, event: PhraseEnd) -> float:
        """Show how a phrase ended; returns how much of the nod at a phrase's end is left, 0…1.3."""
        self._ends += 1
        if not self._amount or event.contour == 0:
            return 1.0
        size, row = abs(event.contour) * self._amount, event.row
        if event.contour < _FALL:
            self._attend.add(row + 2, held(3, 45, 20), min(1.0, self._amount))
            return 1 + 0.3 * size
        if event.contour > _RISE:
            self._brows.add(row - 2, held(9, 8, 26), 0.34 * size * self._style.brows)
            self._chin.add(row - 2, held(11, 6, 26), 1.2 * size * self._style.nods)
            self._attend.add(row + 2, held(3, 45, 20), min(1.0, self._amount))
            return 1 - 0.8 * size
        if uniform(self._seed, "glance", self._ends) < 0.55 * self._style.gaze:
            side = 2 * uniform(self._seed, "glance side", self._ends) - 1
            away, wait = self._amount * self._style.gaze, round(25 * uniform(self._seed, "glance time", self._ends))
            self._aside.add(
                row + 4, held(2, 18 + wait, 3), _GLANCE[0] * away * math.copysign(0.5 + abs(side) / 2, side)
            )
            self._up.add(row + 4, held(2, 18 + wait, 3), _GLANCE[1] * away * (1 - abs(side)))
        return 1 - 0.4 * self._amount

    def rows(self, speaking: Rows) -> Response:
        """The next rows. speaking: 0…1, whether the mouth speaks, (n,)."""
        n = len(speaking)
        table = np.array([self._step(now) for now in speaking.tolist()]).reshape(n, 5)
        brow, lift, energy, valence, arousal = table.T
        near = self._near(speaking)
        style, amount = self._style, self._amount
        look = circumplex(valence, arousal) * (MOST_FEELING * amount) if table.any() else np.zeros((n, 58 - 3))
        return Response(
            look=look,
            brow=MOST_BROW * amount * style.brows * brow + self._brows.take(n) * near,
            lift=MOST_LIFT * amount * style.nods * lift + self._chin.take(n) * near,
            energy=amount * energy,
            attend=np.minimum(self._attend.take(n), 1) * near,
            aside=self._aside.take(n) * near,
            up=self._up.take(n) * near,
            near=near,
        )

    def _near(self, speaking: Rows) -> Rows:
        """1 in speech and for :data:`_STAY` rows after it, 0 another :data:`_LEAVE` rows later."""
        since = np.empty(len(speaking))
        for i, now in enumerate(speaking.tolist()):
            self._since = 0 if now > 0.3 else min(self._since + 1, _STAY + _LEAVE)
            since[i] = self._since
        return np.asarray(1 - np.clip((since - _STAY) / _LEAVE, 0, 1))

    def _step(self, speaking: float) -> tuple[float, float, float, float, float]:
        """Rise of brows and chin 0…1, energy, valence and arousal of the next row."""
        while self._tones and self._tones[0].row <= self._row:
            self._mood = self._tones.popleft().mood
        self._row += 1
        mood = self._mood
        self._present += (speaking - self._present) * (_HERE if speaking > self._present else _GONE)
        if self._present < 1e-3 and speaking == 0:
            self._present = self._brow = self._lift = 0.0
            return (0.0, 0.0, 0.0, 0.0, 0.0)
        here = self._present
        self._brow += (here * max(0.0, mood.pitch + 0.25 * mood.loudness) - self._brow) * 0.16
        self._lift += (here * (mood.pitch + 0.3 * mood.loudness) - self._lift) * 0.12
        energy = here * (0.35 * mood.arousal + 0.15 * mood.loudness)
        return (
            min(1.0, self._brow),
            max(-1.0, min(1.0, self._lift)),
            energy,
            _sure(mood.valence) * here,
            _sure(mood.arousal) * here,
        )


def _sure(value: float) -> float:
    return math.copysign(max(0.0, abs(value) - _UNSURE), value)
