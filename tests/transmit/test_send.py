"""One line of text says where a session is sent."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import MienError, MissingError, UsageError
from mien.transmit.livelink import LiveLinkViewer
from mien.transmit.record import Recorder
from mien.transmit.rtmp import RtmpViewer
from mien.transmit.send import FORMS, RTMP_KEY, WHIP_TOKEN, Pictures, open_viewer
from mien.transmit.vmc import VmcViewer
from mien.transmit.whip import WhipViewer

PICTURES = Pictures(64, 48, Fraction(25))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("rtmp://127.0.0.1:1/live/key", RtmpViewer),
        ("rtmps://127.0.0.1:1/live", RtmpViewer),
        ("whip+http://127.0.0.1:1/whip/room", WhipViewer),
        ("vmc://127.0.0.1", VmcViewer),
        ("vmc://127.0.0.1:39540/vrm", VmcViewer),
        ("livelink://127.0.0.1:11111/My%20face", LiveLinkViewer),
        ("talk.mp4", Recorder),
    ],
)
def test_each_form_opens_its_viewer(text: str, kind: type, tmp_path: Path) -> None:
    variables = {"MIEN_RTMP_KEY": "from-the-environment", "MIEN_WHIP_TOKEN": "token"}
    viewer = open_viewer(text, PICTURES, folder=tmp_path, environment=variables)
    assert type(viewer) is kind
    viewer.close()


def test_a_key_of_the_address_goes_before_that_of_the_environment() -> None:
    viewer = open_viewer("rtmp://127.0.0.1:1/app/own", PICTURES, environment={"MIEN_RTMP_KEY": "other"})
    assert isinstance(viewer, RtmpViewer)
    assert (viewer._address.app, viewer._address.key) == ("app", "own")
    viewer.close()


def test_a_camera_is_asked_for_by_name() -> None:
    with pytest.raises(MissingError):
        open_viewer("camera:/dev/nowhere", PICTURES)


@pytest.mark.parametrize("page", ["docs/sending.md", "docs/zh-CN/sending.md"])
def test_the_page_shows_every_form(page: str) -> None:
    text = (Path(__file__).parents[2] / page).read_text("utf-8")
    assert all(f"`{form}`" in text or form == "camera:DEVICE" for form in FORMS)
    assert RTMP_KEY in text and WHIP_TOKEN in text


@pytest.mark.parametrize("name", ["../talk.mp4", "/tmp/talk.mp4", "a/b.mp4", "..\\b.mp4", ".mp4", "a\0.mp4"])
def test_recordings_stay_in_their_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with pytest.raises(UsageError):
        open_viewer(name, PICTURES, folder=tmp_path / "here")
    assert not list(tmp_path.rglob("*.mp4"))


def test_without_a_folder_nothing_is_recorded() -> None:
    with pytest.raises(UsageError, match="not written"):
        open_viewer("talk.mp4", PICTURES)


@given(st.text(max_size=40).filter(lambda t: not t.strip().lower().startswith("camera")))
def test_anything_else_is_refused_in_a_sentence_that_repeats_nothing(text: str) -> None:
    with pytest.raises(MienError) as told:
        open_viewer(f"{text}secret", PICTURES, environment={})
    assert "secret" not in str(told.value)
