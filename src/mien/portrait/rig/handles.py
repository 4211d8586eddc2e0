"""Shapes from handles: a few points are told where to go, the rest of the skin follows smoothly.

The displacement field minimises |L d|² (the bilaplacian, weights 1/edge length) with the handles and pinned points
held: smooth, without folds. Botsch and Sorkine, "On linear variational surface deformation methods", 2008.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from mien.portrait.rig.mesh import Array, FaceMesh

Handles = dict[int, tuple[float, float, float] | Array]
"""Vertex → displacement in the head's frame, eye distances."""

_HOLD = 1e3  # soft constraint, far above the stiffness of the skin


class Skin:
    """Solves handle displacements over a mesh. Factorisations are shared between shapes that hold the same points."""

    def __init__(self, mesh: FaceMesh) -> None:
        self._count = len(mesh.points)
        self._pinned = mesh.pinned
        self._energy = _bilaplacian(mesh)
        self._factors: dict[bytes, object] = {}

    def solve(self, handles: Mapping[int, tuple[float, float, float] | Array], fixed: Iterable[int] = ()) -> Array:
        """Displacement of every point, (n, 3) eye distances; handles win over fixed points."""
        held = self._pinned.copy()
        held[list(fixed)] = True
        target = np.zeros((self._count, 3))
        index = list(handles)
        held[index] = True
        target[index] = np.array([np.asarray(handles[k], float) for k in index]).reshape(-1, 3)
        key = held.tobytes()
        if key not in self._factors:
            self._factors[key] = splu((self._energy + sparse.diags(held * _HOLD)).tocsc())
        moved = self._factors[key].solve(target * held[:, None] * _HOLD)  # type: ignore[attr-defined]
        moved[np.abs(moved) < 1e-5] = 0
        return np.asarray(moved)


def _bilaplacian(mesh: FaceMesh) -> sparse.csc_matrix:
    faces, n = mesh.solve_triangles, len(mesh.points)
    a = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.vstack([a, a[:, ::-1]])
    length = np.linalg.norm((mesh.local[edges[:, 0]] - mesh.local[edges[:, 1]])[:, :2], axis=1) + 0.01
    weight = sparse.csr_matrix((1 / length, (edges[:, 0], edges[:, 1])), shape=(n, n))
    degree = np.asarray(weight.sum(1)).ravel()
    degree[degree == 0] = 1
    laplace = sparse.eye(n) - sparse.diags(1 / degree) @ weight
    return (laplace.T @ laplace + 1e-7 * sparse.eye(n)).tocsc()
