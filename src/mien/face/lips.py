"""Articulation: phones become postures that blend, and contacts that nothing may undo.

Blending follows Cohen and Massaro's dominance functions (1993): each posture pulls with D = α·exp(−(θ·d)^1.3), d being
the time outside the posture's central half, and the mouth is the weighted mean. Dominance ends after
:data:`REACH` seconds, so that a row is final once the speech that far ahead is known. Postures lead the sound by
:data:`LEAD`: lips form a sound slightly before it is heard. The corners of the mouth follow the opening by
:data:`CORNERS_FOLLOW`, as they do on the real lips of nine speakers.

Contacts come after blending: around a bilabial the lips are closed, and around a labiodental the lower lip is at the
teeth, for long enough (:data:`SHORTEST_CONTACT`) that a film at 24 frames a second shows it wherever its frames fall.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.visemes import CHANNEL, CHANNELS, WIDENS, Gesture, gestures
from mien.timeline import TICKS_PER_SECOND
from mien.types import Phone

Rows = NDArray[np.float64]

LEAD: Final = 0.030
"""Seconds by which postures precede the sound. Contacts lead by :data:`CONTACT_LEAD` only: they are heard exactly."""
CORNERS_FOLLOW: Final = 0.020
"""Seconds by which rounding and spreading come after the opening of the same posture."""
CONTACT_LEAD: Final = 0.005
REACH: Final = 0.180
"""Seconds beyond a posture's central half at which it stops to matter."""
PLATEAU: Final = 0.5
"""Share of a posture's time over which it pulls in full."""
EXPONENT: Final = 1.3
REST: Final = 0.06
"""Pull of the mouth at rest."""
SHORTEST_CONTACT: Final = 0.048
"""Seconds that a contact is held at least: more than a frame at 24 a second."""
OPEN_BEFORE, OPEN_AFTER = 0.140, 0.130
"""Seconds around speech outside of which the mouth is closed. It begins to move that early and is at rest that late."""

CORNERS: Final = [CHANNEL[name] for name in ("mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile")]
"""The channels that round and spread the mouth."""

_ROW: Final = 1 / 50
_CLOSING, _OPENING = 0.054, 0.062


class Articulation:
    """Rows of articulation at 50 Hz, filled in phone by phone.

    Row k lies at ``base + 960·k`` ticks. :meth:`add` takes phones in any order; :meth:`take` hands out rows from the
    front. What a phone adds does not depend on what was added before, so any chunking gives the same rows.
    smoothing: 0 (crisp) … 1 (soft).
    """

    def __init__(self, base: int, smoothing: float) -> None:
        self._base = base
        self._tempo = tempo(smoothing)
        self._first = 0
        self._weighted = np.zeros((0, len(CHANNELS)))
        self._flat = np.zeros((0, 4))  # sum of dominance; then strongest of: closed lips, lip at teeth, speaking
        self._corners = np.zeros(0)  # sum of dominance over the corners of the mouth

    def add(self, phone: Phone) -> None:
        """Take one phone; silence and phones without length add nothing."""
        parts = gestures(phone.symbol)
        start, end = ((t - self._base) / TICKS_PER_SECOND for t in (phone.start, phone.end))
        if not parts or end <= start:
            return
        self._raise_to(3, (start - 0.04, end + 0.03), OPEN_BEFORE - 0.04, OPEN_AFTER - 0.03)
        at = start
        for g in parts:
            length = (end - start) * g.share
            self._pull(g, at, at + length)
            if g.contact:
                self._touch(1 if g.contact == "lips" else 2, at, at + length)
            at += length

    def take(self, rows: int) -> tuple[Rows, Rows, Rows, Rows]:
        """Remove the first rows: targets (rows, len(CHANNELS)) before contacts, closed, teeth, speaking (rows,) 0…1."""
        self._grow(self._first + rows)
        weighted, flat, corners = self._weighted[:rows], self._flat[:rows], self._corners[:rows]
        self._weighted, self._flat, self._corners = self._weighted[rows:], self._flat[rows:], self._corners[rows:]
        self._first += rows
        shares = np.repeat(flat[:, :1] + REST, len(CHANNELS), axis=1)
        shares[:, CORNERS] = corners[:, None] + REST
        return weighted / shares, flat[:, 1], flat[:, 2], flat[:, 3]

    def _pull(self, g: Gesture, start: float, end: float) -> None:
        span, dominance = self._dominance(g, start - LEAD, end - LEAD)
        self._flat[span, 0] += dominance
        self._weighted[span] += dominance[:, None] * _without_corners(g.target)
        span, dominance = self._dominance(g, start - LEAD + CORNERS_FOLLOW, end - LEAD + CORNERS_FOLLOW)
        self._corners[span] += dominance
        self._weighted[span.start : span.stop, CORNERS] += dominance[:, None] * g.target[CORNERS]

    def _dominance(self, g: Gesture, start: float, end: float) -> tuple[slice, Rows]:
        quarter = (end - start) * (1 - PLATEAU) / 2
        begin, finish = start + quarter, end - quarter
        span, t = self._times(begin - REACH, finish + REACH)
        before, after = np.maximum(begin - t, 0), np.maximum(t - finish, 0)
        falloff = (before * (g.ahead * self._tempo)) ** EXPONENT + (after * (g.carry * self._tempo)) ** EXPONENT
        taper = 1 - ((before + after) / REACH) ** 2
        return span, g.alpha * np.exp(-falloff) * np.maximum(taper, 0)

    def _touch(self, column: int, start: float, end: float) -> None:
        """Hold a contact over the phone, but for the release at the end of a long one; widen a short one."""
        spare = max(0.0, end - start - SHORTEST_CONTACT)
        begin, finish = start + 0.05 * spare - CONTACT_LEAD, end - 0.2 * spare - CONTACT_LEAD
        short = max(0.0, SHORTEST_CONTACT - (finish - begin)) / 2
        self._raise_to(column, (begin - short, finish + short), _CLOSING, _OPENING)

    def _raise_to(self, column: int, plateau: tuple[float, float], rise: float, fall: float) -> None:
        """Maximum of the column and a plateau with eased shoulders outside of it."""
        start, end = plateau
        span, t = self._times(start - rise, end + fall)
        outside = np.minimum(np.maximum((start - t) / rise, (t - end) / fall), 1)
        self._flat[span, column] = np.maximum(self._flat[span, column], 1 - ease(np.maximum(outside, 0)))

    def _times(self, start: float, end: float) -> tuple[slice, Rows]:
        """Rows between two times and their times; room is made for them. Rows already taken are left out."""
        first = max(self._first, int(np.ceil(start / _ROW)))
        last = max(first, int(np.floor(end / _ROW)) + 1)
        self._grow(last)
        times: Rows = np.arange(first, last, dtype=np.float64) * _ROW
        return slice(first - self._first, last - self._first), times

    def _grow(self, last: int) -> None:
        short = last - self._first - len(self._flat)
        if short > 0:
            room = max(short, 256)
            self._weighted = np.concatenate([self._weighted, np.zeros((room, len(CHANNELS)))])
            self._flat = np.concatenate([self._flat, np.zeros((room, 4))])
            self._corners = np.concatenate([self._corners, np.zeros(room)])


