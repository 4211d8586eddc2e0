"""Whatever comes in, it is refused in one sentence, and sessions go on."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import websockets
from tests.server.faults_kit import filled, operations, raw, sentence, still_speaks, told, unharmed
from tests.server.kit import Served, events, run
from tests.transmit.live_kit import wait_for

BIG = 50 << 20

OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n"
ICE = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=setup:actpass\r\na=mid:0\r\n"
SDPS = {
    "empty": "", "words": "hello", "big": OFFER + "a=x:" + "y" * (1 << 20),
    "binary": "\x00\xff\ufffd\u2028v=0\r\n" * 40,
    "no media": OFFER,
    "unknown codec": OFFER + "m=video 9 UDP/TLS/RTP/SAVPF 100\r\nc=IN IP4 0.0.0.0\r\n" + ICE + FINGERPRINT
    + "a=recvonly\r\na=rtcp-mux\r\na=rtpmap:100 NOBODY/90000\r\n",
    "no fingerprint": OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n" + ICE
    + "a=recvonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n",
    "no ice": OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n" + FINGERPRINT
    + "a=recvonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n",
    "numbers": "v=0\r\nm=audio 999999999999 UDP/TLS/RTP/SAVPF x y z\r\na=rtpmap:x opus/y/z\r\n",
    "many media": OFFER + ("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n" * 900),
}  # fmt: skip


def test_malformed_offers(served: Served) -> None:
    name = served.session()
    with unharmed(served), served.client() as client:
        for kind, sdp in SDPS.items():
            answer = client.post(f"/api/sessions/{name}/offer", json={"type": "offer", "sdp": sdp})
            assert answer.status_code in (413, 422), (kind, answer.text[:300])
            told(answer)
            other = client.post("/offer", json={"type": "offer", "sdp": sdp})
            if other.status_code == 200:
                assert other.json()["code"] == -1
                sentence(other.json()["msg"])
            else:
                assert other.status_code in (413, 422)
                told(other)
        client.delete(f"/api/sessions/{name}")
        assert wait_for(lambda: client.get("/health").json()["sessions"] == 1)
    assert wait_for(lambda: served.desk.rtc.peers == 0)


BODIES = [
    b"", b"{", b"nonsense", b"[1, 2]", b'"text"', b"null", b"\xff\xfe{}", b"[" * 60_000, b'{"a":' * 20_000,
    b'{"language": NaN}', b'{"sdp": 1e999, "type": "offer"}', b'{"input": "\\ud800"}', b'{"text": "\\u0000"}',
]  # fmt: skip


def test_malformed_json_everywhere(served: Served) -> None:
    with unharmed(served), served.client() as client:
        for method, path, about in operations(served):
            if "requestBody" not in about:
                continue
            for body in BODIES:
                answer = client.request(
                    method, filled(path), content=body, headers={"Content-Type": "application/json"}
                )
                assert answer.status_code < 500, (path, body[:40], answer.text)
                if answer.status_code >= 400:
                    told(answer)


def test_too_large_a_body_everywhere(served: Served) -> None:
    body = memoryview(bytes(BIG))
    with unharmed(served):
        for method, path, about in operations(served):
            if "requestBody" in about:
                head = f"{method.upper()} {filled(path)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {BIG}\r\n\r\n"
                status, answer = raw(served, head.encode(), body)
                assert status == 413, (method, path, answer)
                fault = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
                assert fault["code"] == "input.too_large"
                sentence(fault["message"])


SOUNDS: dict[str, bytes] = {
    "nothing": b"", "odd": bytes(1919), "one byte": b"x", "wrong size": bytes(1922), "large": bytes(1 << 20),
    "header only": bytes(24), "huge numbers": b"\xff" * 1944, "loud": b"\x00\x80" * 960,
    "text": b'{"type": "ask"}' * 100,
}  # fmt: skip


def test_malformed_sound_on_the_media_socket(served: Served) -> None:
    name = served.session()
    left = list(SOUNDS.values()) * 2

    async def send() -> None:
        async with events(served, name) as page:
            while left:
                with contextlib.suppress(websockets.ConnectionClosed):
                    async with websockets.connect(f"{served.ws}/api/sessions/{name}/media", max_size=None) as socket:
                        while left:
                            await socket.send(left.pop())
                        for _ in range(12):
                            message = await socket.recv()
                            if isinstance(message, str) and json.loads(message)["type"] == "error":
                                sentence(json.loads(message)["message"])
            await still_speaks(page)

    with unharmed(served):
        run(send())
    with served.client() as client:
        client.delete(f"/api/sessions/{name}")


FILES: dict[str, bytes] = {
    "nothing": b"", "words": b"hello" * 100, "odd": b"RIFF" + bytes(41), "cut": b"RIFF\xff\xff\xff\xffWAVEfmt ",
    "not numbers": b"RIFF\x24\x10\x00\x00WAVEfmt \x10\x00\x00\x00\x03\x00\x01\x00\x80\xbb\x00\x00\x00\xee\x02\x00"
    b"\x04\x00\x20\x00data\x00\x10\x00\x00" + np.full(1024, np.nan, "<f4").tobytes(),
    "endless numbers": b"RIFF\x24\x10\x00\x00WAVEfmt \x10\x00\x00\x00\x03\x00\x01\x00\x80\xbb\x00\x00\x00\xee\x02\x00"
    b"\x04\x00\x20\x00data\x00\x10\x00\x00" + np.full(1024, np.inf, "<f4").tobytes(),
    "no samples": b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\xbb\x00\x00\x00\x77\x01\x00"
    b"\x02\x00\x10\x00data\x00\x00\x00\x00",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(100), "a mad rate": b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00"
    b"\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00\x10\x00data\x04\x00\x00\x00\x00\x00\x00\x00",
}  # fmt: skip


def test_malformed_sound_files(served: Served) -> None:
    with unharmed(served), served.client() as client:
        name = served.session()
        for kind, data in FILES.items():
            answer = client.post("/humanaudio", data={"sessionid": name}, files={"file": ("a.wav", data)})
            assert answer.status_code == 200, (kind, answer.text)
            if answer.json()["code"]:
                sentence(answer.json()["msg"])
            else:
                assert kind in ("not numbers", "endless numbers")
        odd = client.post("/humanaudio", content=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data"})
        assert odd.status_code < 500

        async def ask() -> None:
            async with events(served, name) as page:
                await still_speaks(page)
                assert not [e for e in page.seen if e["type"] == "error"]

        run(ask())
        client.delete(f"/api/sessions/{name}")


ORDERS: tuple[dict[str, Any], ...] = (
    {}, {"type": None}, {"type": []}, {"type": "session.update"}, {"type": "response.create", "response": 5},
    {"type": "session.update", "session": {"audio": 5}}, {"type": "conversation.item.create", "item": []},
    {"type": "session.update", "session": {"turn_detection": {"silence_duration_ms": "x"}}},
)  # fmt: skip


def test_malformed_sound_on_the_realtime_socket(served: Served) -> None:
    async def send() -> None:
        async with websockets.connect(f"{served.ws}/v1/realtime") as socket:
            for audio in ("", "A", "AA==", "not base64!", "AAAA" * 200_000, 5, None, ["AAAA"], {"a": 1}):
                await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            for order in ORDERS:
                await socket.send(json.dumps(order))
            await socket.send(b"\xff\xfe")
            await socket.send("[" * 100_000)
            await socket.send(json.dumps({"type": "session.update", "session": {}}))
            while (event := json.loads(await socket.recv()))["type"] != "session.updated":
                if event["type"] == "error":
                    sentence(event["error"]["message"])

    with unharmed(served):
        run(send())


def test_too_large_a_message_ends_that_socket_alone(served: Served) -> None:
    name = served.session()

    async def send() -> None:
        for path in ("events", "media", "motion"):
            async with (
                events(served, name) as page,
                websockets.connect(f"{served.ws}/api/sessions/{name}/{path}", max_size=None) as socket,
            ):
                with contextlib.suppress(websockets.ConnectionClosed):
                    await socket.send("x" * (2 << 20))
                    while True:
                        await socket.recv()
                assert socket.close_code == 1009
                await still_speaks(page)

    with unharmed(served):
        run(send())
    with served.client() as client:
        client.delete(f"/api/sessions/{name}")
