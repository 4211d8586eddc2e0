"""Pushing by WHIP to a real endpoint on this machine, which may be gone, refuse, lie and come back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from tests.transmit.live_kit import FPS, moment, own_threads, paced, picture, wait_for
from tests.transmit.whip_kit import TOKEN, Endpoint

from mien.errors import NetworkError, UsageError
from mien.transmit.whip import WhipSettings, WhipViewer
from mien.transmit.whip_http import WhipHttp


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    one = Endpoint()
    yield one
    one.stop()


def feed(viewer: WhipViewer, enough: Callable[[], bool], most: int = 400, **size: int) -> int:
    """Show moments at their rate until it is enough; returns how many."""
    for k in paced(most):
        if enough():
            return k
        viewer.show(*moment(k, **size))
    return most


def test_an_endpoint_gets_pictures_and_sound_and_is_told_the_end(endpoint: Endpoint) -> None:
    viewer = WhipViewer(WhipSettings(endpoint.url, FPS, TOKEN))
    feed(viewer, lambda: len(endpoint.pictures) >= 40 and len(endpoint.sound) >= 60, width=128, height=96)
    tally = viewer.tally
    viewer.close()
    assert viewer.tally.state == "closed"
    assert len(endpoint.pictures) >= 40
    levels = [int(picture(k)[0, 0, 0]) for k in range(40)]
    assert all(min(abs(seen - level) for level in levels) <= 6 for _, seen in endpoint.pictures)
    times = [t for t, _ in endpoint.pictures]
    assert [round(b - a, 3) for a, b in pairwise(times)].count(0.04) >= 0.8 * len(times)
    assert sorted(rms for _, rms in endpoint.sound)[len(endpoint.sound) // 2] == pytest.approx(0.3 / 2**0.5, rel=0.15)
    assert endpoint.tokens == [f"Bearer {TOKEN}"]
    assert endpoint.deleted == ["/session/1"]
    assert (tally.state, tally.connects) == ("live", 1) and tally.frames > 0
    assert "secret" not in viewer.address + repr(viewer._settings) and TOKEN not in repr(viewer._settings)
    assert not own_threads()


def test_an_endpoint_without_h264_gets_vp8(endpoint: Endpoint) -> None:
    endpoint.moods = ["vp8"]
    viewer = WhipViewer(WhipSettings(endpoint.url, FPS))
    feed(viewer, lambda: len(endpoint.pictures) >= 5)
    viewer.close()
    assert len(endpoint.pictures) >= 5
    assert endpoint.tokens == [""]


def test_an_endpoint_that_leaves_in_the_middle_gets_a_new_session(endpoint: Endpoint) -> None:
    viewer = WhipViewer(WhipSettings(endpoint.url, FPS))
    feed(viewer, lambda: len(endpoint.pictures) >= 10)
    endpoint.hang_up()
    before = len(endpoint.pictures)
    feed(viewer, lambda: len(endpoint.offers) == 2 and len(endpoint.pictures) >= before + 10)
    assert viewer.tally.connects == 2
    viewer.close()
    assert len(endpoint.pictures) >= before + 10


def test_it_follows_to_another_address_and_tries_again_when_refused(endpoint: Endpoint) -> None:
    endpoint.moods = ["503", "moved", ""]
    viewer = WhipViewer(WhipSettings(endpoint.url, FPS))
    assert wait_for(lambda: viewer.tally.state == "retrying")
    assert "full" in viewer.tally.reason and "secret" not in viewer.tally.reason
    assert wait_for(lambda: viewer.tally.state == "live")
    viewer.close()


@pytest.mark.parametrize(
    ("mood", "word"), [("401", "token"), ("404", "no such endpoint"), ("418", "418"), ("garbage", "description")]
)
def test_what_it_is_refused_for_is_told(endpoint: Endpoint, mood: str, word: str) -> None:
    endpoint.moods = [mood]
    viewer = WhipViewer(WhipSettings(endpoint.url, FPS, TOKEN))
    assert wait_for(lambda: viewer.tally.state == "retrying")
    reason = viewer.tally.reason
    viewer.close()
    assert word in reason and TOKEN not in reason and "secret" not in reason


def test_an_endpoint_that_never_answers_does_not_hold_up_the_end(endpoint: Endpoint) -> None:
    endpoint.moods = ["silent"]
    viewer = WhipViewer(WhipSettings(endpoint.url, FPS))
    assert wait_for(lambda: bool(endpoint.tokens))
    viewer.show(*moment(0))
    began = time.monotonic()
    viewer.close()
    assert time.monotonic() - began < 3
    assert not own_threads()


def test_a_redirect_in_circles_ends_and_keeps_the_token_at_home(endpoint: Endpoint) -> None:
    endpoint.moods = ["moved"]
    with pytest.raises(NetworkError, match="round"):
        WhipHttp(endpoint.url, TOKEN).create("v=0")
    assert len(endpoint.tokens) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": ""},
        {"url": "ftp://h/x"},
        {"url": "https://user:word@h/x"},
        {"url": "http://h:99999/x"},
        {"url": "https://h/a b"},
        {"url": "http://192.0.2.1/x", "token": "t"},
        {"url": "https://h/x", "token": "a\r\nb: c"},
    ],
)
def test_addresses_and_tokens_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        WhipSettings(fps=FPS, **wrong)
