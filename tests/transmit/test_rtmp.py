"""Pushing over RTMP: to libav's own server and to nginx, which may die and come back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.transmit.live_kit import FPS, moment, paced, picture, wait_for
from tests.transmit.rtmp_kit import KEY, MODULE, NGINX, Nginx, Receiver, TlsDoor, free_port

from mien.errors import NetworkError, UsageError
from mien.transmit.amf import decode, encode
from mien.transmit.feed import Moment
from mien.transmit.rtmp import FlvEncoder, RtmpSettings, RtmpViewer
from mien.transmit.rtmp_wire import AUDIO, RtmpSocket, parse_address
from mien.types import VideoFrame

needs_nginx = pytest.mark.skipif(
    not (NGINX.exists() and MODULE.exists()), reason="needs nginx and libnginx-mod-rtmp, Debian's packages"
)


def pushing(port: int, **more: Any) -> RtmpViewer:
    return RtmpViewer(RtmpSettings(f"rtmp://127.0.0.1:{port}/live/{KEY}", FPS, **more))


def seconds(packets: list[Any], kind: str) -> list[float]:
    return [p[1] for p in packets if p[0] == kind]


def test_libav_s_own_server_gets_pictures_and_sound_in_time() -> None:
    port = free_port()
    receiver = Receiver(port)
    viewer = pushing(port, key_seconds=1.0)
    number = 0
    while viewer.tally.frames < 80 and number < 400:  # the first tries find nobody yet
        for k in paced(10, first=number, rate=50):
            viewer.show(*moment(k))
        number += 10
    viewer.close()
    packets = receiver.packets()
    pictures = [p for p in packets if p[0] == "video"]
    assert len(pictures) >= 75
    steps = [b[1] - a[1] for a, b in pairwise(pictures)]
    assert {round(s, 3) for s in steps} <= {0.039, 0.04, 0.041}
    keys = [k for k, p in enumerate(pictures) if p[2]]
    assert keys[0] == 0 and {b - a for a, b in pairwise(keys)} == {25}
    sound = seconds(packets, "audio")
    assert abs(sound[-1] - pictures[-1][1]) < 0.1 and abs(sound[0] - pictures[0][1]) < 0.1
    assert all(0 < b - a < 0.025 for a, b in pairwise(sound))
    levels = {int(picture(k)[0, 0, 0]) for k in range(40)}
    assert all(min(abs(p[3] - level) for level in levels) < 4 for p in pictures if p[3] > 0)


def test_a_receiver_that_dies_and_comes_back_goes_on_without_a_jump() -> None:
    port = free_port()
    viewer = pushing(port)
    number = 0
    receivers = []
    for _ in range(2):
        receivers.append(receiver := Receiver(port))
        while len(receiver.got) < 100 and number < 2000:
            for k in paced(10, first=number, rate=50):
                viewer.show(*moment(k))
            number += 10
        receiver.kill()
    got = [receiver.packets() for receiver in receivers]
    viewer.close()
    first, second = (seconds(packets, "video") for packets in got)
    assert len(first) > 20 and len(second) > 20
    assert 0 < second[0] - first[-1] < 3.0  # what was under way when it died is missing, no more
    assert got[1][0][2] and next(p for p in got[1] if p[0] == "video")[2]  # begins with a key frame
    tally = viewer.tally
    assert tally.connects >= 2 and tally.lost_frames > 0 and tally.frames + tally.lost_frames <= number


@needs_nginx
def test_nginx_killed_and_started_again_in_the_middle(tmp_path: Path) -> None:
    server = Nginx(tmp_path, free_port())
    try:
        viewer = pushing(server._port)
        number = 0
        for goal in (50, 100):
            while viewer.tally.frames < goal and number < 1500:
                for k in paced(10, first=number, rate=50):
                    viewer.show(*moment(k, 128, 96))
                number += 10
            if goal == 50:
                server.kill()
                server.start()
        viewer.close()
        assert viewer.tally.connects == 2
        assert wait_for(lambda: len(server.films()) == 2)
    finally:
        server.kill()
    (first, second), ends = server.films(), []
    for film in (first, second):
        with av.open(str(film)) as file:
            assert (file.streams.video[0].width, file.streams.video[0].height) == (128, 96)
            times = [float(f.time or 0) for f in file.decode(video=0)]
            assert len(times) >= 25
            ends.append((times[0], times[-1]))
    assert KEY not in repr(viewer.tally) + viewer.address


def test_rtmps_goes_through_tls_and_to_trusted_servers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver(port := free_port())
    door = TlsDoor(tmp_path, port)
    url = f"rtmps://127.0.0.1:{door.port}/live/{KEY}"
    stranger = RtmpViewer(RtmpSettings(url, FPS))
    assert wait_for(lambda: stranger.tally.state == "retrying")
    assert "CERTIFICATE_VERIFY_FAILED" in stranger.tally.reason and KEY not in stranger.tally.reason
    stranger.close()
    monkeypatch.setenv("SSL_CERT_FILE", str(door.certificate))
    viewer = RtmpViewer(RtmpSettings(url, FPS))
    number = 0
    while len(receiver.got) < 60 and number < 600:
        for k in paced(10, first=number, rate=50):
            viewer.show(*moment(k))
        number += 10
    viewer.close()
    door.close()
    assert len(seconds(receiver.packets(), "video")) >= 20


def test_a_stream_of_many_hours_keeps_its_time() -> None:
    """Times above 2^24 ms need four bytes of their own in every chunk."""
    port = free_port()
    receiver = Receiver(port)
    first = 25 * 3600 * 5
    viewer = pushing(port)
    viewer._frames = first  # five hours ago it began
    number = 0
    while viewer.tally.frames < 40 and number < 400:
        for k in paced(10, first=number, rate=50):
            viewer.show(*moment(k, 256, 256))
        number += 10
    viewer.close()
    times = seconds(receiver.packets(), "video")
    assert len(times) > 30
    assert times[0] == pytest.approx(first / 25, abs=0.05) and times[-1] - times[0] < 3


class Liar:
    """A server on this machine that answers with whatever it was given."""

    def __init__(self, answer: bytes) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._answer = answer
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with closing(self._server.accept()[0]) as one, suppress(OSError):
            one.sendall(self._answer)
            one.shutdown(socket.SHUT_WR)
            while one.recv(65_536):
                pass

    def close(self) -> None:
        self._server.close()
        self._thread.join()


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_whatever_a_server_sends_it_ends_in_one_sentence(garbage: bytes, shakes: bool) -> None:
    liar = Liar(b"\x03" + bytes(3072) + garbage if shakes else garbage)
    address = parse_address(f"rtmp://127.0.0.1:{liar.port}/live", KEY)
    try:
        with pytest.raises(NetworkError) as told:
            RtmpSocket(address).open()
    finally:
        liar.close()
    assert KEY not in str(told.value)


def test_a_server_that_talks_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.transmit.rtmp_wire._SECONDS", 0.3)
    ping = b"\x02\0\0\0\0\0\x06\x08\0\0\0\0" + bytes(6)
    liar = Liar(b"\x03" + bytes(3072) + ping * 500_000)
    with pytest.raises(NetworkError, match="does not answer"):
        RtmpSocket(parse_address(f"rtmp://127.0.0.1:{liar.port}/live", KEY)).open()
    liar.close()


def chunk(*values: Any) -> bytes:
    """A command of a server."""
    data = encode(*values)
    return b"\x03\0\0\0" + len(data).to_bytes(3, "big") + b"\x14\0\0\0\0" + data


def talk(status: dict[str, Any]) -> bytes:
    """All that a server says until a stream is published, or refused."""
    said = [("_result", 1.0, None, None), ("_result", 4.0, None, 1.0), ("onStatus", 0.0, None, status)]
    return b"\x03" + bytes(3072) + b"".join(chunk(*one) for one in said)


def test_a_refusal_is_told_without_the_key() -> None:
    liar = Liar(talk({"level": "error", "code": f"NetStream.Publish.BadName {KEY}"}))
    viewer = pushing(liar.port)
    assert wait_for(lambda: viewer.tally.state == "retrying")
    reason = viewer.tally.reason
    viewer.close()
    liar.close()
    assert "NetStream.Publish.BadName" in reason and KEY not in reason


def test_a_network_that_stands_still_in_the_middle_loses_moments_and_blocks_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mien.transmit.rtmp_wire._SECONDS", 0.5)
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 255, (360, 640, 3), np.uint8) for _ in range(4)]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        viewer = pushing(server.getsockname()[1], bit_rate=20_000_000)
        with closing(server.accept()[0]) as guest:  # answers all at once and never reads
            guest.sendall(talk({"level": "status", "code": "NetStream.Publish.Start"}))
            longest, number = 0.0, 0
            while viewer.tally.state in ("opening", "live") and number < 1000:
                frame, sound = moment(number)
                began = time.monotonic()
                viewer.show(VideoFrame(frame.tick, noise[number % 4]), sound)
                longest = max(longest, time.monotonic() - began)
                number += 1
                time.sleep(0.01)
            tally = viewer.tally
            viewer.close()
    assert longest < 0.5  # a hundredth of it is usual
    assert (tally.state, tally.connects) == ("retrying", 1)
    assert tally.frames > 3 and tally.lost_frames > 3


def test_it_is_given_up_after_its_patience() -> None:
    viewer = pushing(free_port(), patience=0.3)
    assert wait_for(lambda: viewer.tally.state == "failed")
    viewer.show(*moment(0))
    assert viewer.tally.lost_frames == 1
    assert "given up" in viewer.tally.reason
    viewer.close()
    assert viewer.tally.state == "failed"


@pytest.mark.parametrize(
    ("url", "key", "app", "name"),
    [
        ("rtmp://h/app/key", "", "app", "key"),
        ("rtmps://h:443/a/b/key?x=1", "", "a/b", "key?x=1"),
        ("rtmp://h:1936/app", "key", "app", "key"),
        ("rtmp://h/app/", " key?a=b ", "app", "key?a=b"),
        ("rtmp://[::1]/live/k", "", "live", "k"),
    ],
)
def test_addresses_are_read_as_people_write_them(url: str, key: str, app: str, name: str) -> None:
    address = parse_address(url, key)
    assert (address.app, address.key) == (app, name)
    for shown in (address.shown, repr(address), address.base):
        assert name not in shown.removeprefix("rtmp")


@pytest.mark.parametrize(
    "url", ["", "http://h/app/key", "rtmp://", "rtmp://h/onlykey", "rtmp://h/app/ke y", "rtmp://h:99999/app/key"]
)
def test_addresses_that_are_none_are_refused_without_a_word_of_them(url: str) -> None:
    with pytest.raises(UsageError) as told:
        RtmpSettings(url, FPS)
    assert "key" not in told.value.message.replace("its key", "") and "onlykey" not in str(told.value)


@pytest.mark.parametrize("wrong", [{"bit_rate": 5}, {"sound_bit_rate": 1}, {"key_seconds": 9.0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        RtmpSettings("rtmp://h/app/key", FPS, **wrong)


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.dictionaries(st.text(min_size=1, max_size=9), inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=6))
def test_amf_is_read_back(values: list[Any]) -> None:
    assert decode(encode(*values)) == values


@given(st.binary(max_size=60))
def test_broken_amf_ends_the_list(data: bytes) -> None:
    assert isinstance(decode(data), list)


def tags(count: int, bit_rate: int) -> Iterator[tuple[int, int, bytes]]:
    rng = np.random.default_rng(1)
    settings = RtmpSettings("rtmp://h/app/key", FPS, bit_rate=bit_rate)
    encoder = None
    for k in range(count):
        frame, sound = moment(k)
        noisy = type(frame)(frame.tick, rng.integers(0, 255, (256, 256, 3), np.uint8))
        encoder = encoder or FlvEncoder(settings, Moment(noisy, sound), 1)
        yield from encoder.add(Moment(noisy, sound))


@pytest.mark.parametrize("bit_rate", [300_000, 2_000_000])
def test_the_bit_rate_is_kept_even_for_noise(bit_rate: int) -> None:
    size = sum(len(data) for kind, _, data in tags(100, bit_rate) if kind != AUDIO)
    assert 0.5 * bit_rate < size * 8 / 4 < 1.3 * bit_rate
