"""Motion over the network: real datagrams and WebSocket messages, decoded by others' means."""

from __future__ import annotations

import json
import math
import queue
import socket
import struct
import threading
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage
from tests.transmit.live_kit import FPS, moment, motion, paced, wait_for
from websockets.sync.client import connect
from websockets.sync.server import Server, ServerConnection, serve

from mien.errors import UsageError
from mien.face.visemes import CHANNELS, gestures
from mien.timeline import frame_tick
from mien.transmit.livelink import LiveLinkViewer, packet
from mien.transmit.motion_socket import MotionSocket
from mien.transmit.osc import bundles, message
from mien.transmit.rows import Row
from mien.transmit.vmc import VmcViewer, unity_rotation, vrm_shapes
from mien.types import ARKIT_SHAPES, SHAPE_INDEX, FaceClip, FloatArray

UNREAL = [
    "EyeBlinkLeft", "EyeLookDownLeft", "EyeLookInLeft", "EyeLookOutLeft", "EyeLookUpLeft", "EyeSquintLeft",
    "EyeWideLeft", "EyeBlinkRight", "EyeLookDownRight", "EyeLookInRight", "EyeLookOutRight", "EyeLookUpRight",
    "EyeSquintRight", "EyeWideRight", "JawForward", "JawLeft", "JawRight", "JawOpen", "MouthClose", "MouthFunnel",
    "MouthPucker", "MouthLeft", "MouthRight", "MouthSmileLeft", "MouthSmileRight", "MouthFrownLeft",
    "MouthFrownRight", "MouthDimpleLeft", "MouthDimpleRight", "MouthStretchLeft", "MouthStretchRight",
    "MouthRollLower", "MouthRollUpper", "MouthShrugLower", "MouthShrugUpper", "MouthPressLeft", "MouthPressRight",
    "MouthLowerDownLeft", "MouthLowerDownRight", "MouthUpperUpLeft", "MouthUpperUpRight", "BrowDownLeft",
    "BrowDownRight", "BrowInnerUp", "BrowOuterUpLeft", "BrowOuterUpRight", "CheekPuff", "CheekSquintLeft",
    "CheekSquintRight", "NoseSneerLeft", "NoseSneerRight", "TongueOut", "HeadYaw", "HeadPitch", "HeadRoll",
    "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch", "RightEyeRoll",
]  # fmt: skip
"""The order of EARFaceBlendShape in Unreal Engine."""


