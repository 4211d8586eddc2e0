"""Lid, gaze and brow shapes."""

from __future__ import annotations

import numpy as np

from mien.portrait import topology as topo
from mien.portrait.rig.handles import Handles, Skin
from mien.portrait.rig.mesh import Array, FaceMesh
from mien.portrait.rig.rest import upper_face

BLINK = (0.94, 0.50, 0.16)  # share of the opening that rim, second and third row travel
OVERLAP = 0.02
LOOK_SIDE, LOOK_UP, LOOK_DOWN = 0.085, 0.055, 0.070
"""How far the iris travels at 1.0: a 12 mm eyeball turned by about 27° to the side, 17° up, 22° down."""
BROW_WEIGHTS = {
    "browInnerUp": (0.1, 0.25, 0.55, 0.9, 1.0),
    "browOuterUp": (0.9, 1.0, 0.8, 0.4, 0.1),
    "browDown": (0.35, 0.6, 0.9, 1.0, 1.0),
}  # outer to inner; more than 0.085 folds the skin


def eye_shapes(mesh: FaceMesh, skin: Skin) -> dict[str, Array]:
    """Every eye* and brow* shape, each (n, 3) eye distances at 1.0. eyeLook shapes also move the iris points."""
    made: dict[str, Array] = {}
    inner_up = np.zeros_like(mesh.local)
    for side in topo.SIDES:
        eye = _Eye(mesh, skin, side)
        made |= {f"{name}{side}": shape for name, shape in eye.all().items()}
        inner_up = inner_up + eye.brow("browInnerUp", -0.085)
    return {**made, "browInnerUp": inner_up}


class _Eye:
    def __init__(self, mesh: FaceMesh, skin: Skin, side: str) -> None:
        self.at, self.skin, self.side = mesh.local, skin, side
        self.outward = 1.0 if side == "Left" else -1.0
        self.upper, self.lower = topo.UPPER_LID[side], topo.LOWER_LID[side]
        self.own = {v for row in (*self.upper, *self.lower) for v in row}
        self.others = [v for v in upper_face() if v not in self.own] + list(topo.NOSE)

    def all(self) -> dict[str, Array]:
        return {
            "eyeBlink": self.blink(),
            "eyeSquint": self.squint(),
            "eyeWide": self.wide(),
            "eyeLookUp": self.look(0.0, -LOOK_UP, -0.10),
            "eyeLookDown": self.look(0.0, LOOK_DOWN, 0.34),
            "eyeLookIn": self.look(-self.outward * LOOK_SIDE, 0.0, 0.0),
            "eyeLookOut": self.look(self.outward * LOOK_SIDE, 0.0, 0.0),
            "browOuterUp": self.brow("browOuterUp", -0.085),
            "browDown": self.brow("browDown", 0.045),
        }

    def opening(self, vertex: int) -> float:
        """Distance from an upper rim point down to the lower rim."""
        low = self.at[list(self.lower[0])]
        return float(max(0.0, np.interp(self.at[vertex, 0], low[:, 0], low[:, 1]) - self.at[vertex, 1]))

    def travel(self, shares: tuple[float, float, float]) -> Handles:
        """Upper lid rows go down by shares of the opening."""
        h: Handles = {}
        for i, rim in enumerate(self.upper[0]):
            gap = self.opening(rim)
            for row, share in zip(self.upper, shares, strict=True):
                h[row[i]] = (0.0, share * gap, 0.0)
        return h

    def blink(self) -> Array:
        h = self.travel(BLINK)
        for i, rim in enumerate(self.upper[0]):  # a little past the lower rim: the net's rims lie inside the real ones
            h[rim] = np.add(h[rim], (0.0, OVERLAP * np.sin(np.pi * i / 8), 0.0))
        top = self.at[list(self.upper[0])]
        for i, v in enumerate(self.lower[0][1:-1], 1):
            gap = self.at[v, 1] - float(np.interp(self.at[v, 0], top[:, 0], top[:, 1]))
            for row, share in zip(self.lower, (0.06, 0.04, 0.01), strict=True):
                h[row[i]] = (0.0, -share * gap, 0.0)
        return self.skin.solve(h, self.others)

    def squint(self) -> Array:
        h: Handles = {}
        for i in range(9):
            bow = float(np.sin(np.pi * i / 8))
            for row, dy in zip((*self.lower, *self.upper[:2]), (-0.035, -0.04, -0.035, 0.022, 0.014), strict=True):
                h[row[i]] = (0.0, dy * bow, 0.0)
        return self.skin.solve(h, self.others)

    def wide(self) -> Array:
        h: Handles = {}
        for i in range(9):
            bow = float(np.sin(np.pi * i / 8))
            for row, dy in zip((*self.upper, *self.lower[:2]), (-0.045, -0.035, -0.025, 0.012, 0.008), strict=True):
                h[row[i]] = (0.0, dy * bow, 0.0)
        return self.skin.solve(h, self.others)

    def look(self, dx: float, dy: float, lid: float) -> Array:
        """The iris moves; the upper lid follows it up and down, as lids do."""
        shape = (
            self.skin.solve(self.travel((lid, 0.45 * lid, 0.1 * lid)), self.others) if lid else np.zeros_like(self.at)
        )
        shape[list(topo.IRIS[self.side])] = (dx, dy, 0.0)
        return shape

    def brow(self, name: str, dy: float) -> Array:
        weights = BROW_WEIGHTS[name]
        brow = topo.BROW[self.side]
        inward = -self.outward * 0.035 if name == "browDown" else 0.0
        h: Handles = {v: (inward * weights[i % 5], dy * weights[i % 5], 0.0) for i, v in enumerate(brow)}
        inner_first = self.outward > 0  # rows run from the viewer's left
        for row, share in ((self.upper[2], 0.32), (self.upper[1], 0.10)):
            for i, v in enumerate(row[::-1] if inner_first else row):
                h[v] = (0.0, dy * share * weights[min(4, i // 2)], 0.0)
        free = {*h, 151, 9, 8}
        return self.skin.solve(h, [v for v in upper_face() if v not in free] + [*topo.NOSE, 168])
