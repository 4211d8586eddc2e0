"""From a phone's IPA symbol to what lips and jaw do: one or several gestures in order.

The table is ``visemes.toml``, written by hand; where ``visemes-fitted.json`` knows better, its figures count: it was
fitted to real lips by :mod:`mien.lab.training.visemes`, and its card says to which and how well. Any symbol has an
answer: known groups of letters first, then letter by letter with the diacritics' effect, then the plain letter that an
unknown one is built on, and at last a half-open mouth.
Millimetres become shapes by how far each shape parts the lips on the rig (:data:`TRAVEL`) and how far it moves their
corners apart (:data:`WIDENS`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TRAVEL: Final = {
    "jawOpen": 25.0, "mouthLowerDown": 5.4, "mouthUpperUp": 5.4, "mouthFunnel": 8.4, "mouthPucker": 1.9,
    "tongueOut": 9.9, "mouthRollLower": 0.6, "mouthRollUpper": 0.4,
}  # fmt: skip
"""Millimetres by which each shape at 1 parts the lips at their centre, both sides, with 63 mm between the eyes.

mouthClose takes back what jawOpen gives. The other shapes of the mouth leave the lips together.
"""

WIDENS: Final = {
    "jawOpen": -4.4, "mouthFunnel": -12.5, "mouthPucker": -25.0, "mouthStretch": 13.9, "mouthSmile": 14.5,
    "mouthDimple": 10.7, "mouthFrown": 2.5,
}  # fmt: skip
"""Millimetres by which each shape at 1, both sides, moves the corners of the mouth apart on the rig.

Rounding draws the corners in by a share of the mouth's own width; these are for one 43 mm wide at rest.
"""

CHANNELS: Final = (
    "jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile",
    "mouthRollLower", "mouthRollUpper", "mouthPress", "tongueOut",
)  # fmt: skip
"""The mouth's shapes that speech uses, left and right as one; the columns of :attr:`Gesture.target`."""

CHANNEL: Final = {name: i for i, name in enumerate(CHANNELS)}


@dataclass(frozen=True, slots=True, eq=False)
class Gesture:
    """One posture of the mouth inside a phone.

    target: float64, (len(CHANNELS),), 0…1. alpha: dominance. ahead, carry: how fast the dominance falls before and
    after the posture, 1/s. contact: "lips", "teeth" or "". share: length relative to the phone's other gestures.
    name: the viseme. aperture: mm, before blending.
    """

    name: str
    target: NDArray[np.float64]
    alpha: float
    ahead: float
    carry: float
    contact: str
    share: float
    aperture: float


@lru_cache(maxsize=4096)
def gestures(symbol: str) -> tuple[Gesture, ...]:
    """What the mouth does for an IPA symbol, in order; their shares sum to 1. Empty only for silence.

    Takes what speech back ends write: stress and tone marks, length, tie bars and language tags such as ``(en)`` change
    nothing; ``ph``, ``ts.h`` and the like count as aspirated.
    """
    table = _table()
    found: list[Gesture] = []
    rest = _IGNORED.sub("", symbol.strip())
    while rest:
        key = next((rest[:n] for n in range(min(3, len(rest)), 0, -1) if rest[:n] in table.letters), "")
        if key:
            rest = rest[len(key) :]
            if not (key == "h" and found and found[-1].name in _STOPS):
                found.append(table.visemes[table.letters[key]])
            continue
        char, rest = rest[0], rest[1:]
        base = _plain(char)
        if base:
            rest = base + rest
        elif char in _ROUNDING and found:
            found[-1] = _rounded(found[-1])
        elif not found or (unicodedata.category(char).startswith("L") and char not in _SECONDARY):
            found.append(table.visemes[_ALONE.get(char, "schwa")])
    if not found and symbol.strip() and not _TAG.fullmatch(symbol.strip()):
        found.append(table.visemes["breath"])
    return _shared(found)


