"""The virtual camera: what reaches the driver, and refusals where there is none."""

from __future__ import annotations

import sys
import threading
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.transmit.live_kit import FPS, moment, wait_for

from mien.errors import MissingError, UsageError
from mien.transmit.camera import CameraViewer
from mien.types import VideoFrame


class Driver:
    """Stands for pyvirtualcam.Camera: no machine that runs tests has one."""

    made: list[Driver]

    def __init__(self, width: int, height: int, fps: float, device: str | None = None) -> None:
        if device == "/dev/none":
            raise RuntimeError("'v4l2loopback' backend: Device /dev/none does not exist.")
        self.size, self.fps, self.device = (width, height), fps, device or "/dev/video9"
        self.got: list[Any] = []
        self.free = threading.Event()
        self.free.set()
        self.closed = 0
        Driver.made.append(self)

    def send(self, frame: Any) -> None:
        self.free.wait(10)
        if frame.shape != (self.size[1], self.size[0], 3) or frame.dtype != np.uint8:
            raise ValueError
        self.got.append(frame)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> type[Driver]:
    Driver.made = []
    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=Driver))
    return Driver


def test_pictures_of_every_kind_reach_the_camera_in_its_size(driver: type[Driver]) -> None:
    viewer = CameraViewer(64, 48, FPS)
    for k, size in enumerate([(64, 48, 3), (128, 96, 4), (20, 90, 3)]):
        viewer.show(*moment(k, *size))
        assert wait_for(lambda k=k: len(driver.made[0].got) == k + 1)  # type: ignore[misc]
    viewer.close()
    assert driver.made[0].closed == 1
    assert viewer.tally.frames == 3
    assert driver.made[0].got[2][:, :20].max() == 0  # a tall picture stands between black bars


def test_transparent_pictures_are_laid_over_black(driver: type[Driver]) -> None:
    viewer = CameraViewer(64, 48, FPS)
    pixels = np.full((48, 64, 4), 200, np.uint8)
    pixels[..., 3] = 128
    viewer.show(VideoFrame(0, pixels), moment(0)[1])
    assert wait_for(lambda: bool(driver.made[0].got))
    viewer.close()
    assert abs(int(driver.made[0].got[0].max()) - 100) <= 1
    assert (pixels[..., :3] == 200).all()


def test_the_newest_picture_wins(driver: type[Driver]) -> None:
    viewer = CameraViewer(64, 48, FPS)
    driver.made[0].free.clear()
    for k in range(10):
        viewer.show(*moment(k, 64, 48))
    driver.made[0].free.set()
    assert wait_for(lambda: viewer.tally.waiting == 0)
    viewer.close()
    assert int(driver.made[0].got[-1][0, 0, 0]) == int(moment(9)[0].pixels[0, 0, 0])
    assert viewer.tally.lost_frames >= 7


def test_a_camera_that_goes_away_is_told(driver: type[Driver]) -> None:
    viewer = CameraViewer(64, 48, FPS)
    driver.made[0].size = (1, 1)
    viewer.show(*moment(0))
    assert wait_for(lambda: viewer.tally.state == "failed")
    assert "/dev/video9" in viewer.tally.reason
    viewer.close()


@pytest.mark.parametrize(("platform", "word"), [("linux", "modprobe"), ("win32", "OBS"), ("darwin", "OBS")])
def test_where_there_is_no_camera_the_hint_says_how_to_get_one(
    driver: type[Driver], monkeypatch: pytest.MonkeyPatch, platform: str, word: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(MissingError) as told:
        CameraViewer(64, 48, FPS, "/dev/none")
    assert word in told.value.hint


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(MissingError, match="GPL") as told:
        CameraViewer(64, 48, Fraction(25))
    assert "mien[camera]" in told.value.hint


@pytest.mark.parametrize("size", [(0, 48), (63, 48), (64, 5000)])
def test_sizes_that_no_camera_has_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError):
        CameraViewer(*size, FPS)
