"""What the network hears: streams, keeps time, follows the level."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.face.listen import features
from mien.face.listen.features import Features
from mien.face.listen.heads import HEADS
from mien.face.listen.network import LOOK_AHEADS, Network
from mien.types import FloatArray

ROW = 960


def sound(seconds: float = 1.0, level: float = 0.05) -> FloatArray:
    rng = np.random.default_rng(0)
    return (rng.standard_normal(int(48_000 * seconds)) * level).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 9000), max_size=10))
def test_chunked_equals_whole(sizes: list[int]) -> None:
    heard = sound()
    edges = np.minimum(np.cumsum([0, *sizes, len(heard)]), len(heard))
    stream = Features()
    pieces = np.concatenate([stream.push(heard[a:b]) for a, b in pairwise(edges)])
    np.testing.assert_allclose(pieces, Features().push(heard), atol=1e-5)


@pytest.mark.parametrize("look_ahead", LOOK_AHEADS)
def test_an_impulse_is_heard_in_its_own_row_and_never_before(look_ahead: int) -> None:
    """Algorithmic delay: step k has heard tick 960 (k + 1) and speaks of ``look_ahead`` rows before."""
    quiet = sound(level=1e-4)
    click = quiet.copy()
    at = 20 * ROW + 480
    click[at : at + 48] += 0.5
    a, b = Features().push(quiet), Features().push(click)
    changed = np.flatnonzero(np.abs(a - b).max(axis=1) > 1e-6)
    assert changed[0] == 20
    told = [Network(look_ahead).run(f) for f in (a, b)]
    moved = np.flatnonzero(np.abs(told[0] - told[1]).max(axis=1) > 1e-6)
    assert moved[0] == 20


@pytest.mark.parametrize("sizes", [[1] * 100, [7] * 14 + [2], [99, 1]])
def test_the_network_carries_its_state(sizes: list[int]) -> None:
    heard = np.random.default_rng(1).standard_normal((100, features.FEATURES)).astype(np.float32)
    stream, at, told = Network(3), 0, []
    for size in sizes:
        told.append(stream.run(heard[at : at + size]))
        at += size
    whole = Network(3).run(heard)
    assert whole.shape == (100, HEADS)
    np.testing.assert_allclose(np.concatenate(told), whole, atol=1e-5)


def test_a_quiet_voice_looks_like_a_loud_one() -> None:
    loud, quiet = Features(), Features()
    loud.push(sound(3))
    quiet.push(sound(3, 0.01))
    np.testing.assert_allclose(loud.push(sound(0.2)), quiet.push(sound(0.2, 0.01)), atol=0.6)


def test_mel_bands_cover_every_frequency_once() -> None:
    bands = features.mel_matrix()
    assert bands.shape == (features.BANDS, features.FFT // 2 + 1)
    np.testing.assert_allclose(bands.sum(axis=1), 1, rtol=1e-5)
    centres = bands @ np.arange(bands.shape[1])
    assert (np.diff(centres) >= 0).all()