_IGNORED: Final = re.compile(r"\([^)]*\)|[ˈˌːˑ'’ʼ`^˥˦˧˨˩0-9_\-~!|,;:#=*?%@\s͜͡‿]")
_LATIN: Final = re.compile(r"LATIN (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL |[A-Z]{2,} )?([A-Z])(?: |$)")
_TAG: Final = re.compile(r"\([^)]*\)")
_ALONE: Final = {"ʲ": "glide_spread", "ʷ": "glide_round", "ᵝ": "lip_fricative", "ʰ": "breath", "ʱ": "breath"}
_ROUNDING: Final = "ʷᵝ̹"
_SECONDARY: Final = "ʰʱʲˠˤⁿˡ˞ʴᵊᶦᶷˀ"
_STOPS: Final = {"lips", "tongue_tip", "velar", "sibilant", "hush", "hush_spread"}
_GLIDE_LIKE: Final = {
    "close_front", "near_close_front", "close_front_round", "close_back_round", "near_close_back_round",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    visemes: dict[str, Gesture]
    letters: dict[str, str]


@lru_cache(maxsize=1)
def _table() -> _Table:
    import json
    import tomllib
    from importlib.resources import files

    folder = files("mien.face")
    data = tomllib.loads(folder.joinpath("visemes.toml").read_text(encoding="utf-8"))
    fitted = json.loads(folder.joinpath("visemes-fitted.json").read_text(encoding="utf-8"))["visemes"]
    visemes = {name: make_gesture(name, row | fitted.get(name, {})) for name, row in data["viseme"].items()}
    letters = {key: name for name, keys in data["letters"].items() for key in keys.split()}
    return _Table(visemes, letters)


def make_gesture(name: str, row: dict[str, Any]) -> Gesture:
    """A gesture from a row of ``visemes.toml``, and ``width``, mm against rest, where it is known."""
    target = np.zeros(len(CHANNELS))
    for shape, value in row["shapes"].items():
        target[CHANNEL[shape]] = value
    jaw, upper = row["jaw"], row.get("upper", 0.28)
    if "width" in row:
        _spread(target, row["width"] - WIDENS["jawOpen"] * jaw * row["aperture"] / TRAVEL["jawOpen"])
    rest = max(0.0, row["aperture"] - sum(TRAVEL.get(c, 0.0) * v for c, v in zip(CHANNELS, target, strict=True)))
    parts = (("jawOpen", jaw), ("mouthUpperUp", (1 - jaw) * upper), ("mouthLowerDown", (1 - jaw) * (1 - upper)))
    for shape, part in parts:
        target[CHANNEL[shape]] += rest * part / TRAVEL[shape]
    target.flags.writeable = False
    contact, share = row.get("contact", ""), row.get("share", 1.0)
    return Gesture(name, target, row["alpha"], row["ahead"], row["carry"], contact, share, row["aperture"])


def _spread(target: NDArray[np.float64], width: float) -> None:
    """Round or spread the mouth until its corners are ``width`` mm wider than at rest: as much more or less of the
    shapes that the posture has, or plain pucker or stretch where it has none that go that way."""
    ways = ("mouthFunnel", "mouthPucker") if width < 0 else ("mouthStretch", "mouthSmile")
    others = ("mouthStretch", "mouthSmile") if width < 0 else ("mouthFunnel", "mouthPucker")
    target[[CHANNEL[shape] for shape in others]] = 0.0
    has = sum(WIDENS[shape] * target[CHANNEL[shape]] for shape in ways)
    if abs(has) < _LEAST_WIDTH:
        plain = "mouthPucker" if width < 0 else "mouthStretch"
        target[[CHANNEL[shape] for shape in ways]] = 0.0
        target[CHANNEL[plain]] = min(1.0, width / WIDENS[plain])
        return
    for shape in ways:
        target[CHANNEL[shape]] = min(1.0, target[CHANNEL[shape]] * width / has)


_LEAST_WIDTH: Final = 0.4
"""Millimetres under which a posture counts as neither round nor spread."""


def _plain(char: str) -> str:
    """The letters that an unknown one is built on: its decomposition, or the letter that its Unicode name tells."""
    parts = unicodedata.normalize("NFD", char)
    if parts != char:
        return parts
    match = _LATIN.match(unicodedata.name(char, ""))
    plain = match.group(1).lower() if match else ""
    return plain if plain != char else ""


def _rounded(g: Gesture) -> Gesture:
    target = g.target.copy()
    target[CHANNEL["mouthPucker"]] = max(target[CHANNEL["mouthPucker"]], 0.35)
    target[CHANNEL["mouthStretch"]] *= 0.3
    target.flags.writeable = False
    return Gesture(g.name, target, max(g.alpha, 2.0), g.ahead, g.carry, g.contact, g.share, g.aperture)


def _shared(found: list[Gesture]) -> tuple[Gesture, ...]:
    """Divide the phone's time: in a diphthong the more open part is the longer one."""
    widest = max((g.aperture for g in found), default=0.0)
    shares = [g.share * (0.5 if g.name in _GLIDE_LIKE and g.aperture < widest else 1.0) for g in found]
    total = sum(shares)
    return tuple(
        Gesture(g.name, g.target, g.alpha, g.ahead, g.carry, g.contact, s / total, g.aperture)
        for g, s in zip(found, shares, strict=True)
    )