class Listener:
    """A UDP socket on this machine that keeps what comes."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(5)
        self.port: int = self._socket.getsockname()[1]

    def next(self) -> bytes:
        return self._socket.recv(65_536)

    def until(self, last: bytes) -> list[bytes]:
        """Datagrams up to one that holds ``last``."""
        got = [self.next()]
        while last not in got[-1]:
            got.append(self.next())
        return got

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Any:
    one = Listener()
    yield one
    one.close()


def one_row(**values: float) -> Row:
    """A row with these shapes, and yaw, pitch, roll."""
    shapes, head = np.zeros(52, np.float32), np.zeros(6, np.float32)
    for name, value in values.items():
        if name in SHAPE_INDEX:
            shapes[SHAPE_INDEX[name]] = value
        else:
            head[("yaw", "pitch", "roll").index(name)] = value
    return Row(4800, shapes, head)


def clip_of(row: Row) -> FaceClip:
    return FaceClip(row.tick, row.shapes[None], row.head[None], Fraction(50))


def osc(datagrams: list[bytes]) -> list[OscMessage]:
    return [one for data in datagrams for one in OscBundle(data)]


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
    st.lists(
        st.integers(-(2**31), 2**31 - 1) | st.floats(width=32, allow_nan=False) | st.text(max_size=20), max_size=8
    ),
)
def test_osc_messages_are_read_back_by_another_library(address: str, values: list[int | float | str]) -> None:
    values = [v.replace("\0", "") if isinstance(v, str) else v for v in values]
    data = message("/" + address, *values)
    assert len(data) % 4 == 0
    back = OscMessage(data)
    assert (back.address, list(back.params)) == ("/" + address, values)


@given(st.lists(st.integers(1, 60), max_size=30), st.integers(64, 400))
def test_bundles_keep_order_and_size(lengths: list[int], size: int) -> None:
    messages = [message("/a", n, "x" * length) for n, length in enumerate(lengths)]
    made = list(bundles(messages, size))
    assert all(len(b) <= size or len(list(OscBundle(b))) == 1 for b in made)
    assert [m.params[0] for m in osc(made)] == list(range(len(lengths)))


def test_vmc_sends_what_the_protocol_says(listener: Listener) -> None:
    viewer = VmcViewer("127.0.0.1", listener.port)
    row = one_row(jawOpen=0.5, eyeBlinkLeft=1.0, mouthPucker=0.25, yaw=0.3)
    viewer.move(clip_of(row))
    datagrams = listener.until(b"Apply")
    viewer.close()
    assert max(map(len, datagrams)) <= 1472
    messages = osc(datagrams)
    assert [m.address for m in messages[:3]] == ["/VMC/Ext/OK", "/VMC/Ext/T", "/VMC/Ext/Bone/Pos"]
    assert messages[-1].address == "/VMC/Ext/Blend/Apply"
    assert messages[0].params == [1]
    assert messages[1].params[0] == pytest.approx(0.1)
    bone = messages[2].params
    assert bone[0] == "Head" and len(bone) == 8
    assert bone[4:] == pytest.approx([0, -math.sin(0.15), 0, math.cos(0.15)], abs=1e-6)
    values = {m.params[0]: m.params[1] for m in messages if m.address == "/VMC/Ext/Blend/Val"}
    assert len(values) == 52
    assert {name: v for name, v in values.items() if v} == pytest.approx(
        {"JawOpen": 0.5, "EyeBlinkLeft": 1.0, "MouthPucker": 0.25}
    )
    assert viewer.tally.rows == 1


def vowel(symbol: str) -> dict[str, float]:
    """What VRM's presets become when our own driver's mouth stands at a vowel."""
    shapes = np.zeros(52, np.float32)
    for name, value in zip(CHANNELS, gestures(symbol)[0].target, strict=True):
        for column, shape in enumerate(ARKIT_SHAPES):
            if shape in (name, f"{name}Left", f"{name}Right"):
                shapes[column] = value
    return vrm_shapes(shapes)


@pytest.mark.parametrize(("symbol", "letter"), list(zip("aiueo", "AIUEO", strict=True)))
def test_models_without_perfect_sync_get_the_vowel_that_is_spoken(symbol: str, letter: str) -> None:
    values = vowel(symbol)
    assert max(values, key=lambda name: values[name]) == letter
    assert values[letter] > 0.6


@pytest.mark.parametrize("symbol", ["m", "p", "f", "t"])
def test_closed_lips_are_closed_in_such_models_too(symbol: str) -> None:
    assert max(vowel(symbol).values()) < 0.3


@given(arrays(np.float32, 52, elements=st.floats(0, 1, width=32)))
def test_the_five_vowels_never_sum_to_more_than_one(shapes: FloatArray) -> None:
    values = vrm_shapes(shapes)
    assert all(0 <= v <= 1 for v in values.values())
    assert sum(values[letter] for letter in "AIUEO") <= 1.00001


def test_vmc_for_other_models_sends_the_presets(listener: Listener) -> None:
    viewer = VmcViewer("127.0.0.1", listener.port, "vrm")
    viewer.move(clip_of(one_row(eyeBlinkLeft=1.0, jawOpen=0.5)))
    messages = osc(listener.until(b"Apply"))
    viewer.close()
    values = {m.params[0]: m.params[1] for m in messages if m.address == "/VMC/Ext/Blend/Val"}
    assert values == {"A": 1, "I": 0, "U": 0, "E": 0, "O": 0, "Blink_L": 1, "Blink_R": 0}


@pytest.mark.parametrize(
    ("turn", "moves", "to"),
    [  # in Unity x is the avatar's right, y up, z out of its face
        ({"yaw": 0.2}, (0, 0, 1), (-1, 0, 0)),  # the nose goes to the person's own left
        ({"pitch": 0.2}, (0, 0, 1), (0, -1, 0)),  # the nose goes down
        ({"roll": 0.2}, (-1, 0, 0), (0, 1, 0)),  # the left side goes up
    ],
)
def test_the_head_turns_in_unity_as_it_does_here(
    turn: dict[str, float], moves: tuple[float, ...], to: tuple[float, ...]
) -> None:
    x, y, z, w = unity_rotation(one_row(**turn).head)
    v, q = np.array(moves, float), np.array([x, y, z])
    turned = v + 2 * w * np.cross(q, v) + 2 * np.cross(q, np.cross(q, v))  # the same formula in both handednesses
    assert np.dot(turned - v, to) == pytest.approx(math.sin(0.2), abs=1e-6)


def decode_live_link(data: bytes) -> tuple[str, str, tuple[int, float, int, int], dict[str, float]]:
    """As Unreal reads it: version, device, subject, time, values by name."""
    assert data[0] == 6
    names, at = [], 1
    for _ in range(2):
        (length,) = struct.unpack_from(">i", data, at)
        names.append(data[at + 4 : at + 4 + length].decode())
        at += 4 + length
    time = struct.unpack_from(">ifii", data, at)
    assert data[at + 16] == 61
    values = struct.unpack(">61f", data[at + 17 :])
    return names[0], names[1], time, dict(zip(UNREAL, values, strict=True))


def test_live_link_sends_the_packet_that_unreal_reads(listener: Listener) -> None:
    viewer = LiveLinkViewer("127.0.0.1", listener.port, "iPhone")
    row = one_row(jawLeft=0.5, jawRight=0.125, mouthRight=0.25, tongueOut=1.0, eyeLookOutLeft=1.0, yaw=0.3, roll=-0.1)
    viewer.move(clip_of(row))
    data = listener.next()
    viewer.close()
    assert len(data) == 312
    device, subject, time, values = decode_live_link(data)
    assert (len(device), subject, time[2:]) == (36, "iPhone", (50, 1))
    assert {name: round(v, 4) for name, v in values.items() if v} == {
        "JawLeft": 0.5,
        "JawRight": 0.125,
        "MouthRight": 0.25,
        "TongueOut": 1.0,
        "EyeLookOutLeft": 1.0,
        "HeadYaw": 0.3,
        "HeadRoll": -0.1,
        "LeftEyeYaw": round(math.radians(26), 4),
    }


@given(st.integers(0, 10**10), st.sampled_from([Fraction(50), Fraction(60), Fraction(30000, 1001)]))
def test_live_link_s_time_goes_on_and_wraps_at_midnight(tick: int, rate: Fraction) -> None:
    row = Row(tick, np.zeros(52, np.float32), np.zeros(6, np.float32))
    _, _, (frame, part, up, down), _ = decode_live_link(packet(row, rate.as_integer_ratio(), "a", "b"))
    assert Fraction(up, down) == rate
    assert 0 <= part < 1
    whole = Fraction(tick * up, 48_000 * down)
    assert (math.floor(whole) - frame) % (86_400 * up // down) == 0


def test_a_face_that_was_sent_comes_to_rest_at_the_end(listener: Listener) -> None:
    viewer = LiveLinkViewer("127.0.0.1", listener.port)
    viewer.move(clip_of(one_row(jawOpen=1.0)))
    assert decode_live_link(listener.next())[3]["JawOpen"] == 1
    viewer.close()
    assert not any(decode_live_link(listener.next())[3].values())


def test_rows_go_out_when_they_are_due(listener: Listener) -> None:
    viewer = LiveLinkViewer("127.0.0.1", listener.port)
    for k in paced(5):
        viewer.move(motion(k))
    frames = [decode_live_link(listener.next())[2] for _ in range(10)]
    viewer.close()
    assert [f[0] - frames[0][0] for f in frames] == list(range(10))


@pytest.mark.parametrize(("host", "port"), [("", 39539), ("127.0.0.1", 0), ("127.0.0.1", 70_000)])
def test_addresses_that_are_none_are_refused(host: str, port: int) -> None:
    with pytest.raises(UsageError):
        VmcViewer(host, port)


def test_a_subject_needs_a_name() -> None:
    with pytest.raises(UsageError):
        LiveLinkViewer(subject="")


def test_a_host_that_does_not_exist_is_told_and_harms_nobody() -> None:
    viewer = VmcViewer("nobody.invalid", 39539)
    assert wait_for(lambda: viewer.tally.state == "failed", 20)
    assert "nobody.invalid" in viewer.tally.reason
    viewer.move(motion(0))
    viewer.close()
    assert viewer.tally.lost_rows == 2


class Hub:
    """A WebSocket server each of whose visitors gets a viewer."""

    def __init__(self) -> None:
        self.viewers: queue.Queue[MotionSocket] = queue.Queue()
        self.server: Server = serve(self._visit, "127.0.0.1", 0)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def _visit(self, socket: ServerConnection) -> None:
        viewer = MotionSocket(socket.send, socket.close)
        self.viewers.put(viewer)
        for _ in socket:
            pass
        viewer.close()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()


def test_a_websocket_gets_every_row_as_json() -> None:
    hub = Hub()
    try:
        with connect(f"ws://127.0.0.1:{hub.server.socket.getsockname()[1]}") as client:
            viewer = hub.viewers.get(timeout=5)
            for k in range(3):
                viewer.show(*moment(k))
                viewer.move(motion(k))
            got = [json.loads(client.recv(5)) for _ in range(7)]
            viewer.cut(frame_tick(3, FPS))
            viewer.move(motion(3))
            got += [json.loads(client.recv(5)) for _ in range(3)]
    finally:
        hub.close()
    assert got[0] == {
        "type": "motion.begin",
        "format": "mien.motion",
        "schema_version": 1,
        "rate": "50/1",
        "shapes": list(ARKIT_SHAPES),
        "head": ["yaw", "pitch", "roll", "x", "y", "z"],
    }
    rows = [m for m in got if m["type"] == "motion.row"]
    assert [m["tick"] for m in rows] == [960 * r for r in range(8)]
    np.testing.assert_allclose([m["shapes"][0] for m in rows], 0.001 * np.arange(8), atol=6e-6)
    np.testing.assert_allclose(rows[5]["head"], 0.0005 * np.arange(1, 7), atol=6e-6)
    assert got[7] == {"type": "motion.cut", "tick": 3 * 1920}
