"""How much of a movement the embedded landmark net shows, against the net of ``face_landmarker.task``.

``python -m mien.lab.evaluate.mimic_response FILMS [--task FILE]`` prints, for every shape, the share measured on films
of people who speak (the embedded net's points regressed on the movements that the other net sees in the same
pictures), and the share on drawn faces (stills of those films and the demo portrait, each shape drawn by our own
renderer). :mod:`mien.face.video.response` holds what came out for the GRID corpus: a value between both shares for what
speech moves (energy over 0.5), the second, alike for left and right, for the rest. Eyes are read in another way.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.video import points as at
from mien.face.video.neutral import rest_face
from mien.face.video.pose import fit_poses
from mien.face.video.response import LANDMARKER
from mien.face.video.solve import Basis, Solver
from mien.lab.evaluate.mimic_reference import Landmarker
from mien.portrait.find.follow import FaceFollower
from mien.portrait.find.nets import Network
from mien.tracking import face_basis
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, ByteArray

Array = NDArray[np.float64]

_LOWER_FACE: Final = [*at.LIPS, *at.JAW, *at.CHEEKS]
_PRIOR: Final = 0.02
"""Weight of the share 1 in the regression, over the shape's own energy."""
_STRENGTH: Final = 0.7
_SIDE: Final = 448
_MOVED: Final = 0.3
"""Points that a shape moves by less than this share of its most are left out."""
_FEWEST: Final = 20


def speech(films: Iterable[Path], better: Network) -> tuple[Array, Array]:
    """Share (52,) and energy (52,) of each shape in films of people who speak."""
    normal, right = np.zeros((52, 52)), np.zeros(52)
    for film in films:
        ours, theirs = _both(film, better)
        if len(ours) < _FEWEST:
            continue
        basis, local, _ = _unposed(ours)
        other, other_local, rotation = _unposed(theirs)
        made = Solver(other, LANDMARKER).solve(other_local, rotation).astype(np.float64)
        made -= made.mean(0)
        seen = (local - local.mean(0))[:, _LOWER_FACE, :2].reshape(len(local), -1)
        moves = basis.shapes[:, _LOWER_FACE, :2].reshape(52, -1).astype(np.float64)
        normal += (made.T @ made) * (moves @ moves.T)
        right += (made * (seen @ moves.T)).sum(0)
    energy = np.diag(normal).copy()
    prior = _PRIOR * energy + 1e-4
    return np.asarray(np.linalg.solve(normal + np.diag(prior), right + prior)), energy


def drawn(pictures: Iterable[ByteArray], better: Network) -> Array:
    """Share (52,) of each shape on drawn faces: median over the pictures of one net's share over the other's."""
    from mien.engine import place
    from mien.portrait.build import create_avatar
    from mien.portrait.store.png import encode_png
    from mien.render.mesh import MeshRenderer

    shares = []
    for picture in pictures:
        avatar = create_avatar(encode_png(picture), crop="head")
        canvas = MeshRenderer().prepare(avatar, place(avatar, _SIDE, _SIDE))
        views = [np.zeros(6, np.float32), np.array([0.03, 0.02, 0, 0.02, 0, 0], np.float32)]
        faces = {name: [canvas.draw(_only(name), view) for view in views] for name in ("", *ARKIT_SHAPES)}
        shares.append(_shown(faces, FaceFollower()) / _shown(faces, FaceFollower(better)))
    return np.asarray(np.median(shares, axis=0))


def _only(name: str) -> NDArray[np.float32]:
    row = np.zeros(len(ARKIT_SHAPES), np.float32)
    if name:
        row[SHAPE_INDEX[name]] = _STRENGTH
    if name == "mouthClose":
        row[SHAPE_INDEX["jawOpen"]] = _STRENGTH
    return row


def _shown(faces: dict[str, list[ByteArray]], follower: FaceFollower) -> Array:
    """How much of each shape's own movement the points make, (52,)."""
    seen = {name: _points(views, follower) for name, views in faces.items()}
    basis = face_basis(rest_face(np.repeat(seen[""], 4, axis=0)))
    rest = fit_poses(seen[""], basis.face).local(seen[""]).mean(0)
    out = np.ones(52)
    for name, index in SHAPE_INDEX.items():
        moved = (fit_poses(seen[name], basis.face).local(seen[name]).mean(0) - rest)[:468, :2]
        shape = (_only(name) @ basis.shapes.reshape(52, -1)).reshape(-1, 3)[:468, :2]
        reach = np.linalg.norm(shape, axis=1)
        chosen = reach > max(_MOVED * float(reach.max()), 1e-4)
        if chosen.any():
            out[index] = (shape[chosen] * moved[chosen]).sum() / (shape[chosen] ** 2).sum()
    return out


def _points(pictures: Iterable[ByteArray], follower: FaceFollower) -> Array:
    found = [points for picture in pictures if (points := follower.look(picture)) is not None]
    return np.array(found)


def _both(film: Path, better: Network) -> tuple[Array, Array]:
    """Points of every picture in which both nets see the face."""
    from mien.portrait.find.video import open_video

    first, second = FaceFollower(), FaceFollower(better)
    pairs = [(first.look(picture), second.look(picture)) for _, picture in open_video(film).pictures()]
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    return np.array([a for a, _ in both]), np.array([b for _, b in both])


def _unposed(points: Array) -> tuple[Basis, Array, Array]:
    basis = face_basis(rest_face(points))
    poses = fit_poses(points, basis.face)
    return basis, poses.local(points), poses.rotation


def _stills(films: Iterable[Path]) -> Iterator[ByteArray]:
    from mien import models
    from mien.portrait.find.video import open_video
    from mien.portrait.image import load_picture

    yield load_picture(models.path("astronaut")).rgb
    for film in films:
        for _, picture in open_video(film).pictures():
            yield picture
            break


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="How much of a movement the embedded landmark net shows.")
    parser.add_argument("films", type=Path)
    parser.add_argument("--task", type=Path)
    words = parser.parse_args()
    films = sorted(path for path in words.films.iterdir() if path.suffix.lower() in (".mpg", ".mp4", ".mov"))
    better = Landmarker(words.task).landmarks
    share, energy = speech(films, better)
    ratio = drawn(_stills(films), better)
    sys.stdout.write(f"{'shape':<20}{'speech':>8}{'energy':>9}{'drawn':>8}\n")
    for name, index in SHAPE_INDEX.items():
        sys.stdout.write(f"{name:<20}{share[index]:8.2f}{energy[index]:9.2f}{ratio[index]:8.2f}\n")


if __name__ == "__main__":
    main()
