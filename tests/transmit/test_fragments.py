"""Fragmented MP4 of live pictures and sound, read back by libav."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.transmit.live_parts import FRAME, grey, tone

from mien.transmit.fragments import (
    SOUND,
    VIDEO,
    avcc,
    codec_string,
    fragment,
    init_segment,
    parameter_sets,
    split_units,
    to_avc,
)
from mien.transmit.rtc_coded import Coded
from mien.transmit.rtc_picture import open_encoder
from mien.transmit.rtc_sound import open_sound
from mien.transmit.socket_feed import picture_size

START = 96_000


def coded_pictures(count: int, size: int = 64) -> list[Coded]:
    encoder = open_encoder("h264", size, size, Fraction(25))
    made = [encoder.encode(grey(n * 10 % 256, size), START + n * FRAME, 0.0, key=n == 5) for n in range(count)]
    return [c for c in made if c]


def film(pictures: list[Coded], sound: str = "") -> bytes:
    sets = parameter_sets(pictures[0].data)
    assert sets is not None
    parts = [init_segment(64, 64, *sets, sound)]
    begin = pictures[0].tick
    pieces = [(c, VIDEO, to_avc(c.data)) for c in pictures]
    if sound:
        encoder = open_sound(sound)
        blocks = [c for n in range(len(pictures)) for c in encoder.push(tone(START + n * FRAME), 0.0)]
        pieces += [(c, SOUND, c.data) for c in blocks if c.tick + c.duration > begin]
    for number, (c, track, data) in enumerate(sorted(pieces, key=lambda p: p[0].tick), 1):
        parts.append(fragment(number, track, c, data, begin))
    return b"".join(parts)


@pytest.mark.parametrize("sound", ["", "opus", "aac"])
def test_it_is_read_back_with_the_same_times(sound: str) -> None:
    pictures = coded_pictures(12)
    with av_open(film(pictures, sound)) as container:
        times, samples = [], 0
        for frame in container.decode():
            if hasattr(frame, "width"):
                times.append(frame.pts * frame.time_base)
                assert frame.width == frame.height == 64
            else:
                samples += frame.samples
    assert times == [Fraction(n * FRAME, 48_000) for n in range(12)]
    assert (abs(samples - 12 * FRAME) <= 3 * 1024) if sound else samples == 0  # what is not whole waits


def test_who_comes_late_begins_at_the_next_key_picture() -> None:
    late = coded_pictures(12)[5:]
    assert late[0].key
    with av_open(film(late)) as container:
        assert len(list(container.decode(video=0))) == 7


def test_the_configuration_tells_what_the_stream_is() -> None:
    picture = coded_pictures(1, size=96)[0]
    sets = parameter_sets(picture.data)
    assert sets is not None
    assert picture_size(sets[0]) == (96, 96)
    assert codec_string(sets[0]).startswith("avc1.42c0")  # constrained baseline
    assert avcc(*sets)[1:4] == sets[0][1:4]
    units = split_units(picture.data)
    assert {u[0] & 31 for u in units} >= {5, 7, 8}
    lengths = to_avc(picture.data)
    first = int.from_bytes(lengths[:4], "big")
    assert lengths[4] & 31 in (5, 6) and first < len(lengths)


@pytest.mark.parametrize(("width", "height"), [(64, 64), (130, 98), (512, 1024), (1280, 720)])
def test_any_even_size_is_told_right(width: int, height: int) -> None:
    encoder = open_encoder("h264", width, height, Fraction(25))
    coded = encoder.encode(np.zeros((height, width, 3), np.uint8), 0, 0.0, key=True)
    sets = parameter_sets(coded.data) if coded else None
    assert sets is not None and picture_size(sets[0]) == (width, height)


def test_what_is_no_key_picture_has_no_configuration() -> None:
    assert parameter_sets(coded_pictures(2)[1].data) is None
    assert parameter_sets(b"") is None and split_units(b"\x01\x02") == []


def av_open(data: bytes) -> Any:
    import av

    return av.open(io.BytesIO(data), format="mp4")
