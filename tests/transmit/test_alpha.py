"""Alpha below colour: exact without a codec, close through the live one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.transmit.alpha import pack_alpha, unpack_alpha
from mien.transmit.rtc_picture import open_encoder
from mien.types import ByteArray

SIZE = 256


@settings(deadline=None, max_examples=50)
@given(arrays(np.uint8, st.tuples(st.integers(2, 9), st.integers(2, 9), st.just(4))))
def test_alpha_comes_back_exactly_and_colour_premultiplied(pixels: ByteArray) -> None:
    packed = pack_alpha(pixels)
    height, width = (n - n % 2 for n in pixels.shape[:2])
    assert packed.shape == (2 * height, width, 3)
    assert packed.flags.c_contiguous
    back = unpack_alpha(packed)
    part = pixels[:height, :width].astype(float)
    assert (back[..., 3] == part[..., 3]).all()
    assert np.abs(back[..., :3] - part[..., :3] * part[..., 3:] / 255).max() <= 0.5001


def test_a_picture_without_alpha_is_opaque() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (4, 6, 3), np.uint8)
    back = unpack_alpha(pack_alpha(pixels))
    assert (back[..., :3] == pixels).all() and (back[..., 3] == 255).all()


def person(k: int) -> ByteArray:
    """A textured disc with a soft edge that moves, before what must not shine through."""
    y, x = np.mgrid[:SIZE, :SIZE]
    radius = np.hypot(x - SIZE / 2 - 12 * np.sin(k / 8), y - SIZE / 2 - 4 * np.cos(k / 5))
    alpha = np.clip((SIZE * 0.36 - radius) / 6 + 0.5, 0, 1)
    skin = np.stack([180 + 40 * np.sin(x / 17), 130 + 30 * np.cos(y / 23), 110 + 20 * np.sin((x + y) / 31)], -1)
    wall = np.array([0.0, 255.0, 0.0])
    colour = np.where(alpha[..., None] > 0, skin, wall)
    return np.dstack([colour, alpha * 255]).round().astype(np.uint8)


@pytest.fixture(scope="module")
def through_h264() -> list[tuple[ByteArray, ByteArray]]:
    """Pictures and what a receiver unpacks of them, from the live encoder at its own bit rate."""
    encoder = open_encoder("h264", SIZE, 2 * SIZE, Fraction(25))
    decoder: Any = av.CodecContext.create("h264", "r")
    pairs: list[tuple[ByteArray, ByteArray]] = []
    for k in range(50):
        truth = person(k)
        coded = encoder.encode(pack_alpha(truth), k * 1920, 0.0, key=k == 0)
        assert coded
        for frame in decoder.decode(av.Packet(coded.data)):
            pairs.append((person(len(pairs)), unpack_alpha(frame.to_ndarray(format="rgb24"))))
    return pairs


def test_alpha_survives_the_live_codec(through_h264: list[tuple[ByteArray, ByteArray]]) -> None:
    assert len(through_h264) >= 48
    truth, seen = (np.stack(side)[..., 3].astype(int) for side in zip(*through_h264, strict=True))
    error = np.abs(seen - truth)
    assert error.mean() < 0.3
    assert np.quantile(error, 0.99) <= 4
    assert error.max() <= 24


def test_nothing_of_what_was_behind_shines_through(through_h264: list[tuple[ByteArray, ByteArray]]) -> None:
    for truth, seen in through_h264:
        assert seen[truth[..., 3] == 0][:, 1].mean() < 2  # the wall was green
