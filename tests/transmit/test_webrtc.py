"""WebRTC against a receiver made with aiortc, over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.transmit.live_parts import FRAME, Receiver, fed, grey, silence, tone, until

from mien.errors import InputError, OutputError, UsageError
from mien.transmit.broadcast import Broadcast
from mien.transmit.rtc_peer import Listeners
from mien.transmit.rtc_settings import IceServer, RtcSettings, parse_ports
from mien.transmit.webrtc import WebRtcGateway
from mien.types import AudioChunk, ByteArray

pytest.importorskip("aiortc", reason="the extra 'live' is not installed")
TURNSERVER = shutil.which("turnserver")


def at_gateway(work: Callable[[WebRtcGateway], Awaitable[None]], settings: RtcSettings | None = None) -> None:
    """Run something with an open gateway, in a loop of its own."""

    async def whole() -> None:
        gateway = WebRtcGateway(settings)
        await gateway.open()
        try:
            await work(gateway)
        finally:
            await gateway.close()
        assert gateway.peers == 0

    asyncio.run(whole())


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_pictures_sound_microphone_and_messages_reach_the_other_side(codec: str) -> None:
    heard: list[AudioChunk] = []
    said: list[dict[str, Any]] = []
    states: list[str] = []

    async def work(gateway: WebRtcGateway) -> None:
        receiver = Receiver(microphone=True)
        listeners = Listeners(heard.append, said.append, lambda state, why: states.append(state))
        peer = await receiver.connect(gateway, broadcast, listeners, (codec,))
        peer.send_message({"type": "caption", "text": "你好"})  # before the channel is open
        await until(lambda: len(receiver.pictures) > 20 and len(receiver.sound) > 40 and len(heard) > 20)
        assert peer.codec == codec
        receiver.channel.send('{"type": "ping", "n": 7}')
        receiver.channel.send('{"type": "say", "text": "hello"}')
        receiver.channel.send("no json")
        broadcast.cut(123)
        await until(lambda: said and len(receiver.messages) >= 4)
        kinds = {m["type"]: m for m in receiver.messages}
        assert kinds["caption"]["text"] == "你好" and kinds["pong"]["n"] == 7 and kinds["cut"]["tick"] == 123
        assert kinds["error"]["code"] == "input.message" and said == [{"type": "say", "text": "hello"}]
        levels = np.array([level for _, level in receiver.pictures])
        assert np.ptp(levels) > 50  # they are our pictures: the grey moves
        assert np.sqrt(np.mean(receiver.sound[-1][1] ** 2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.2)
        await receiver.close()
        await until(lambda: states[-1] == "closed")

    with fed(Broadcast()) as broadcast:
        at_gateway(work)
    assert states[:2] == ["connected", "closed"]
    assert heard[0].start == 0 and all(a.end == b.start for a, b in pairwise(heard))


def test_both_tracks_are_on_one_clock_even_when_the_session_jitters() -> None:
    """A mark in the picture and one in the sound, at one tick: the receiver's sums put them at one wall time."""
    mark = 60
    late = np.random.default_rng(3).uniform(0.0, 0.03, 1000)

    async def work(gateway: WebRtcGateway) -> None:
        receiver = Receiver()
        await receiver.connect(gateway, broadcast)
        await until(lambda: receiver.pictures and receiver.sound)
        await until(lambda: any(level > 128 for _, level in receiver.pictures))
        await until(lambda: any(np.abs(s).max() > 0.1 for _, s in receiver.sound))
        await until(lambda: min(len(r) for r in receiver.reports.values()) >= 2)
        shown = next(pts for pts, level in receiver.pictures if level > 128)
        heard = next(pts + int(np.argmax(np.abs(s) > 0.1)) for pts, s in receiver.sound if np.abs(s).max() > 0.1)
        at = {}
        for kind, pts, rate in (("video", shown, 90_000), ("audio", heard, 48_000)):
            times = [
                ntp / 2**32 + ((receiver.first[kind] + pts - rtp + 2**31) % 2**32 - 2**31) / rate
                for ntp, rtp in receiver.reports[kind]
            ]
            assert np.ptp(times) < 0.001  # reports of one track agree
            at[kind] = times[-1]
        assert abs(at["audio"] - at["video"]) < 0.005
        await receiver.close()

    def pixels(n: int) -> ByteArray:
        return grey(235 if n >= mark else 20)

    def sound(tick: int) -> AudioChunk:
        return tone(tick) if tick >= mark * FRAME else silence(tick)

    with fed(Broadcast(), pixels, sound, lambda n: float(late[n % 1000])) as broadcast:
        at_gateway(work)


