"""Sessions over the real sockets: opened, asked, cut short, watched, closed; faults harm nobody else."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
import weakref
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import websockets
from tests.live.fakes import Parrot
from tests.server.kit import SIDE, Served, events, run, serving
from tests.transmit.live_kit import wait_for

from mien.apps.server.hub import WAITING, Hub
from mien.apps.server.room import Room
from mien.dialogue.think.base import Piece, Question, ThinkerInfo
from mien.errors import NetworkError
from mien.turn import Turn


def test_a_visit_from_the_door_to_good_bye(served: Served) -> None:
    with served.client() as client:
        opened = client.post("/api/sessions", json={"language": "en", "face": {"lip_strength": 1.2}}).json()
        assert opened["size"] == [SIDE, SIDE] and opened["fps"] == 25 and opened["webrtc"]
        assert opened["hearing"]["note"] and len(opened["id"]) >= 20
        name = opened["id"]

        async def talk() -> None:
            async with events(served, name) as page:
                assert (await page.until("avatar"))["size"] == [SIDE, SIDE]
                await page.send("ask", text="Who are you?")
                assert (await page.until("turn"))["text"] == "Who are you?"
                assert (await page.until("caption"))["text"] == "Hello there."
                assert (await page.until("sound"))["waited"] < 5
                await page.send("interrupt")
                await page.until("cut")
                await page.send("say", text="Something else.")
                await page.until("said", text="Something else.")
                await page.send("ping", t=7.5)
                assert (await page.until("pong"))["t"] == 7.5

        run(talk())
        state = client.get(f"/api/sessions/{name}").json()
        assert state["counts"]["turns"] == 2 and state["counts"]["cuts"] == 1
        assert client.delete(f"/api/sessions/{name}").json() == {"ok": True}
        gone = client.get(f"/api/sessions/{name}")
        assert gone.status_code == 404 and gone.json()["error"]["code"] == "session.unknown"


def test_dials_and_voice_change_while_it_goes_on(served: Served) -> None:
    name = served.session()

    async def turn_dials() -> None:
        async with events(served, name) as page:
            await page.send("dials", head_motion=0.0, emotion="happy")
            await page.send("voice", voice="male", language="de")
            changed = await page.until("voice")
            assert changed["voice"] == "male" and changed["language"] == "de"
            await page.send("hands_free", on=False)
            await page.send("press")
            await page.send("release")
            await page.send("latency", turn=1, text_ms=100, sound_ms=250.5, skew_ms=-12, more="ignored")
            await page.send("say", text="Guten Tag.")
            await page.until("sound")
            assert not [e for e in page.seen if e["type"] == "error"]

    run(turn_dials())
    with served.client() as client:
        told = client.get("/metrics").text
    assert 'mien_browser_wait_seconds_count{kind="sound"} 1' in told and "mien_av_skew_seconds_sum 0.012" in told


@pytest.mark.parametrize(
    "message",
    ["", "nonsense", "[1]", '{"type": 5}', '{"type": "unheard of"}', '{"type": "ask"}', '{"type": "ask", "text": 5}',
     '{"type": "say", "text": "x", "extra": 1}', '{"type": "dials", "head_motion": 99}', "[" * 50_000,
     '{"type": "voice", "voice": "../../etc/passwd"}', '{"type": "voice", "voice": "nobody:there"}', b"\xff\x00",
     '{"type": "say", "text": "[wrong mark"}', '{"type": "say", "text": "%s"}' % ("x" * 30_000)],
)  # fmt: skip
def test_garbage_is_answered_with_a_reason_and_the_session_goes_on(served: Served, message: str | bytes) -> None:
    name = served.session()

    async def babble() -> None:
        async with websockets.connect(f"{served.ws}/api/sessions/{name}/events") as socket:
            await socket.send(message)
            async with asyncio.timeout(10):
                while (event := json.loads(await socket.recv()))["type"] not in ("error", "turn"):
                    pass
                if event["type"] == "error":
                    assert event["code"] and event["message"].endswith((".", "…"))
                await socket.send('{"type": "ping"}')
                while json.loads(await socket.recv())["type"] != "pong":
                    pass

    run(babble())
    with served.client() as client:
        client.delete(f"/api/sessions/{name}")


@pytest.mark.parametrize(
    "wish",
    [{"avatar": "../../etc/passwd"}, {"avatar": "nobody"}, {"persona": "/etc/passwd"}, {"persona": "nobody"},
     {"background": "/etc/passwd"}, {"background": "file.png"}, {"voice": "/etc/passwd"}, {"language": "x y"},
     {"face": {"lip_model": "/etc/passwd"}}, {"face": {"seed": -1}}, {"visitor": "a/b"}, {"size": 9}, [], "x", None],
)  # fmt: skip
def test_wishes_that_make_no_sense_or_name_files_are_refused(served: Served, wish: Any) -> None:
    with served.client() as client:
        answer = client.post("/api/sessions", json=wish)
        assert answer.status_code in (400, 404, 422)
        assert set(answer.json()["error"]) == {"code", "message", "hint", "retryable"}
        assert "passwd" not in json.dumps(answer.json()) or answer.status_code == 404


@pytest.mark.parametrize("path", ["..%2f..%2fetc%2fpasswd", "%2e%2e", "....//", "anna.png", "a%00b", "x" * 130])
def test_paths_lead_nowhere(served: Served, path: str) -> None:
    with served.client() as client:
        for place in (f"/api/avatars/{path}/picture", f"/api/recordings/{path}", f"/page/{path}"):
            assert client.get(place).status_code in (404, 422)


def test_what_there_is_to_choose_from(served: Served) -> None:
    with served.client() as client:
        avatars = client.get("/api/avatars").json()["avatars"]
        assert [a["name"] for a in avatars] == ["anna"]
        picture = client.get(avatars[0]["picture"])
        assert picture.headers["content-type"] == "image/jpeg" and picture.content[:2] == b"\xff\xd8"
        voices = client.get("/api/voices", params={"language": "en"}).json()
        assert any(v["name"] == "female" for v in voices["voices"]) and voices["backends"]
        assert {p["id"] for p in client.get("/api/personas").json()["personas"]} >= {"guide", "tutor"}
        doctor = client.get("/api/doctor").json()
        assert doctor["thinking"][0]["name"] == "parrot" and doctor["udp_port"] > 0


def test_pictures_and_sound_come_over_the_socket_and_the_microphone_goes_in(served: Served) -> None:
    name = served.session()

    async def watch() -> None:
        async with websockets.connect(f"{served.ws}/api/sessions/{name}/media", max_size=None) as socket:
            kinds: dict[object, int] = {}
            for n in range(60):
                await socket.send(bytes(1920) if n % 2 else b"junk")
                message = await socket.recv()
                kind = json.loads(message)["type"] if isinstance(message, str) else message[0]
                kinds[kind] = kinds.get(kind, 0) + 1
            assert kinds["video"] == 1 and kinds[1] > 5 and kinds[2] > 5 and kinds["error"] > 10

    run(watch())
    with served.client() as client:
        assert wait_for(lambda: client.get(f"/api/sessions/{name}").json()["watching"] == 0)
        state = client.get(f"/api/sessions/{name}").json()
        assert state["viewers"][0]["frames"] > 5


def test_motion_comes_as_rows(served: Served) -> None:
    name = served.session()

    async def read() -> None:
        async with websockets.connect(f"{served.ws}/api/sessions/{name}/motion") as socket:
            begin = json.loads(await socket.recv())
            assert begin["type"] == "motion.begin" and len(begin["shapes"]) == 52
            rows = [json.loads(await socket.recv()) for _ in range(5)]
            assert all(len(row["shapes"]) == 52 and len(row["head"]) == 6 for row in rows)
            assert [b["tick"] - a["tick"] for a, b in pairwise(rows)] == [1920] * 4

    run(read())
    with served.client() as client:
        assert wait_for(lambda: len(client.get(f"/api/sessions/{name}").json()["viewers"]) == 1)


def test_a_recording_is_whole_when_it_ends(served: Served) -> None:
    name = served.session()
    with served.client() as client:
        path = f"/api/sessions/{name}/recording"
        assert client.delete(path).status_code == 404
        begun = client.post(path)
        assert begun.status_code == 201 and client.post(path).status_code == 409
        time.sleep(0.5)
        ended = client.delete(path).json()
        assert ended["state"] == "closed", ended
        film = client.get(ended["url"])
        assert film.headers["content-type"] == "video/mp4" and film.content[4:8] == b"ftyp"


def test_motion_and_pushes_stay_on_this_machine_where_others_come_in() -> None:
    with serving(outside=False) as served:
        name = served.session()
        with served.client() as client:
            for path, wish in (
                ("motion", {"protocol": "vmc", "host": "192.0.2.1"}),
                ("pushes", {"url": "rtmp://192.0.2.1/live/key"}),
                ("pushes", {"url": "whip+https://192.0.2.1/x"}),
            ):
                assert client.post(f"/api/sessions/{name}/{path}", json=wish).status_code == 403
            assert client.post(f"/api/sessions/{name}/pushes", json={"url": "file:///etc"}).status_code == 422
            sent = client.post(f"/api/sessions/{name}/motion", json={"protocol": "livelink", "port": 39_999})
            assert sent.status_code == 201, sent.text
            ended = client.delete(f"/api/sessions/{name}/motion/{sent.json()['id']}")
            assert ended.status_code == 200
            assert client.delete(f"/api/sessions/{name}/motion/{sent.json()['id']}").status_code == 404


def test_puppet_mode_is_switched(served: Served) -> None:
    name = served.session()
    with served.client() as client:
        assert client.post(f"/api/sessions/{name}/puppet", json={"on": True}).status_code == 200
        assert client.get(f"/api/sessions/{name}").json()["puppet"]
        assert client.post(f"/api/sessions/{name}/puppet", json={"on": False}).status_code == 200
        assert not client.get(f"/api/sessions/{name}").json()["puppet"]


@pytest.mark.parametrize("sdp", ["", "v=0", "x" * 70_000, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nm=audio 9 X 0\r\n"])
def test_malformed_offers_are_refused(served: Served, sdp: str) -> None:
    name = served.session()
    with served.client() as client:
        answer = client.post(f"/api/sessions/{name}/offer", json={"type": "offer", "sdp": sdp})
        assert answer.status_code == 422 and answer.json()["error"]["message"]
        client.delete(f"/api/sessions/{name}")
    assert served.desk.rtc.peers == 0


class Unwell:
    """A language model that is down, or streams what no page can hold."""

    def __init__(self, pieces: list[Piece | Exception]) -> None:
        self._pieces = pieces

    @property
    def info(self) -> ThinkerInfo:
        return ThinkerInfo("unwell", streaming=True)

    def answer(self, question: Question, turn: Turn) -> Iterator[Piece]:
        for piece in self._pieces:
            turn.check()
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "fault", [NetworkError("Nobody answers.", hint="Start it."), RuntimeError("secret inside"), ValueError()]
)
def test_a_model_that_fails_is_told_and_others_are_unharmed(fault: Exception) -> None:
    with serving(Unwell([fault])) as served:
        names = served.session(), served.session()

        async def ask() -> None:
            async with events(served, names[0]) as page, events(served, names[1]) as other:
                await page.send("ask", text="Well?")
                told = await page.until("error")
                assert "secret" not in json.dumps(told) and told["message"]
                await other.send("say", text="I am fine.")
                await other.until("sound")
                assert not [e for e in other.seen if e["type"] == "error"]

        run(ask())


def test_a_flood_of_events_is_bounded_and_what_is_missed_is_told() -> None:
    async def flood() -> None:
        hub = Hub()
        slow = hub.subscribe()
        hub.tell({"type": "cut", "n": -1})
        for n in range(10 * WAITING):
            hub.tell({"type": "partial", "n": n})
        assert hub.waiting == WAITING
        hub.close()
        told = [event async for event in slow]
        assert told[0] == {"type": "missed", "count": 10 * WAITING + 1 - WAITING}
        assert told[1]["type"] == "cut" and told[-1]["n"] == 10 * WAITING - 1

    run(flood())


def test_a_full_house_says_so_and_a_place_that_is_left_is_free_again() -> None:
    with serving(sessions=1) as served, served.client() as client:
        first = client.post("/api/sessions", json={}).json()["id"]
        full = client.post("/api/sessions", json={})
        assert full.status_code == 503 and full.json()["error"]["retryable"] and full.headers["retry-after"]
        client.delete(f"/api/sessions/{first}")
        assert client.post("/api/sessions", json={}).status_code == 201


def test_sessions_that_nobody_watches_end_and_openings_are_limited() -> None:
    with serving(alone=0.4, openings=3) as served, served.client() as client:
        assert client.post("/api/sessions", json={}).status_code == 201
        assert client.post("/api/sessions", json={}).status_code == 429
        assert wait_for(lambda: client.get("/health").json()["sessions"] == 0)


def ours() -> int:
    """Threads but those of pools, which grow to their bound and stay."""
    pools = ("AnyIO worker thread", "asyncio_", "ThreadPoolExecutor", "mien-serve_", "mien-door_")
    return sum(not thread.name.startswith(pools) for thread in threading.enumerate())


def test_nothing_is_left_of_those_who_have_gone() -> None:
    with serving(Parrot("One.", "Two.")) as served:
        rooms: list[weakref.ref[Room]] = []

        async def visit() -> None:
            name = await asyncio.to_thread(served.session)
            room = served.desk.house.get(name)
            assert isinstance(room, Room)
            rooms.append(weakref.ref(room))
            async with (
                events(served, name) as page,
                websockets.connect(f"{served.ws}/api/sessions/{name}/media", max_size=None) as media,
            ):
                await page.send("ask", text="Hello?")
                await media.recv()
                await page.until("turn")
            with served.client() as client:
                await asyncio.to_thread(client.delete, f"/api/sessions/{name}")

        run(visit())
        gc.collect()
        before = ours()
        for _ in range(8):
            run(visit())
        assert wait_for(lambda: ours() <= before), [t.name for t in threading.enumerate()]
        assert wait_for(lambda: not any(gc.collect() < 0 or r() for r in rooms)), [r() for r in rooms]
