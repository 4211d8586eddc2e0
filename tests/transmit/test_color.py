"""RGB to BT.709 planes."""

from __future__ import annotations

import numpy as np
import pytest

from mien.transmit.color import Yuv420, rgb_to_yuv_matrix


@pytest.mark.parametrize(
    "rgb, yuv",  # 75 % bars and grey as BT.709 limited range has them (SMPTE RP 219)
    [
        ((255, 255, 255), (235, 128, 128)), ((0, 0, 0), (16, 128, 128)), ((191, 191, 191), (180, 128, 128)),
        ((191, 0, 0), (51, 109, 212)), ((0, 191, 0), (133, 63, 52)), ((0, 0, 191), (28, 212, 120)),
    ],
)  # fmt: skip
def test_known_colours(rgb: tuple[int, int, int], yuv: tuple[int, int, int]) -> None:
    planes = [np.empty(shape, np.uint8) for shape in ((4, 4), (2, 2), (2, 2))]
    Yuv420(4, 4).planes(np.full((4, 4, 3), rgb, np.uint8), *planes)
    for plane, value in zip(planes, yuv, strict=True):
        assert np.abs(plane.astype(int) - value).max() <= 1


def test_matrix_rows() -> None:
    matrix = rgb_to_yuv_matrix()
    assert matrix[0, :3].sum() * 255 == pytest.approx(219)
    assert matrix[1:, :3].sum(axis=1) == pytest.approx([0, 0], abs=1e-12)


@pytest.mark.parametrize("size", [(6, 10), (10, 6), (64, 66), (512, 512)])
def test_padded_rows_are_left_alone(size: tuple[int, int]) -> None:
    width, height = size
    blocks = np.random.default_rng(1).integers(0, 256, (height // 2, width // 2, 3), dtype=np.uint8)
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    padded = [np.full((h, w + 7), 99, np.uint8) for h, w in shapes]
    planes = [plane[:, :-7] for plane in padded]
    Yuv420(width, height).planes(blocks.repeat(2, 0).repeat(2, 1), *planes)
    assert all((plane[:, -7:] == 99).all() for plane in padded)
    for plane, row in zip(planes, rgb_to_yuv_matrix(), strict=True):
        wanted = blocks @ row[:3] + row[3]
        assert np.abs((wanted.repeat(2, 0).repeat(2, 1) if plane is planes[0] else wanted) - plane).max() <= 1.01


def test_odd_sizes_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="even"):
        Yuv420(5, 4)