def test_three_peers_share_one_port_and_see_their_own_session() -> None:
    async def work(gateway: WebRtcGateway) -> None:
        receivers = [Receiver() for _ in sessions]
        for receiver, session in zip(receivers, sessions, strict=True):
            await receiver.connect(gateway, session)
            ports = set(re.findall(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ host", receiver.answer))
            assert ports == {str(gateway.port)}
        await until(lambda: all(len(r.pictures) > 5 for r in receivers))
        levels = [np.mean([level for _, level in r.pictures]) for r in receivers]
        assert levels[0] < 60 < levels[1] < 160 < levels[2]
        assert gateway.peers == 3
        for receiver in receivers:
            await receiver.close()

    sessions = [Broadcast() for _ in range(3)]
    with (
        fed(sessions[0], lambda n: grey(10)),
        fed(sessions[1], lambda n: grey(120)),
        fed(sessions[2], lambda n: grey(240)),
    ):
        at_gateway(work)


def test_twenty_connections_leave_nothing() -> None:
    def held() -> tuple[int, int]:
        gc.collect()
        descriptors = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
        mine = [
            t for t in threading.enumerate() if not t.name.startswith("asyncio_")
        ]  # the loop's own pool grows to its bound
        return len(mine), descriptors

    async def work(gateway: WebRtcGateway) -> None:
        counts = []
        for n in range(20):
            receiver = Receiver(microphone=True)
            await receiver.connect(gateway, broadcast, Listeners(on_sound=lambda chunk: None))
            await until(lambda: receiver.pictures)  # noqa: B023
            await receiver.close()
            await until(lambda: gateway.peers == 0)
            if n in (3, 19):
                await asyncio.sleep(0.3)
                counts.append(held())
        assert counts[1][0] <= counts[0][0] and counts[1][1] <= counts[0][1] + 1

    with fed(Broadcast()) as broadcast:
        at_gateway(work)


def test_a_blocked_port_is_told_in_words() -> None:
    states: list[tuple[str, str, float]] = []

    async def work(gateway: WebRtcGateway) -> None:
        receiver = Receiver()
        begin = time.monotonic()
        told = Listeners(on_state=lambda state, why: states.append((state, why, time.monotonic() - begin)))
        await gateway.answer(await receiver.offer(), Broadcast(), told)  # nothing is ever sent to the port
        await until(lambda: states)
        await receiver.close()
        state, why, seconds = states[0]
        assert state == "failed" and f"UDP port {gateway.port}" in why and "firewall" in why
        assert seconds < 1.5
        await until(lambda: gateway.peers == 0)

    assert RtcSettings().patience < 3.0
    at_gateway(work, RtcSettings(patience=0.5))


def test_a_browser_that_falls_silent_is_lost_then_forgotten() -> None:
    states: list[tuple[str, str]] = []

    async def work(gateway: WebRtcGateway) -> None:
        receiver = Receiver(microphone=True)
        await receiver.connect(gateway, broadcast, Listeners(lambda c: None, None, lambda *told: states.append(told)))
        await until(lambda: receiver.pictures)
        for transceiver in receiver.connection.getTransceivers():
            transceiver.receiver.transport.transport._connection.send = never
            transceiver.receiver.transport.transport._send = never
        await until(lambda: len(states) >= 3)
        assert [state for state, _ in states] == ["connected", "lost", "failed"]
        assert "network" in states[1][1]
        await receiver.close()

    async def never(data: bytes) -> None:
        """The cable is out."""

    with fed(Broadcast()) as broadcast:
        at_gateway(work, RtcSettings(silence=0.6, forgotten=1.2))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sdp: None,
        lambda sdp: "offer",
        lambda sdp: {"type": "answer", "sdp": sdp},
        lambda sdp: {"type": "offer", "sdp": ""},
        lambda sdp: {"type": "offer", "sdp": 5},
        lambda sdp: {"type": "offer", "sdp": "v=0\r\nm=video nine\r\n"},
        lambda sdp: {"type": "offer", "sdp": sdp * 40},
        lambda sdp: {"type": "offer", "sdp": sdp.split("m=")[0]},
        lambda sdp: {"type": "offer", "sdp": re.sub(r"a=ice-ufrag.*\r\n", "", sdp)},
        lambda sdp: {"type": "offer", "sdp": re.sub(r"a=fingerprint.*\r\n", "", sdp)},
        lambda sdp: {"type": "offer", "sdp": re.sub(r"(H264|VP8)/90000", "H265/90000", sdp)},
        lambda sdp: {"type": "offer", "sdp": sdp.replace("setup:actpass", "setup:sideways")},
    ],
)
def test_offers_that_cannot_be_used_are_refused(spoil: Callable[[str], object]) -> None:
    async def work(gateway: WebRtcGateway) -> None:
        receiver = Receiver()
        offer = await receiver.offer()
        with pytest.raises(InputError) as refused:
            await gateway.answer(spoil(offer["sdp"]), Broadcast())
        assert refused.value.code == "input.sdp" and refused.value.hint
        assert gateway.peers == 0
        await receiver.close()

    at_gateway(work)