def tempo(smoothing: float) -> float:
    """Factor on how fast dominance falls. smoothing: 0 (crisp) … 1 (soft)."""
    return 1.25 - 0.7 * smoothing


def _without_corners(target: Rows) -> Rows:
    out = target.copy()
    out[CORNERS] = 0
    return out


def ease(x: Rows) -> Rows:
    """Smoothstep: 0 at 0, 1 at 1, level at both ends."""
    return x * x * (3 - 2 * x)


def at_teeth(target: Rows, teeth: Rows) -> Rows:
    """Bring the lower lip to the upper teeth: jaw nearly shut, lower lip rolled in, upper lip a little up.

    target: channels, (rows, len(CHANNELS)). teeth: how much, (rows,), 0…1. Returns a new array.
    """
    out = target.copy()
    for name, share in (("jawOpen", 0.7), ("mouthLowerDown", 1.0), ("mouthFunnel", 0.8), ("mouthPucker", 0.4)):
        out[:, CHANNEL[name]] *= 1 - share * teeth
    roll, upper = CHANNEL["mouthRollLower"], CHANNEL["mouthUpperUp"]
    out[:, roll] = np.maximum(out[:, roll], 0.8 * teeth)
    out[:, upper] = np.maximum(out[:, upper] * (1 - teeth), 0.4 * teeth)
    return out


def shut(mouth: Rows, closed: Rows) -> tuple[Rows, Rows]:
    """Close the lips whatever the mouth does: at an open jaw by mouthClose = jawOpen; what parts them goes back.

    Lips that were rounded stay as narrow, pouted as far as pouted lips still meet.
    closed: how much, (rows,), 0…1. Returns the channels, a new array, and mouthClose, (rows,).
    """
    out = mouth.copy()
    for name, share in _OPENERS:
        out[:, CHANNEL[name]] *= 1 - share * closed
    pucker = CHANNEL["mouthPucker"]
    rounder = np.maximum((mouth - out) @ _SPREADS / WIDENS["mouthPucker"], 0.0)
    out[:, pucker] = np.maximum(out[:, pucker], np.minimum(out[:, pucker] + rounder, _SEALED_POUT))
    press = CHANNEL["mouthPress"]
    out[:, press] = np.maximum(out[:, press], 0.22 * closed)
    return out, out[:, CHANNEL["jawOpen"]] * closed


_SPREADS: Final = np.array([WIDENS.get(name, 0.0) for name in CHANNELS])
_SEALED_POUT: Final = 0.3
"""Largest mouthPucker of closed lips: half a millimetre between them."""
_OPENERS: Final = (
    ("mouthLowerDown", 1.0), ("mouthUpperUp", 1.0), ("mouthFunnel", 1.0), ("tongueOut", 1.0), ("mouthStretch", 0.15),
    ("mouthPucker", 0.6), ("mouthSmile", 0.15), ("mouthRollLower", 0.5),
)  # fmt: skip
