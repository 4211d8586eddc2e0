"""Jaw, lip, cheek and nose shapes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mien.portrait import topology as topo
from mien.portrait.rig.handles import Handles, Skin
from mien.portrait.rig.mesh import Array, FaceMesh
from mien.portrait.rig.rest import JAW_OVAL, LOW_CHIN, RestPose, upper_face

JAW_DROP = 0.40  # 25 mm between the lips at jawOpen 1
UPPER, LOWER = topo.UPPER_LIP, topo.LOWER_LIP
CHEEK = {"Right": {50: 1.0, 205: 1.1, 36: 0.8, 101: 0.6}, "Left": {280: 1.0, 425: 1.1, 266: 0.8, 330: 0.6}}
CHEEK_PUFF = {"Right": (50, 205, 187, 207, 192, 213, 147, 123), "Left": (280, 425, 411, 427, 416, 433, 376, 352)}
NOSTRIL = {
    "Right": {129: 1.0, 49: 0.9, 64: 0.9, 98: 0.6, 48: 0.9, 102: 0.9, 240: 0.6, 36: 0.5, 203: 0.7},
    "Left": {358: 1.0, 279: 0.9, 294: 0.9, 327: 0.6, 278: 0.9, 331: 0.9, 460: 0.6, 266: 0.5, 423: 0.7},
}


def mouth_shapes(mesh: FaceMesh, skin: Skin, rest: RestPose) -> dict[str, Array]:
    """Every jaw*, mouth*, cheek*, nose* and tongueOut shape, each (n, 3) eye distances at 1.0."""
    return _Mouth(mesh, skin, rest).all()


class _Mouth:
    def __init__(self, mesh: FaceMesh, skin: Skin, rest: RestPose) -> None:
        self.skin = skin
        self.at = rest.local
        self.centre = rest.centre
        self.half = rest.half_width
        self.still = [*upper_face(), *topo.NOSE]
        self.count = len(mesh.points)

    def all(self) -> dict[str, Array]:
        jaw = self.jaw_open()
        shapes = {
            "jawOpen": jaw,
            "mouthClose": self.close(jaw),
            "jawForward": self.jaw_shift(0.0, -0.012, -0.12),
            "jawLeft": self.jaw_shift(0.13, 0.0, 0.0),
            "jawRight": self.jaw_shift(-0.13, 0.0, 0.0),
            "mouthLeft": self.slide(0.12),
            "mouthRight": self.slide(-0.12),
            "mouthPucker": self.rounded(0.40, (1.12, 1.05), 0.16, (0.005, 0.006), 0.16),
            "mouthFunnel": self.rounded(0.22, (1.22, 1.15), 0.14, (0.060, 0.075), 0.06),
            "mouthRollUpper": self.roll_upper(),
            "mouthRollLower": self.roll_lower(),
            "mouthShrugLower": self.shrug_lower(),
            "mouthShrugUpper": self.shrug_upper(),
            "cheekPuff": self.puff(),
            "tongueOut": self.tongue_out(),
        }
        for side in topo.SIDES:
            shapes |= self.one_side(side)
        return shapes

    def one_side(self, side: str) -> dict[str, Array]:
        return {
            f"mouthSmile{side}": self.corner(side, 0.115, -0.13, 0.09, cheek=True),
            f"mouthFrown{side}": self.corner(side, 0.02, 0.12, 0.02),
            f"mouthDimple{side}": self.corner(side, 0.085, -0.02, 0.08),
            f"mouthStretch{side}": self.corner(side, 0.11, 0.015, 0.05),
            f"mouthPress{side}": self.press(side),
            f"mouthLowerDown{side}": self.part(side, LOWER, 0.085),
            f"mouthUpperUp{side}": self.part(side, UPPER, -0.085),
            f"cheekSquint{side}": self.cheek_squint(side),
            f"noseSneer{side}": self.sneer(side),
        }

    # -- jaw

    def across(self, vertex: int) -> float:
        """0 at the middle of the mouth, 1 at its corners."""
        return float(np.clip(abs(self.at[vertex, 0] - self.centre[0]) / self.half, 0, 1))

    def jaw_open(self) -> Array:
        h: Handles = {}
        for ring in LOWER:
            for i in range(1, 10):
                v = ring[i]
                p = 0.16 + 0.84 * (1 - self.across(v) ** 2.8) ** 0.68
                h[v] = (-0.10 * (self.at[v, 0] - self.centre[0]) * p, JAW_DROP * p, 0.10 * p)
            h[ring[0]], h[ring[10]] = (0.035, JAW_DROP * 0.17, 0.03), (-0.035, JAW_DROP * 0.17, 0.03)
        for ring, lift in zip(UPPER, (-0.006, -0.01, -0.014, -0.02), strict=True):
            for i in range(1, 10):
                v, t = ring[i], self.across(ring[i])
                drop = lift * (1 - t) + JAW_DROP * 0.10 * t**3
                h[v] = (-0.02 * (self.at[v, 0] - self.centre[0]), drop, 0.0)
        h |= {v: (0.0, JAW_DROP * 0.98 * share, 0.12 * share) for v, share in JAW_OVAL.items()}
        h |= dict.fromkeys(LOW_CHIN, (0.0, JAW_DROP, 0.12))
        return self.skin.solve(h, [*self.still, 50, 280, 117, 346, 123, 352])

    def close(self, jaw: Array) -> Array:
        """Lips meet again over the open jaw: together with an equal jawOpen the inner rims coincide."""
        h: Handles = {}
        for top, low in zip(UPPER, LOWER, strict=True):
            for i in range(1, 10):
                a, b = UPPER[3][i], LOWER[3][i]
                gap = jaw[b] - jaw[a]
                h[top[i]], h[low[i]] = 0.34 * gap, -0.66 * gap
            h[top[0]] = h[top[10]] = (0.0, 0.0, 0.0)
        chin = dict.fromkeys((*topo.CHIN, 175, 199), (0.0, -0.06 * JAW_DROP, 0.0))
        return self.skin.solve({**h, **chin}, [*self.still, *JAW_OVAL])

    def jaw_shift(self, dx: float, dy: float, dz: float) -> Array:
        h: Handles = {}
        for ring in LOWER:
            for i in range(1, 10):
                p = (1 - self.across(ring[i]) ** 2) * 0.85 + 0.15
                h[ring[i]] = (dx * p, dy * p, dz * p * 0.8)
        for ring in UPPER:
            for i in range(1, 10):
                h[ring[i]] = (dx * 0.18, 0.0, dz * 0.1)
        h |= {v: (dx * share, dy * share, dz * share) for v, share in JAW_OVAL.items()}
        h |= dict.fromkeys(LOW_CHIN, (dx, dy * 1.8, dz))
        return self.skin.solve(h, self.still)

    # -- whole mouth

    def rings(self) -> Iterator[tuple[bool, int, int, int]]:
        """(is upper, ring 0…3 outer to inner, column 0…10, vertex) of every lip point; the corner of a ring once."""
        for upper, rings in ((True, UPPER), (False, LOWER)):
            for r, ring in enumerate(rings):
                for i, v in enumerate(ring):
                    if upper or 0 < i < 10:
                        yield upper, r, i, v

    def slide(self, dx: float) -> Array:
        h: Handles = {v: (dx, 0.0, 0.02) for _, _, _, v in self.rings()}
        return self.skin.solve(h, [*self.still, *topo.CHIN])

    def rounded(
        self, squeeze: float, height: tuple[float, float], forward: float, opening: tuple[float, float], inner: float
    ) -> Array:
        """Lips go to a target: outer contour to a superellipse, inner to an ellipse, the smile's curve flattened.

        Adding displacements instead makes V-shaped lips. squeeze: narrowing of the outer contour; inner: how much
        more the inner one narrows; height: of the lips, factor; opening: of the upper and lower rim.
        """
        at, centre = self.at, self.centre
        line = at[list(UPPER[3]), 1]
        middle = line[2:9].mean()
        h: Handles = {}
        for rings, sign, tall, gap in ((UPPER, -1, height[0], opening[0]), (LOWER, 1, height[1], opening[1])):
            thick = abs(at[rings[0][5], 1] - line[5]) * tall
            for i in range(11):
                reach = abs(at[rings[0][0 if i < 5 else 10], 0] - centre[0])
                t = min(1.0, abs(at[rings[0][i], 0] - centre[0]) / reach)
                rim = self.across(rings[3][i])
                outer0, inner0 = at[rings[0][i], 1], at[rings[3][i], 1]
                outer1 = middle + sign * thick * max(0.0, 1 - t**2.5) ** (1 / 2.2)
                if sign < 0:  # keep some of the person's own cupid's bow
                    outer1 = 0.55 * outer1 + 0.45 * (middle + (outer0 - line[i]) * tall)
                inner1 = middle + sign * gap * max(0.0, 1 - rim**2) ** 0.6
                for r, ring in enumerate(rings):
                    v = ring[i]
                    span = outer0 - inner0
                    share = float(np.clip((at[v, 1] - inner0) / span, 0, 1)) if abs(span) > 1e-3 else 0.0
                    dy = inner1 + (outer1 - inner1) * share - at[v, 1]
                    dx = -(squeeze + inner * r / 3) * (at[v, 0] - centre[0])
                    h[v] = (dx, dy, -forward * (1 - 0.5 * t * t) * (0.75 if r == 0 else 1.0))
        return self.skin.solve(h, [*self.still, *topo.CHIN])

    def roll_upper(self) -> Array:
        return self.squash(lambda upper, _: 0.5 if upper else 0.0, 0.04)

    def squash(self, share: object, depth: float) -> Array:
        h: Handles = {}
        for upper, _, i, v in self.rings():
            rim = (UPPER if upper else LOWER)[3][i]
            f = share(upper, v)  # type: ignore[operator]
            h[v] = (0.0, (self.at[rim, 1] - self.at[v, 1]) * f, depth if f else 0.0)
        return self.skin.solve(h, [*self.still, *topo.CHIN])

    def press(self, side: str) -> Array:
        sign = 1 if side == "Left" else -1

        def share(_upper: bool, vertex: int) -> float:
            u = sign * (self.at[vertex, 0] - self.centre[0]) / self.half
            return 0.34 * float(np.clip((u + 0.35) / 0.7, 0, 1))

        return self.squash(share, 0.02)

    def roll_lower(self) -> Array:
        """The lower lip tucks under the upper teeth, as for f and v."""
        tall = self.at[17, 1] - self.at[14, 1]
        h: Handles = {}
        for r, ring in enumerate(LOWER):
            for v in ring:
                p = 1 - self.across(v) ** 2.5
                h[v] = (0.0, (-0.36 * (1 - r / 3) * tall + 0.01 * r / 3) * p, 0.05 * p)
        h |= {v: (0.0, -0.008, 0.0) for ring in UPPER for v in ring[1:-1]}
        return self.skin.solve(h, [*self.still, 152])

    def shrug_lower(self) -> Array:
        h: Handles = {}
        for upper, r, _, v in self.rings():
            p = 1 - 0.8 * self.across(v) ** 2
            h[v] = (0.0, -0.035 * p, 0.0) if upper else (0.0, (-0.035 - 0.03 * (3 - r) / 3) * p, -0.06 * p)
        h |= dict.fromkeys(LOW_CHIN, (0.0, -0.07, -0.02))
        h |= {v: (0.0, -0.05 * share, 0.0) for v, share in JAW_OVAL.items() if share > 0.8}
        return self.skin.solve(h, self.still)

    def shrug_upper(self) -> Array:
        h: Handles = {}
        for upper, _r, _, v in self.rings():
            p = 1 - self.across(v) ** 2
            h[v] = (0.0, (-0.045 if upper else -0.04) * p, -0.05 * p)
        return self.skin.solve(h, [*upper_face(), 1, 2, 4, 19, *topo.CHIN])

    def puff(self) -> Array:
        h: Handles = {}
        for side, sign in (("Left", 1), ("Right", -1)):
            h |= dict.fromkeys(CHEEK_PUFF[side], (sign * 0.05, 0.0, -0.06))
        return self.skin.solve(h, [*self.still, 152, *(v for _, _, _, v in self.rings())])

    def tongue_out(self) -> Array:
        """Room between the lips; the tongue itself is a layer."""
        h: Handles = {}
        for upper, _, _, v in self.rings():
            p = (1 - self.across(v) ** 2.2) ** 0.8 if self.across(v) < 1 else 0.0
            h[v] = (0.0, (-0.03 if upper else 0.13) * p, 0.0)
        h |= dict.fromkeys(LOW_CHIN, (0.0, 0.06, 0.0))
        h |= {v: (0.0, 0.05 * share, 0.0) for v, share in JAW_OVAL.items()}
        return self.skin.solve(h, self.still)

    # -- one side

    def corner(self, side: str, dx: float, dy: float, dz: float, *, cheek: bool = False) -> Array:
        sign = 1 if side == "Left" else -1
        h: Handles = {}
        for rings in (UPPER, LOWER):
            for ring in rings:
                for v in ring:
                    u = sign * (self.at[v, 0] - self.centre[0]) / self.half
                    pull = float(np.clip((u + 0.35) / 1.35, 0, 1)) ** 1.6
                    lift = float(np.clip((u + 0.1) / 1.1, 0, 1)) ** 2.2
                    h[v] = (sign * dx * pull, dy * lift, dz * pull)
        fixed = [*self.still, 152]
        if cheek:
            lids = topo.LOWER_LID[side]
            h |= {v: (sign * 0.02, -0.055 * f, -0.035) for v, f in CHEEK[side].items()}
            for row, f in ((lids[1], 0.35), (lids[2], 0.75)):
                h |= {v: (0.0, -0.035 * f * np.sin(np.pi * i / 8), 0.0) for i, v in enumerate(row)}
            fixed = [v for v in fixed if v not in h]
        return self.skin.solve(h, fixed)

    def part(self, side: str, rings: tuple[tuple[int, ...], ...], dy: float) -> Array:
        """One half of one lip moves away from the other."""
        sign = 1 if side == "Left" else -1
        h: Handles = {}
        for r, ring in enumerate(rings):
            for v in ring:
                u = sign * (self.at[v, 0] - self.centre[0]) / self.half
                half = float(np.clip(u / 0.5 + 0.5, 0, 1))  # the two halves add up to the whole
                h[v] = (0.0, dy * (1 - self.across(v) ** 3) * (0.75 + 0.25 * r / 3) * half, 0.0)
        other = LOWER if rings is UPPER else UPPER
        h |= {v: (0.0, 0.0, 0.0) for ring in other for v in ring[1:-1]}
        return self.skin.solve(h, [*upper_face(), 1, 2, 4, 19, *topo.CHIN, 175, 199])

    def cheek_squint(self, side: str) -> Array:
        sign = 1 if side == "Left" else -1
        lids = topo.LOWER_LID[side]
        h: Handles = {v: (sign * 0.008, -0.05 * f, -0.03) for v, f in CHEEK[side].items()}
        for row, f in ((lids[0], 0.4), (lids[1], 0.6), (lids[2], 1.0)):
            h |= {v: (0.0, -0.035 * f * np.sin(np.pi * i / 8), 0.0) for i, v in enumerate(row)}
        return self.skin.solve(h, [v for v in [*self.still, 152] if v not in h])

    def sneer(self, side: str) -> Array:
        sign = 1 if side == "Left" else -1
        h: Handles = {v: (sign * 0.006 * f, -0.05 * f, 0.0) for v, f in NOSTRIL[side].items()}
        for r, ring in enumerate(UPPER):
            for v in ring[1:-1]:
                u = sign * (self.at[v, 0] - self.centre[0]) / self.half
                h[v] = (
                    0.0,
                    -0.03 * float(np.clip(u / 0.5 + 0.4, 0, 1)) * (1 - self.across(v) ** 3) * (1 - 0.2 * r),
                    0.0,
                )
        fixed = [v for v in [*upper_face(), *topo.NOSE] if v not in h]
        return self.skin.solve(h, [*fixed, 14, 17, 152])
