"""What every viewer promises (:class:`mien.transmit.live.Viewer`), against receivers that are well, hang, and die.

A new viewer is a function here that opens it, and a line in KINDS.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.transmit.live_kit import FPS, moment, motion, wait_for

from mien.transmit.broadcast import Broadcast
from mien.transmit.live import CLOSE_SECONDS, Tally, Viewer
from mien.transmit.livelink import LiveLinkViewer
from mien.transmit.motion_socket import MotionSocket
from mien.transmit.record import Recorder
from mien.transmit.rtmp import RtmpSettings, RtmpViewer
from mien.transmit.vmc import VmcViewer
from mien.transmit.whip import WhipSettings, WhipViewer


class Receivers:
    """Where viewers send to in a test: alive, hanging ("hangs") or not there ("dead")."""

    def __init__(self, mood: str, folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mood, self.folder, self.monkeypatch = mood, folder, monkeypatch
        self.free = threading.Event()
        if mood != "hangs":
            self.free.set()
        stack.callback(self.free.set)
        self._server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))  # accepts and never says a word
        self.port = int(self._server.getsockname()[1])
        if mood == "dead":
            self._server.close()
        self.number = 0

    def take(self, *_: object) -> None:
        """What a receiver inside the process does with what it gets."""
        self.free.wait(30)
        if self.mood == "dead":
            raise ConnectionResetError


def recorder(to: Receivers) -> Viewer:
    to.number += 1
    if to.mood == "dead":
        folder = to.folder / f"gone{to.number}"
        folder.mkdir()
        viewer = Recorder(folder / "talk.mp4", FPS)
        folder.rmdir()
        return viewer
    if to.mood == "hangs":
        to.monkeypatch.setattr("mien.transmit.record._Film.add", to.take)
    return Recorder(to.folder / f"talk{to.number}.mp4", FPS)


def camera(to: Receivers) -> Viewer:
    from mien.transmit.camera import CameraViewer

    driver = SimpleNamespace(device="test", send=to.take, close=to.free.set)
    to.monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=lambda *_, **__: driver))
    return CameraViewer(64, 48, FPS)


def broadcast(to: Receivers) -> Viewer:
    viewer = Broadcast(FPS)
    viewer.pictures("h264", to.take, lambda tick: None)
    viewer.sound("opus", to.take, lambda tick: None)
    return viewer


KINDS: dict[str, tuple[Callable[[Receivers], Viewer], bool]] = {
    "rtmp": (lambda to: RtmpViewer(RtmpSettings(f"rtmp://127.0.0.1:{to.port}/live/key", FPS)), True),
    "whip": (lambda to: WhipViewer(WhipSettings(f"http://127.0.0.1:{to.port}/whip/key", FPS)), True),
    "record": (recorder, True),
    "camera": (camera, True),
    "broadcast": (broadcast, True),
    "vmc": (lambda to: VmcViewer("127.0.0.1", to.port), False),
    "livelink": (lambda to: LiveLinkViewer("127.0.0.1", to.port), False),
    "motion socket": (lambda to: MotionSocket(to.take, to.free.set), False),
}
"""How to open each kind, and whether it takes pictures (or motion)."""

MAY_HANG = ["rtmp", "whip", "record", "camera", "broadcast", "motion socket"]
"""Kinds whose receiver can make them wait; datagrams never wait for anybody."""


@pytest.fixture
def receivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Receivers]]:
    with ExitStack() as stack:
        yield lambda mood: Receivers(mood, tmp_path, stack, monkeypatch)


def feed(viewer: Viewer, count: int, first: int = 0) -> float:
    """Show and move; returns the longest time that a call took."""
    longest = 0.0
    for k in range(first, first + count):
        frame, sound = moment(k)
        began = time.monotonic()
        viewer.move(motion(k))
        between = time.monotonic()
        viewer.show(frame, sound)
        longest = max(longest, time.monotonic() - between, between - began)
    return longest


def given_and_lost(tally: Tally, pictures: bool) -> tuple[int, int]:
    if pictures:
        return tally.frames, tally.lost_frames
    return tally.rows // 2, tally.lost_rows // 2


def ended(before: set[threading.Thread]) -> bool:
    """Whether no thread is alive that was not there before; looks for ten seconds."""
    return wait_for(lambda: not {t for t in threading.enumerate() if t.is_alive()} - before)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("mood", ["well", "hangs", "dead"])
def test_it_takes_everything_in_any_state_and_ends(kind: str, mood: str, receivers: Callable[[str], Receivers]) -> None:
    before = set(threading.enumerate())
    to = receivers(mood)
    to.monkeypatch.setattr("mien.transmit.feed.CLOSE_SECONDS", CLOSE_SECONDS / 4)  # for quick tests; shares stay
    viewer = KINDS[kind][0](to)
    assert isinstance(viewer, Viewer)
    feed(viewer, 3)
    viewer.cut(3 * 1920)
    feed(viewer, 3, first=3)
    began = time.monotonic()
    viewer.close()
    assert time.monotonic() - began < CLOSE_SECONDS + 1
    viewer.close()
    feed(viewer, 3, first=6)
    viewer.cut(9 * 1920)
    to.free.set()
    assert ended(before)
    may_fail = mood != "well" and kind in ("record", "camera", "motion socket")
    assert wait_for(lambda: viewer.tally.state == "closed" or (may_fail and viewer.tally.state == "failed"))


@pytest.mark.parametrize("kind", MAY_HANG)
def test_a_receiver_that_hangs_blocks_nobody_and_what_is_dropped_is_told(
    kind: str, receivers: Callable[[str], Receivers]
) -> None:
    to = receivers("hangs")
    opener, pictures = KINDS[kind]
    viewer = opener(to)
    count = 200
    assert feed(viewer, count) < 0.5  # a hundredth of it is usual; test machines are slow
    tally = viewer.tally
    sent, lost = given_and_lost(tally, pictures)
    assert sent <= 2
    assert lost >= count - 60
    assert sent + lost <= count
    to.free.set()
    viewer.close()


@pytest.mark.parametrize("kind", ["rtmp", "whip", "record", "motion socket"])
def test_a_receiver_that_is_dead_is_told_and_harms_nobody(kind: str, receivers: Callable[[str], Receivers]) -> None:
    viewer = KINDS[kind][0](receivers("dead"))
    feed(viewer, 3)
    assert wait_for(lambda: viewer.tally.state in ("retrying", "failed"))
    reason = viewer.tally.reason
    assert reason.endswith((".", "?")) and len(reason) > 10 and "key" not in reason
    assert feed(viewer, 10) < 0.5
    viewer.close()


def test_a_hundred_come_and_go(kind: str, receivers: Callable[[str], Receivers]) -> None:
    to = receivers("dead" if kind in ("rtmp", "whip") else "well")
    before = set(threading.enumerate())
    for k in range(100 if kind != "whip" else 25):  # each of those has an event loop, which takes its time
        viewer = KINDS[kind][0](to)
        feed(viewer, 1, first=k)
        viewer.close()
    assert ended(before)


def test_what_it_is_given_is_never_changed(kind: str, receivers: Callable[[str], Receivers]) -> None:
    viewer: Any = KINDS[kind][0](receivers("well"))
    frame, sound = moment(3)
    clip = motion(3)
    kept = [array.copy() for array in (frame.pixels, sound.samples, clip.shapes, clip.head)]
    viewer.move(clip)
    viewer.show(frame, sound)
    viewer.close()
    for array, copy in zip((frame.pixels, sound.samples, clip.shapes, clip.head), kept, strict=True):
        assert (array == copy).all()
