"""One session encoded once for all who watch; what cannot keep up is dropped by the stated rules."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.transmit.live_parts import FRAME, grey, tone

from mien.errors import UsageError
from mien.transmit.broadcast import Broadcast
from mien.transmit.rtc_coded import Blocks, Coded
from mien.transmit.rtc_picture import open_encoder, suitable_rate
from mien.transmit.rtc_sound import open_sound
from mien.types import AudioChunk, FaceClip, VideoFrame


def eventually(true: Callable[[], Any], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.005)


def ignore(tick: int) -> None:
    """Nobody minds a cut."""


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("mien-live-")]


def show(broadcast: Broadcast, n: int, size: int = 64) -> None:
    broadcast.show(VideoFrame(n * FRAME, grey(n * 9 % 256, size)), tone(n * FRAME))


def test_many_takers_share_one_encoder_and_each_begins_with_a_key_picture() -> None:
    broadcast = Broadcast()
    first: list[Coded] = []
    second: list[Coded] = []
    one = broadcast.pictures("h264", first.append, ignore)
    for n in range(3):
        show(broadcast, n)
        eventually(lambda: len(first) == n + 1)  # noqa: B023
    two = broadcast.pictures("h264", second.append, ignore)
    for n in range(3, 20):
        show(broadcast, n)
        eventually(lambda: len(first) == n + 1)  # noqa: B023
    assert threads() == ["mien-live-h264"]
    assert first[0].key and second[0].key and second == first[-len(second) :]
    assert [c.tick for c in first] == [n * FRAME for n in range(20)]
    one.close()
    two.close()
    eventually(lambda: not threads())
    broadcast.close()


def test_codecs_that_do_not_exist_are_refused() -> None:
    for wrong in ("h265", "opus"):
        with pytest.raises(UsageError):
            Broadcast().pictures(wrong, print, ignore)
    with pytest.raises(UsageError):
        Broadcast().sound("h264", print, ignore)


def test_nobody_watches_nothing_runs() -> None:
    broadcast = Broadcast()
    show(broadcast, 0)
    assert not threads()
    broadcast.close()
    late: list[Coded] = []
    broadcast.sound("opus", late.append, ignore)
    show(broadcast, 1)
    assert not threads() and not late


def test_a_slow_encoder_never_holds_the_session_and_the_newest_picture_wins() -> None:
    broadcast = Broadcast()
    taken: list[Coded] = []

    def slow(coded: Coded) -> None:
        taken.append(coded)
        time.sleep(0.5)

    broadcast.pictures("h264", slow, ignore)
    begin = time.monotonic()
    for n in range(40):
        show(broadcast, n)
    assert time.monotonic() - begin < 0.4  # not even once
    eventually(lambda: taken and taken[-1].tick == 39 * FRAME)
    assert len(taken) < 6 and broadcast.tally.lost_frames == 40 - len(taken)
    broadcast.close()


def test_sound_is_bounded_and_what_falls_out_is_counted() -> None:
    broadcast = Broadcast()
    taken: list[Coded] = []
    gate = threading.Event()

    def stuck(coded: Coded) -> None:
        taken.append(coded)
        gate.wait(5.0)

    broadcast.sound("pcm", stuck, ignore)
    show(broadcast, 0)
    eventually(lambda: taken)
    for n in range(1, 101):
        show(broadcast, n)
    assert broadcast.tally.lost_ticks == 75 * FRAME
    gate.set()
    eventually(lambda: taken[-1].tick == 100 * FRAME + 960)
    assert len(taken) == 2 * 26
    broadcast.close()


def test_a_cut_drops_what_waits_and_tells_the_takers() -> None:
    broadcast = Broadcast()
    taken: list[Coded] = []
    cuts: list[int] = []
    gate = threading.Event()

    def stuck(coded: Coded) -> None:
        taken.append(coded)
        gate.wait(5.0)

    broadcast.sound("pcm", stuck, cuts.append)
    show(broadcast, 0)
    eventually(lambda: taken)
    for n in range(1, 10):
        show(broadcast, n)
    broadcast.cut(8 * FRAME)
    gate.set()
    eventually(lambda: taken[-1].tick == 9 * FRAME + 960)
    assert cuts == [8 * FRAME]
    assert [c.tick for c in taken if c.tick >= FRAME] == [8 * FRAME, 8 * FRAME + 960, 9 * FRAME, 9 * FRAME + 960]
    broadcast.close()


def test_takers_that_fail_do_not_harm_others_nor_the_session() -> None:
    broadcast = Broadcast()
    taken: list[Coded] = []
    moves: list[FaceClip] = []

    def fails(coded: object) -> None:
        raise RuntimeError("gone")

    broadcast.pictures("vp8", fails, ignore)
    broadcast.pictures("vp8", taken.append, ignore)
    broadcast.motion(fails)
    end = broadcast.motion(moves.append)
    clip = FaceClip(0, np.zeros((1, 52), np.float32), np.zeros((1, 6), np.float32))
    broadcast.move(clip)
    end()
    broadcast.move(clip)
    show(broadcast, 0)
    eventually(lambda: taken)
    assert moves == [clip]
    broadcast.show(VideoFrame(FRAME, np.zeros((0, 0, 3), np.uint8)), tone(FRAME))  # cannot be coded
    show(broadcast, 2, size=33)  # another size, odd
    eventually(lambda: taken[-1].tick == 2 * FRAME)
    assert taken[-1].key
    broadcast.close()


def test_pictures_with_alpha_are_packed_when_asked() -> None:
    import av

    def packed(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.concatenate([pixels[..., :3], np.repeat(pixels[..., 3:], 3, axis=2)])

    broadcast = Broadcast(pack=packed)
    taken: list[Coded] = []
    broadcast.pictures("h264", taken.append, ignore)
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., 3] = 255
    broadcast.show(VideoFrame(0, pixels), tone(0))
    eventually(lambda: taken)
    decoder: Any = av.CodecContext.create("h264", "r")
    frames = [*decoder.decode(av.Packet(taken[0].data)), *decoder.decode(None)]
    luma = frames[0].to_ndarray(format="gray")
    assert luma.shape == (128, 64) and luma[:60].mean() < 40 < 200 < luma[68:].mean()
    broadcast.close()


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_the_bit_rate_follows_what_is_asked(codec: str) -> None:
    """Of pictures with grain, that take what they get."""
    grain = np.random.default_rng(0).integers(96, 160, (280, 280, 3), np.uint8)
    encoder = open_encoder(codec, 256, 256, Fraction(25))
    coded: list[Coded] = []
    for n in range(240):
        if n == 80:
            encoder.set_rate(200_000)
        if n == 160:
            encoder.set_rate(suitable_rate(256, 256, Fraction(25)) + 1)
        made = encoder.encode(grain[n % 7 : n % 7 + 256, n % 11 : n % 11 + 256], n * FRAME, 0.0, key=n == 30)
        assert made is not None
        coded.append(made)
    before, low, after = (sum(len(c.data) for c in coded[b - 40 : b]) for b in (80, 160, 240))
    assert low < 0.9 * before and after > 1.1 * low
    keys = [n for n, c in enumerate(coded) if c.key]
    assert keys[:2] == [0, 30] and max(b - a for a, b in pairwise([*keys, 240])) <= 50
    if codec == "h264":
        assert keys == [0, 30, 80, 130, 180, 230]  # a new rate costs no key picture


@pytest.mark.parametrize(("codec", "delay"), [("opus", 312), ("aac", 1024), ("pcm", 0)])
def test_coded_sound_is_stamped_where_its_decoder_gives_it(codec: str, delay: int) -> None:
    encoder = open_sound(codec)
    coded = [c for n in range(20) for c in encoder.push(tone(96_000 + n * FRAME), n / 25)]
    assert coded[0].tick == 96_000 - delay
    assert all(a.tick + a.duration == b.tick for a, b in pairwise(coded))
    spread = [c.due - (c.tick + delay - 96_000) / 48_000 for c in coded]
    assert max(spread) - min(spread) < 0.03  # due as evenly as they sound, whatever the pieces


@given(cuts=st.lists(st.integers(1, 3000), min_size=1, max_size=12), length=st.sampled_from([480, 960, 1024]))
@settings(max_examples=40, deadline=None)
def test_blocks_do_not_depend_on_the_pieces(cuts: list[int], length: int) -> None:
    total = sum(cuts)
    sound = np.arange(total, dtype=np.float32)

    def blocks(pieces: list[int]) -> list[tuple[int, list[float]]]:
        cutter, at, out = Blocks(length), 0, []
        for count in pieces:
            out += [(t, s.tolist()) for t, s, _ in cutter.push(AudioChunk(at, sound[at : at + count]), at / 48_000)]
            at += count
        return out

    assert blocks(cuts) == blocks([total])
    assert [t for t, _ in blocks(cuts)] == [n * length for n in range(total // length)]


def test_blocks_bridge_small_gaps_with_silence_and_begin_anew_after_large_ones() -> None:
    cutter = Blocks(960)
    ones = np.ones(960, np.float32)
    assert [t for t, _, _ in cutter.push(AudioChunk(0, ones), 0.0)] == [0]
    (tick, samples, _), *_ = cutter.push(AudioChunk(1440, ones), 0.0)
    assert tick == 960 and samples[:480].sum() == 0 and samples[480:].sum() == 480
    assert [t for t, _, _ in cutter.push(AudioChunk(96_000, ones), 0.0)] == [96_000]
    assert [t for t, _, _ in cutter.push(AudioChunk(96_000 + 480, ones), 0.0)] == []  # half of it was there before
