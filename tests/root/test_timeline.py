"""Frame rates and the one clock."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.timeline import frame_tick, frames_in, parse_fps

NTSC = Fraction(30_000, 1001)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)),
        (" 12.5 ", Fraction(25, 2)),
        ("29.97", NTSC),
        ("59.94", 2 * NTSC),
        ("23.976", Fraction(24_000, 1001)),
        ("30000/1001", NTSC),
        (29.97, NTSC),
        (30_000 / 1001, NTSC),
        (NTSC, NTSC),
        ("25.00000000001", Fraction(25)),
        (Fraction(10**30 + 1, 4 * 10**28), Fraction(25)),
    ],
)
def test_rates_are_read_as_file_formats_can_hold_them(text: str | float | Fraction, rate: Fraction) -> None:
    assert parse_fps(text) == rate


@pytest.mark.parametrize(
    "text", ["", "fast", "0", "-25", "nan", "inf", "1/0", "0.9999", "120.0001", "1e999999999", "9" * 5000]
)
def test_what_is_no_rate_is_refused_at_once(text: str) -> None:
    with pytest.raises(UsageError):
        parse_fps(text)


@given(st.integers(0, 10**7), st.sampled_from(["24", "25", "29.97", "30", "50", "59.94", "60", "12.5"]).map(parse_fps))
def test_frames_start_inside_the_film_that_counts_them(k: int, fps: Fraction) -> None:
    tick = frame_tick(k, fps)
    assert frames_in(tick + 1, fps) == k + 1
    assert abs(tick - k * 48_000 / fps) < 1
