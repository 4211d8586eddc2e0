"""LiveTalking's clients, request by request, as its public page and documents make them."""

from __future__ import annotations

import asyncio
import io
import wave
from typing import Any

import httpx
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from tests.server.kit import Served, run


class TalkClient:
    """What the public clients do. number: as the older ones, which parse the session's id."""

    def __init__(self, http: httpx.AsyncClient, *, number: bool) -> None:
        self._http, self._number = http, number
        self._peer = RTCPeerConnection()
        self.sessionid: str | int = ""

    async def start(self) -> None:
        self._peer.addTransceiver("video", direction="recvonly")
        self._peer.addTransceiver("audio", direction="recvonly")
        await self._peer.setLocalDescription(await self._peer.createOffer())
        offer = self._peer.localDescription
        more = {} if self._number else {"avatar": "wav2lip256_avatar1", "refaudio": "", "custom_config": ""}
        answer = (await self._http.post("/offer", json={"sdp": offer.sdp, "type": offer.type, **more})).json()
        assert set(answer) == {"sdp", "type", "sessionid"} and answer["type"] == "answer"
        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        self.sessionid = int(answer["sessionid"]) if self._number else answer["sessionid"]

    async def post(self, path: str, **fields: Any) -> Any:
        response = await self._http.post(path, json={"sessionid": self.sessionid, **fields})
        assert response.status_code == 200
        answer = response.json()
        assert {"code", "msg"} <= set(answer)
        return answer

    async def speaks(self, wanted: bool) -> bool:
        for _ in range(200):
            if (await self.post("/is_speaking"))["data"] is wanted:
                return True
            await asyncio.sleep(0.05)
        return False

    async def stop(self) -> None:
        await self._peer.close()


def sound_file() -> bytes:
    tone = np.sin(np.arange(32_000) / 9) * (np.arange(32_000) % 8000 < 5000)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((8000 * tone).astype("<i2").tobytes())
    return out.getvalue()


def test_a_client_talks_cuts_in_records_and_leaves(served: Served) -> None:
    async def visit(number: bool) -> None:
        async with httpx.AsyncClient(base_url=served.url, timeout=20) as http:
            client = TalkClient(http, number=number)
            await client.start()
            ok = {"code": 0, "msg": "ok"}
            assert (
                ok.items()
                <= (await client.post("/human", text="Hello my friend.", type="echo", interrupt=True)).items()
            )
            assert (await client.post("/record", type="start_record"))["code"] == 0
            assert await client.speaks(True)
            assert (await client.post("/interrupt_talk"))["code"] == 0
            assert await client.speaks(False)
            assert (await client.post("/human", text="Who are you?", type="chat"))["code"] == 0
            assert await client.speaks(True)
            assert (await client.post("/human", text="Never mind.", type="chat", interrupt=True))["code"] == 0
            for kind in (1, "1", "happy"):
                assert (await client.post("/set_audiotype", audiotype=kind, reinit=True))["code"] == 0
            assert (await client.post("/set_audiotype", audiotype=99))["code"] == -1
            form = {"data": {"sessionid": str(client.sessionid)}, "files": {"file": ("a.wav", sound_file())}}
            assert (await http.post("/humanaudio", **form)).json()["code"] == 0  # type: ignore[arg-type]
            assert await client.speaks(True)
            recorded = await client.post("/record", type="end_record")
            assert recorded["data"].endswith(".mp4")
            before = (await http.get("/health")).json()["sessions"]
            await client.stop()
            for _ in range(100):
                if (await http.get("/health")).json()["sessions"] < before:
                    break
                await asyncio.sleep(0.05)
            assert (await client.post("/is_speaking"))["code"] == -1

    run(visit(number=False))
    run(visit(number=True))


def test_what_is_echoed_without_interrupt_follows_what_is_being_said(served: Served) -> None:
    async def visit() -> None:
        async with httpx.AsyncClient(base_url=served.url, timeout=20) as http:
            client = TalkClient(http, number=True)
            await client.start()
            room = served.desk.room(str(client.sessionid))
            for text in ("One is said.", "Two follows."):
                assert (await client.post("/human", text=text, type="echo", interrupt=False))["code"] == 0
            for _ in range(400):
                if [s.text for s in room.session.history] == ["One is said.", "Two follows."]:
                    break
                await asyncio.sleep(0.05)
            assert [s.text for s in room.session.history] == ["One is said.", "Two follows."]
            assert room.session.counts.cuts == 0
            assert (await client.post("/human", text="x", type="sing"))["code"] == -1
            assert (await client.post("/human", text=" ", type="echo"))["code"] == -1
            await client.stop()

    run(visit())


def test_what_is_wrong_comes_as_a_code(served: Served) -> None:
    with served.client() as client:
        for path in ("/human", "/interrupt_talk", "/is_speaking", "/set_audiotype", "/record"):
            answer = client.post(path, json={"sessionid": "nope", "text": "x", "type": "echo"})
            assert answer.status_code == 200 and answer.json()["code"] == -1
            assert answer.json()["msg"] == "session not found"
        broken = client.post("/offer", json={"sdp": "v=0", "type": "offer"}).json()
        assert broken["code"] == -1 and "sessionid" not in broken
        assert client.post("/humanaudio", data={"sessionid": "1"}).json()["code"] == -1
        noise = client.post("/humanaudio", data={"sessionid": served.session()}, files={"file": ("a.wav", b"noise")})
        assert noise.json()["code"] == -1
