"""The contact sheet, rest, and the background behind a turning head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien import models
from mien.apps import cli
from mien.avatar import Avatar
from mien.lab.evaluate.background import background_motion
from mien.lab.evaluate.poses import EYES, MOUTHS, TURNS, pose
from mien.lab.evaluate.rest import rest_fidelity
from mien.portrait.build import cached_avatar
from mien.render.base import Placement
from mien.render.mesh import MeshCanvas, MeshRenderer
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, ByteArray, FloatArray

MEDIA = Path(__file__).parents[3] / "shared" / "media" / "portraits"


@pytest.fixture(scope="module")
def demo() -> Avatar:
    return cached_avatar(models.path("astronaut"))


def test_a_name_without_a_side_means_both() -> None:
    made = pose("x", (0, 90, 0), mouthSmile=0.5, jawOpen=0.2)
    assert {ARKIT_SHAPES[i] for i in np.flatnonzero(made.shapes)} == {"mouthSmileLeft", "mouthSmileRight", "jawOpen"}
    assert made.head[1] == pytest.approx(np.pi / 2)
    with pytest.raises(KeyError):
        pose("x", noSuchShape=1.0)


def test_poses_have_names_of_their_own() -> None:
    labels = [p.label for p in (*MOUTHS, *EYES, *TURNS)]
    assert len(set(labels)) == len(labels) >= 28


def test_contact_sheet(demo: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    from mien.portrait.store import library

    library.add(demo, "demo")
    file = tmp_path / "sheet.png"
    assert cli.main(["avatar", "show", "demo", "--sheet", str(file)]) == 0
    with Image.open(file) as image:
        sheet = np.asarray(image.convert("RGB"))
    assert sheet.shape[1] == 1536
    tile = sheet[256:512, 256:512].astype(int)  # row 2, column 2: not the portrait, not empty
    assert tile.std() > 20
    assert np.abs(sheet[:256, 256:512].astype(int) - sheet[:256, 512:768]).max() > 40, "rest and AA look the same"


def test_rest(demo: Avatar) -> None:
    rest = rest_fidelity(demo, MeshRenderer())
    assert rest.psnr > 30
    assert rest.exact is not rest.parted


@pytest.mark.skipif(not MEDIA.is_dir(), reason="needs the test portraits in ../shared/media/portraits")
def test_closed_lips_come_back_bit_exact() -> None:
    closed = 0
    for file in sorted(MEDIA.iterdir()):
        rest = rest_fidelity(cached_avatar(file), MeshRenderer())
        closed += not rest.parted
        assert rest.parted or rest.exact, file.name
    assert closed >= 3


def test_the_background_stands_still(demo: Avatar) -> None:
    found = background_motion(demo, MeshRenderer())
    assert [m.margin for m in found] == [0.15, 0.3]
    for motion in found:
        assert motion.worst <= 0.5, motion
        assert motion.blocks > 100


@pytest.mark.skipif(not MEDIA.is_dir(), reason="needs the test portraits in ../shared/media/portraits")
@pytest.mark.parametrize("name", ["painting-dark-skin-afro.png", "woman-neutral-512.jpg"])
def test_the_background_stands_still_behind_others(name: str) -> None:
    found = background_motion(cached_avatar(MEDIA / name), MeshRenderer())
    assert found, "a structured background"
    assert all(motion.worst <= 0.5 for motion in found), found


class _Sliding(MeshRenderer):
    """A renderer whose whole picture follows the head by a pixel: the defect that the measure is for."""

    def prepare(self, avatar: Avatar, placement: Placement) -> MeshCanvas:
        canvas = super().prepare(avatar, placement)
        draw = canvas.draw

        def slid(shapes: FloatArray, head: FloatArray) -> ByteArray:
            return np.roll(draw(shapes, head), int(bool(head.any())), axis=1)

        canvas.draw = slid  # type: ignore[method-assign]
        return canvas


def test_a_background_that_slides_is_found(demo: Avatar) -> None:
    found = background_motion(demo, _Sliding())
    assert all(motion.worst > 0.8 for motion in found)


def test_indices_of_the_poses_are_the_shapes() -> None:
    smile = next(p for p in MOUTHS if p.label == "smile")
    assert smile.shapes[SHAPE_INDEX["mouthSmileLeft"]] == pytest.approx(0.9)