def test_names_that_only_multicast_resolves_do_not_hold_the_answer_up() -> None:
    async def work(gateway: WebRtcGateway) -> None:
        receiver = Receiver()
        offer = await receiver.offer()
        hidden = re.sub(r"(a=candidate:\S+ 1 udp \d+) \S+", r"\1 5ad0c1f4-0000.local", offer["sdp"])
        begin = time.monotonic()
        answer, _ = await gateway.answer({"type": "offer", "sdp": hidden}, broadcast)
        assert time.monotonic() - begin < 0.9
        from aiortc import RTCSessionDescription

        await receiver.connection.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        await until(lambda: receiver.pictures)
        await receiver.close()

    with fed(Broadcast()) as broadcast:
        at_gateway(work)


def test_we_offer_and_somebody_answers() -> None:
    async def work(gateway: WebRtcGateway) -> None:
        from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

        offer, peer = await gateway.offer(broadcast)
        taker: Any = RTCPeerConnection(RTCConfiguration([]))
        kinds: list[str] = []
        taker.on("track", lambda track: kinds.append(track.kind))
        await taker.setRemoteDescription(RTCSessionDescription(offer.sdp, offer.type))
        await taker.setLocalDescription(await taker.createAnswer())
        await peer.accept({"type": "answer", "sdp": taker.localDescription.sdp})
        await until(lambda: peer.state == "connected")
        assert sorted(kinds) == ["audio", "video"]
        await taker.close()

    with fed(Broadcast()) as broadcast:
        at_gateway(work)


def test_a_port_that_is_taken_is_refused_and_a_range_takes_the_next() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=str(port)):
            at_gateway(lambda gateway: asyncio.sleep(0), RtcSettings(ports=(port, port)))
        chosen: list[int] = []

        async def work(gateway: WebRtcGateway) -> None:
            chosen.append(gateway.port)

        at_gateway(work, RtcSettings(ports=(port, min(port + 8, 65535))))
        assert port < chosen[0] <= port + 8


@pytest.mark.parametrize("text", ["", "x", "0-9", "9-1", "70000", "1-2-3"])
def test_ports_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_ports(text)


def test_settings_are_checked() -> None:
    assert parse_ports(" 8011-8020") == (8011, 8020) and parse_ports("8011") == (8011, 8011)
    for wrong in ({"host": "localhost"}, {"announce": ("example.org",)}, {"interfaces": ("eth0",)}):
        with pytest.raises(UsageError):
            RtcSettings(**wrong)
    for url, name in (("http://x", ""), ("turn:relay.example.org", "")):
        with pytest.raises(UsageError):
            IceServer(url, name)
    assert "secret" not in repr(IceServer("turns:relay.example.org:5349", "me", "secret"))


def test_announced_addresses_replace_our_own() -> None:
    async def work(gateway: WebRtcGateway) -> None:
        receiver = Receiver()
        answer, _ = await gateway.answer(await receiver.offer(), Broadcast())
        assert f"203.0.113.9 {gateway.port} typ host" in answer.sdp
        assert "127.0.0.1" not in answer.sdp
        await receiver.close()

    at_gateway(work, RtcSettings(announce=("203.0.113.9",)))


@pytest.mark.skipif(TURNSERVER is None, reason="there is no TURN server here (apt install coturn)")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_relay_carries_what_nothing_else_can(transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an address of its own the peer has only the relay; it stays longer than silence would let it."""

    async def work(gateway: WebRtcGateway) -> None:
        receiver = Receiver()
        peer = await receiver.connect(gateway, broadcast)
        assert "typ relay" in receiver.answer and "typ host" not in receiver.answer
        await until(lambda: receiver.pictures)
        await asyncio.sleep(2.5)
        assert peer.state == "connected"
        await receiver.close()

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-n", "--no-tls", "--no-dtls", "-L", "127.0.0.1", "--allow-loopback-peers", "-u", "me:word", "-r", "mien"]
    words += ["-a", "--no-cli", "-p", str(port), "--log-file", "stdout", "--pidfile", str(tmp_path / "pid")]
    assert TURNSERVER is not None
    relay = subprocess.Popen([TURNSERVER, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    monkeypatch.setattr("mien.transmit.rtc_port._own_addresses", lambda settings: [])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
                break
            time.sleep(0.02)
        server = IceServer(f"turn:127.0.0.1:{port}?transport={transport}", "me", "word")
        with fed(Broadcast()) as broadcast:
            at_gateway(work, RtcSettings(servers=(server,), silence=1.8))
    finally:
        relay.kill()
        relay.wait()
